"""Record the golden values of the networks that are trained: ``python tests/parity/record_backbones.py NAME CLONE``.

NAME is one of the cases of `backbone_layout`, and CLONE a copy of the code it comes from: deep_audio_features ("cnn4"),
neural-classifiers-with-few-audio ("sbcnn", "sbcnn_norm", "timbre", "vgg32", "vgg128"), AudioTaggingDoneRight ("crnn",
"cnn_transformer", "cnn_transformer_positions") or audioset_tagging_cnn ("cnn14"). torch must be installed; TensorFlow 2
with tf_keras for the few-audio study, torchlibrosa for the last.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from backbone_layout import CASES, LEARNED_LOG, POOLINGS, Case, frames
from golden_files import write_golden
from seeded import checkpoint

# of their configuration: number, and whether a learned logarithm stands in front
FEW_AUDIO = {
    "sbcnn": (0, False),
    "sbcnn_norm": (1, False),
    "timbre": (2, False),
    "vgg32": (3, False),
    "vgg128": (14, True),
}
Answers = dict[str, dict[str, np.ndarray]]


def seed(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Draw the tensors of a network, each once even where two names stand for it."""
    state = dict(network.named_parameters()) | dict(network.named_buffers())
    drawn = {name: tensor for name, tensor in state.items() if not name.startswith("positional_encoding")}
    shapes = {name: tuple(tensor.shape) for name, tensor in drawn.items()}
    with torch.no_grad():
        for name, array in checkpoint(shapes).items():
            drawn[name].copy_(torch.from_numpy(np.asarray(array)))
    return shapes


def ask(network: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(x)).numpy()


def cnn4(clone: Path, case: Case) -> tuple[dict[str, tuple[int, ...]], Answers]:
    sys.path.insert(0, str(clone))
    theirs = importlib.import_module("deep_audio_features.models.cnn").CNN1
    network = theirs(height=case.n_frames, width=case.n_features, classes_mapping={}, output_dim=case.n_outputs).eval()
    shapes = seed(network)
    return shapes, {"plain": {"rectified": ask(network, frames(case)[:, None])}}


def talnet(clone: Path, case: Case) -> tuple[dict[str, tuple[int, ...]], Answers]:
    source = clone / "src" / "models" / "Net_mModal_mgpu.py"
    spec = importlib.util.spec_from_file_location("theirs", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options = Namespace(
        n_mels=case.n_features,
        embedding_size=case.options["n_embedding"],
        n_conv_layers=10,
        n_pool_layers=5,
        n_trans_layers=case.options.get("n_layers", 2),
        kernel_size=(3, 3),
        batch_norm=True,
        dropout=0.0,
        transformer_dropout=0.5,
        pooling="att",
        addpos=case.options.get("positions", False),
        target_length=case.n_frames,
    )
    network = (module.TALNet if case.architecture == "crnn" else module.TransformerEncoder)(options).eval()
    shapes = seed(network)
    answers = {}
    for ours, pooling in POOLINGS.items():
        network.pooling = pooling
        # in double precision: attention makes much of small differences
        answers[ours] = {"probabilities": ask(network.double(), frames(case).astype(np.float64))}
    return shapes, answers


def cnn14(clone: Path, case: Case) -> tuple[dict[str, tuple[int, ...]], Answers]:
    """Their network without its front end: the frames go in where the log-mel frames would."""
    sys.path[:0] = [str(clone / "pytorch"), str(clone / "utils")]
    network = importlib.import_module("models").Cnn14(32000, 1024, 320, 64, 50, 14000, case.n_outputs).eval()
    network.spectrogram_extractor = network.logmel_extractor = torch.nn.Identity()
    shapes = seed(network)
    with torch.no_grad():
        out = network(torch.from_numpy(frames(case))[:, None])
    return shapes, {"plain": {"probabilities": out["clipwise_output"].numpy(), "embedding": out["embedding"].numpy()}}


def old_tensorflow() -> Any:
    """TensorFlow as their code expects it, with what later versions left out."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    tf1 = importlib.import_module("tensorflow").compat.v1
    tf1.disable_eager_execution()
    old = ModuleType("tensorflow")
    old.__getattr__ = lambda name: getattr(tf1, name)
    glorot = tf1.keras.initializers.glorot_uniform
    old.contrib = SimpleNamespace(
        layers=SimpleNamespace(variance_scaling_initializer=lambda **_: glorot(), flatten=tf1.layers.flatten)
    )
    return old


_LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def few_audio(clone: Path, case: Case, name: str) -> tuple[dict[str, tuple[int, ...]], Answers]:
    tf = old_tensorflow()
    number, logarithm = FEW_AUDIO[name]
    spec = importlib.util.spec_from_file_location("theirs", clone / "src" / "models_sl.py")
    module = importlib.util.module_from_spec(spec)
    modern, sys.modules["tensorflow"] = sys.modules["tensorflow"], tf
    spec.loader.exec_module(module)
    sys.modules["tensorflow"] = modern
    x = tf.placeholder(tf.float32, [None, case.n_frames, case.n_features])
    y = module.model_number(x, tf.constant(False), {"model_number": number, "num_classes_dataset": case.n_outputs})
    variables = {}
    for variable in tf.global_variables():
        *_, stem, leaf = variable.name.removesuffix(":0").split("/")
        variables[f"{stem}.{_LEAVES[leaf]}" if leaf in _LEAVES else leaf] = variable
    shapes = {key: _torch_shape(v.shape.as_list()) for key, v in variables.items() if key not in LEARNED_LOG}
    drawn = {key: _tensorflow_array(array) for key, array in checkpoint(shapes).items()}
    drawn |= {key: np.float32(value) for key, value in LEARNED_LOG.items() if logarithm}
    with tf.Session() as session:
        for key, array in drawn.items():
            variables[key].load(array, session)
        return shapes, {"plain": {"logits": session.run(y, {x: frames(case)})}}


def _torch_shape(shape: list[int]) -> tuple[int, ...]:
    """(height, width, in, out) to (out, in, height, width); (in, out) to (out, in)."""
    return tuple(shape[::-1] if len(shape) == 2 else [shape[3], shape[2], *shape[:2]] if len(shape) == 4 else shape)


def _tensorflow_array(array: np.ndarray) -> np.ndarray:
    return array.T if array.ndim == 2 else array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def main(name: str, clone: str) -> None:
    torch.set_num_threads(1)
    case = CASES[name]
    if name in FEW_AUDIO:
        shapes, answers = few_audio(Path(clone), case, name)
    else:
        record = {"cnn4": cnn4, "cnn14": cnn14}.get(name, talnet)
        shapes, answers = record(Path(clone), case)
    write_golden(f"backbone_{name}", shapes, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
