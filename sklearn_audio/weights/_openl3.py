"""Converter of OpenL3's published weights: variables of Keras to the keys of our network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.exceptions import WeightsError

__all__ = ["convert_openl3"]

_N_CONVS = 8
_LAST = "audio_embedding_layer"
_NORMS = ("input_norm", *(f"norms.{i}" for i in range(_N_CONVS - 1)))
_STATISTICS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
# the layers of a kind, which Keras numbers as they are made: (kind)_(number)/.../(variable):0
_NAME = re.compile(rf"(?:.*/)?(conv2d|batch_normalization|{_LAST})(?:_(\d+))?/(\w+)(?::0)?")


def convert_openl3(raw: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Convert the variables of an audio network of OpenL3 to the names and layout of our network."""
    found: dict[tuple[str, int], dict[str, NDArray[Any]]] = {}
    for name, array in raw.items():
        if match := _NAME.fullmatch(name):
            found.setdefault((match[1], int(match[2] or 0)), {})[match[3]] = array
    convs = [layer for (kind, _), layer in sorted(found.items(), key=_order) if kind != "batch_normalization"]
    norms = [layer for (kind, _), layer in sorted(found.items(), key=_order) if kind == "batch_normalization"]
    _check(raw, convs, norms)
    state: dict[str, Tensor] = {}
    for i, layer in enumerate(convs):
        state[f"convs.{i}.weight"] = _tensor(layer["kernel"].transpose(3, 2, 0, 1))  # (H, W, I, O) -> (O, I, H, W)
        state[f"convs.{i}.bias"] = _tensor(layer["bias"])
    for ours, layer in zip(_NORMS, norms, strict=True):
        state |= {f"{ours}.{key}": _tensor(layer[theirs]) for theirs, key in _STATISTICS.items()}
        # PyTorch counts the batches of a norm; the count has no effect with a fixed momentum
        state[f"{ours}.num_batches_tracked"] = torch.tensor(0)
    return state


def _order(layer: tuple[tuple[str, int], Any]) -> tuple[bool, int]:
    (kind, number), _ = layer
    return kind == _LAST, number


def _check(raw: Mapping[str, Any], convs: list[dict[str, Any]], norms: list[dict[str, Any]]) -> None:
    is_whole = all({"kernel", "bias"} <= conv.keys() and conv["kernel"].ndim == 4 for conv in convs)
    is_whole = is_whole and all(_STATISTICS.keys() <= norm.keys() for norm in norms)
    if (len(convs), len(norms)) != (_N_CONVS, len(_NORMS)) or not is_whole:
        raise WeightsError(
            f"this is not a checkpoint of an audio network of OpenL3, which has {_N_CONVS} convolutions and "
            f"{len(_NORMS)} norms: it has {len(convs)} and {len(norms)}, and holds "
            f"{', '.join(list(raw)[:3]) or 'nothing'} ... Check the file."
        )


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
