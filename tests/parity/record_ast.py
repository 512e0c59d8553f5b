"""Record the golden values of AST: ``python tests/parity/record_ast.py CLONE``.

CLONE is a copy of the authors' repository; torch, timm, torchaudio, transformers and safetensors must be installed. The
same weights answer through the authors' network and through that of transformers; the models that training starts from
answer through the authors' adaptation of their positions.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from broken_installs import install_kaldi, torchvision_without_operators
from golden_files import write_golden
from safetensors.numpy import save_file
from seeded import checkpoint, clips
from transformers_layout import to_transformers

Layers = dict[str, np.ndarray]
AUDIOSET = (-4.2677393, 4.5689974)  # mean and deviation of the training set
SPEECH_COMMANDS = (-6.845978, 5.5654526)


def frames_of(kaldi: Any, clip: np.ndarray, n_frames: int, statistics: tuple[float, float]) -> torch.Tensor:
    """The data loader's frames: filterbank, zeros or a cut at the end, normalised after that."""
    waveform = torch.from_numpy(clip)[None]
    frames = kaldi.fbank(
        waveform - waveform.mean(), htk_compat=True, sample_frequency=16000, use_energy=False, window_type="hanning",
        num_mel_bins=128, dither=0.0, frame_shift=10,
    )[:n_frames]  # fmt: skip
    frames = torch.nn.functional.pad(frames, (0, 0, 0, n_frames - len(frames)))
    return ((frames - statistics[0]) / (2 * statistics[1]))[None]  # (T, M) -> (1, T, M)


def import_authors(clone: str) -> Any:
    """Their module, made for a timm of old: one name of it changed, and its networks had a patch layer without norm."""
    with torchvision_without_operators():
        timm = importlib.import_module("timm")
    timm.__version__ = "0.4.5"
    sys.modules["wget"] = types.ModuleType("wget")
    sys.path.insert(0, str(Path(clone) / "src" / "models"))
    authors = importlib.import_module("ast_models")
    create = timm.create_model
    started_from: dict[str, np.ndarray] = {}

    def create_deit(name: str, pretrained: bool = False) -> torch.nn.Module:
        network = create(name.removeprefix("vit_"), pretrained=False)
        layer = network.patch_embed
        network.patch_embed = authors.PatchEmbed(layer.img_size, layer.patch_size, 3, network.embed_dim)
        if pretrained:
            started_from.clear()
            started_from.update(seed(network))
        return network

    timm.create_model = create_deit
    authors.started_from = started_from
    return authors


def seed(network: torch.nn.Module) -> dict[str, np.ndarray]:
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    drawn = checkpoint(shapes)
    network.load_state_dict({key: torch.from_numpy(np.asarray(array)) for key, array in drawn.items()}, strict=True)
    return drawn


def answer(network: Any, frames: torch.Tensor, *, tagged: bool) -> Layers:
    """The input of the head of the authors' network and, if it was trained for that, its probabilities."""
    entered: list[torch.Tensor] = []
    hook = network.mlp_head.register_forward_pre_hook(lambda module, inputs: entered.append(inputs[0]))
    with torch.no_grad():
        logits = network(frames)
    hook.remove()
    answers = {"embedding": entered[0][0].numpy()}
    return answers | {"probabilities": logits.sigmoid()[0].numpy()} if tagged else answers


def answer_in_transformers(tensors: dict[str, np.ndarray], inputs: dict[str, torch.Tensor]) -> dict[str, Layers]:
    """The same weights, read from a published layout by transformers, which must know every name in it."""
    transformers = importlib.import_module("transformers")
    n_frames, n_labels = next(iter(inputs.values())).shape[1], len(tensors["classifier.dense.bias"])
    config = transformers.ASTConfig(max_length=n_frames, num_labels=n_labels)
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        save_file(tensors, Path(folder) / "model.safetensors", metadata={"format": "pt"})
        network, report = transformers.ASTForAudioClassification.from_pretrained(folder, output_loading_info=True)
    if any(report.values()):
        raise ValueError(f"transformers did not read the layout: {report}")
    answers = {}
    with torch.no_grad():
        for clip, frames in inputs.items():
            embedding = network.eval().audio_spectrogram_transformer(frames).pooler_output
            logits = network(frames).logits
            answers[clip] = {"embedding": embedding[0].numpy(), "probabilities": logits.sigmoid()[0].numpy()}
    return answers


def record_tagger(authors: Any, inputs: dict[str, torch.Tensor], name: str, n_labels: int) -> None:
    n_frames = next(iter(inputs.values())).shape[1]
    network = authors.ASTModel(
        label_dim=n_labels, input_tdim=n_frames, imagenet_pretrain=False, model_size="base384", verbose=False
    ).eval()
    drawn = seed(network)
    answers = {clip: answer(network, frames, tagged=True) for clip, frames in inputs.items()}
    write_golden(f"ast_{name}", {key: array.shape for key, array in drawn.items()}, answers)
    renamed = to_transformers(drawn)
    answers = answer_in_transformers(renamed, inputs)
    write_golden(f"ast_{name}_transformers", {key: array.shape for key, array in renamed.items()}, answers)


def record_start(authors: Any, inputs: dict[str, torch.Tensor], name: str, stride: tuple[int, int]) -> None:
    """An image model whose positions the authors fit to other patches."""
    n_frames = next(iter(inputs.values())).shape[1]
    network = authors.ASTModel(
        fstride=stride[0], tstride=stride[1], input_tdim=n_frames, model_size=name, verbose=False
    ).eval()
    layout = {key: array.shape for key, array in authors.started_from.items()}
    answers = {clip: answer(network, frames, tagged=False) for clip, frames in inputs.items()}
    write_golden(f"ast_{name}_{stride[0]}_{stride[1]}_{n_frames}", layout, answers)


def record_shorter(authors: Any, inputs: dict[str, torch.Tensor]) -> None:
    """The tagger of AudioSet as the authors cut its positions for shorter clips; they read it from a fixed place."""
    tagger = authors.ASTModel(imagenet_pretrain=False, model_size="base384", verbose=False)
    drawn = seed(tagger)
    n_frames = next(iter(inputs.values())).shape[1]
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pretrained_models").mkdir()
        (Path(folder) / "src" / "run").mkdir(parents=True)
        wrapped = {f"module.{key}": torch.from_numpy(array) for key, array in drawn.items()}
        torch.save(wrapped, Path(folder) / "pretrained_models" / "audioset_10_10_0.4593.pth")
        os.chdir(Path(folder) / "src" / "run")
        network = authors.ASTModel(input_tdim=n_frames, audioset_pretrain=True, verbose=False).eval()
        os.chdir(here)
    answers = {clip: answer(network, frames, tagged=False) for clip, frames in inputs.items()}
    write_golden(f"ast_audioset_{n_frames}", {key: array.shape for key, array in drawn.items()}, answers)


def main(clone: str) -> None:
    kaldi, authors = install_kaldi(), import_authors(str(Path(clone).resolve()))
    torch.set_num_threads(2)

    def inputs(n_frames: int, statistics: tuple[float, float] = AUDIOSET) -> dict[str, torch.Tensor]:
        return {clip: frames_of(kaldi, waveform, n_frames, statistics) for clip, waveform in clips(16000).items()}

    records: list[Callable[[], None]] = [
        lambda: record_start(authors, inputs(1024), "tiny224", (16, 16)),
        lambda: record_start(authors, inputs(96), "tiny224", (10, 10)),
        lambda: record_start(authors, inputs(400), "small224", (10, 12)),
        lambda: record_start(authors, inputs(128), "base384", (10, 10)),
        lambda: record_tagger(authors, inputs(128, SPEECH_COMMANDS), "speechcommands", 35),
        lambda: record_shorter(authors, inputs(512)),
        lambda: record_tagger(authors, inputs(1024), "audioset", 527),
    ]
    for record in records:
        record()


if __name__ == "__main__":
    main(sys.argv[1])
