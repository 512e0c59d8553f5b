"""Networks that are trained here, under the names of the code they come from and under ours; and what they are asked.

The frames are drawn, so that any machine can draw them again: no front end comes between the two sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CASES", "LEARNED_LOG", "Case", "frames"]

Tensors = Mapping[str, NDArray[Any]]
LEARNED_LOG = {"ta": 3.0, "ba": 0.5}
POOLINGS = {"max": "max", "mean": "ave", "linear": "lin", "exponential": "exp", "attention": "att"}


class Case(NamedTuple):
    """A network of the table: what it is built from, the frames it is asked about, and the names of its tensors."""

    architecture: str
    n_outputs: int
    n_features: int
    n_frames: int
    to_ours: Callable[[Tensors], dict[str, NDArray[Any]]]
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to
    kind: str = "standard"  # of the frames


def frames(case: Case) -> NDArray[np.float32]:
    """Draw the frames of two clips: standardised, in decibels, or power."""
    rng = np.random.default_rng([case.n_frames, case.n_features])
    drawn = rng.standard_normal((2, case.n_frames, case.n_features))
    if case.kind == "decibels":
        drawn = 20 * drawn - 40
    elif case.kind == "power":
        drawn = np.exp(2 * drawn)
    return drawn.astype(np.float32)


def _keep(theirs: Tensors) -> dict[str, NDArray[Any]]:
    return {f"network.{name}": array for name, array in theirs.items()}


def _cnn4(theirs: Tensors) -> dict[str, NDArray[Any]]:
    renamed = {"linear_layer1.1": "dense.1", "linear_layer2.1": "dense.4", "linear_layer3.0": "head"}
    renamed |= {f"conv_layer{i + 1}.{j}": f"encoder.blocks.{i}.{j}" for i in range(4) for j in range(2)}
    return _rename(theirs, renamed)


def _rename(theirs: Tensors, renamed: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    ours = {}
    for name, array in theirs.items():
        stem, _, leaf = name.rpartition(".")
        ours[f"{renamed[stem]}.{leaf}"] = array
    return ours


def _few_audio(names: Mapping[str, str], flat: tuple[int, int, int] | None) -> Callable[[Tensors], dict[str, Any]]:
    """Rename; what is flattened is (time, frequency, channel) in TensorFlow and (channel, time, frequency) here."""

    def to_ours(theirs: Tensors) -> dict[str, NDArray[Any]]:
        ours = _rename(theirs, names)
        if flat is not None:
            name = f"{names['dense']}.weight"
            ours[name] = ours[name].reshape(-1, *flat).transpose(0, 3, 1, 2).reshape(len(ours[name]), -1)
        return ours

    return to_ours


_SBCNN = {"1CNN": "maps.0", "2CNN": "maps.3", "3CNN": "maps.6", "dense": "dense", "dense_1": "head"}
_VGG = {f"{i + 1}CNN": f"maps.{1 + 4 * i}" for i in range(5)} | {"dense": "head", "batch_normalization": "maps.0"}
_VGG |= {f"batch_normalization_{i}": f"maps.{4 * i - 1}" for i in range(1, 6)}


def _talnet(theirs: Tensors) -> dict[str, NDArray[Any]]:
    """Rename; the bias before a batch norm, which ours has not, goes into the mean that the norm subtracts."""
    ours = {}
    for name, array in theirs.items():
        if name.startswith("conv."):
            _, i, kind, leaf = name.split(".")
            if (kind, leaf) == ("conv", "bias"):
                continue
            if leaf == "running_mean":
                array = array - theirs[f"conv.{i}.conv.bias"]
            ours[f"convolutions.steps.{i}.{0 if kind == 'conv' else 1}.{leaf}"] = array
            continue
        for old, new in _IN_TALNET.items():
            name = name.replace(old, new)
        ours[name] = array
    return ours


_IN_TALNET = {
    "gru.": "recurrent.",
    "fc_prob.": "decisions.decide.",
    "fc_att.": "decisions.attend.",
    "enc_layer.slf_attn.layer_norm": "layers.0.attention_norm",
    "enc_layer.slf_attn.w_qs": "layers.0.attention.query",
    "enc_layer.slf_attn.w_ks": "layers.0.attention.key",
    "enc_layer.slf_attn.w_vs": "layers.0.attention.value",
    "enc_layer.slf_attn.fc": "layers.0.attention.output",
    "enc_layer.pos_ffn.w_1": "layers.0.widen",
    "enc_layer.pos_ffn.w_2": "layers.0.narrow",
    "enc_layer.pos_ffn.layer_norm": "layers.0.output_norm",
}

_PUBLISHED = {"n_embedding": 1024}
_NORMED = {"batch_normalization": "norm"}
CASES = {
    "cnn4": Case("cnn4", 4, 128, 51, _cnn4),
    "sbcnn": Case("sbcnn", 10, 128, 128, _few_audio(_SBCNN, (2, 25, 48))),
    "sbcnn_norm": Case("sbcnn", 10, 128, 128, _few_audio(_SBCNN | _NORMED, (2, 25, 48)), {"input_norm": True}),
    "timbre": Case("timbre", 15, 128, 128, _few_audio({"1CNN": "conv"} | _NORMED, None)),
    "vgg32": Case("vgg32", 10, 128, 128, _few_audio(_VGG, (4, 4, 32))),
    "vgg128": Case("vgg128", 10, 128, 128, _few_audio(_VGG, (4, 4, 128)), kind="power"),
    "crnn": Case("crnn", 527, 128, 103, _talnet, _PUBLISHED),
    "cnn_transformer": Case("cnn_transformer", 527, 64, 103, _talnet, _PUBLISHED),
    "cnn_transformer_positions": Case(
        "cnn_transformer",
        527,
        64,
        50,
        _talnet,
        {"positions": True, "n_embedding": 128, "n_layers": 3},
    ),
    "cnn14": Case("cnn14", 527, 64, 101, _keep, kind="decibels"),
}
