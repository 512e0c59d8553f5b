"""YAMNet's weights, from Keras or in 8 bits, to the keys of our network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.exceptions import WeightsError

__all__ = ["convert_yamnet"]

Arrays = dict[str, NDArray[Any]]

_N_LAYERS = 14
_EPSILON = 1e-4  # of the batch norms, which have no scale
_STATISTICS = ("beta", "moving_mean", "moving_variance")
_STEPS = {"conv": "conv", "depthwise": "0.conv", "pointwise": "1.conv"}  # of a layer: theirs, ours
_KERAS = re.compile(
    r"layer(\d+)/(?:(depthwise|pointwise)_)?conv/(?:bn/)?(?:depthwise_)?(kernel|beta|moving_mean|moving_variance)(?::0)?$"
)
_KERAS_DENSE = re.compile(r"(?:dense|logits)\w*/(kernel|bias)(?::0)?$")
_FOLDED = re.compile(r"layer(\d+)\.(conv|depthwise|pointwise)\.(weight|bias)")


def convert_yamnet(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert a YAMNet of Keras, or one with the batch norms in its convolutions, whose weights may have 8 bits."""
    arrays = {name: array for name, value in raw.items() if (array := _array(value)) is not None}
    state = _from_keras(arrays) or _from_folded(arrays)
    wanted = [f"{layer}.{part}" for layer in _layers() for part in ("weight", "bias")]
    missing = [name for name in wanted if name not in state]
    if missing:
        raise WeightsError(
            f"this is not a checkpoint of YAMNet: {len(missing)} of its {len(wanted)} tensors are missing, and it "
            f"holds {', '.join(list(raw)[:3]) or 'nothing'} ... Check the file."
        )
    return {name: torch.from_numpy(np.array(state[name], dtype=np.float32, order="C")) for name in wanted}


def _layers() -> list[str]:
    others = [f"blocks.{i}.{step}" for i in range(1, _N_LAYERS) for step in ("0.conv", "1.conv")]
    return ["blocks.0.conv", *others, "dense"]


def _array(value: Any) -> NDArray[Any] | None:
    array = value.float().numpy() if isinstance(value, Tensor) else value
    return array if isinstance(array, np.ndarray) and array.dtype.kind in "fiu" else None


def _key(number: str, step: str) -> str:
    return f"blocks.{int(number) - 1}.{_STEPS[step]}"


def _from_keras(arrays: Arrays) -> Arrays:
    """Put the batch norms into the convolutions before them."""
    parts: dict[str, Arrays] = {}
    for name, array in arrays.items():
        if match := _KERAS.search(name):
            step = match[2] or "conv"
            parts.setdefault(_key(match[1], step), {})[match[3]] = _arranged(array, step)
        elif match := _KERAS_DENSE.search(name):
            parts.setdefault("dense", {})[match[1]] = array.T
    state: Arrays = {}
    for layer, of_layer in parts.items():
        if of_layer.keys() in ({"kernel", *_STATISTICS}, {"kernel", "bias"}):
            state[f"{layer}.weight"], state[f"{layer}.bias"] = _folded(layer, of_layer)
    return state


def _folded(layer: str, parts: Arrays) -> tuple[NDArray[Any], NDArray[Any]]:
    _check_lengths(layer, parts)
    kernel = parts["kernel"]
    if "bias" in parts:
        return kernel, parts["bias"]
    beta, mean, variance = (parts[name].astype(np.float64) for name in _STATISTICS)
    scale = 1 / np.sqrt(variance + _EPSILON)
    return kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1)), beta - mean * scale


def _check_lengths(layer: str, parts: Arrays) -> None:
    """Compare the number of outputs in the parts of a layer, of which one is the kernel."""
    if len({array.shape[:1] for array in parts.values()}) > 1 or sum(array.ndim > 1 for array in parts.values()) != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in parts.items())
        raise WeightsError(f"this is not a checkpoint of YAMNet: {layer} has parts that do not match: {shapes}.")


def _arranged(array: NDArray[Any], step: str) -> NDArray[Any]:
    if array.ndim != 4:
        return array
    return array.transpose((2, 3, 0, 1) if step == "depthwise" else (3, 2, 0, 1))  # (H, W, I, O) -> (O, I, H, W)


def _from_folded(arrays: Arrays) -> Arrays:
    """Rename the tensors, and compute those of 8 bits from their codes."""
    state: Arrays = {}
    for name, array in arrays.items():
        stem, _, leaf = name.rpartition(".")
        if leaf == "q" and f"{stem}.scale" in arrays:
            scale = arrays[f"{stem}.scale"].astype(np.float32)
            _check_lengths(stem, {"q": array, "scale": scale})
            name, array = stem, array.astype(np.float32) * scale.reshape(-1, *[1] * (array.ndim - 1))
        match = _FOLDED.fullmatch(name)
        state[f"{_key(match[1], match[2])}.{match[3]}" if match else name] = array
    return state
