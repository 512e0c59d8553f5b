"""speech_embedding's weights, from its ONNX or its TensorFlow Lite file, under the keys of the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.exceptions import WeightsError

__all__ = ["convert_speech_embedding"]

_N_CONVS = 20
_ONNX = re.compile(r"model/conv2d(?:_(\d+))?/Conv2D(?:_(weights|bias)_fused_bn|/ReadVariableOp:0)")
# TensorFlow Lite names folded terms after their batch norms; the last convolution has none
_LITE = re.compile(r"model/(?:conv2d(?:_(\d+))?/Conv2D1?|batch_normalization(?:_(\d+))?/.*)")


def convert_speech_embedding(raw: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Convert the weights of speech_embedding to the names and layout of the network."""
    state = _from_onnx(raw) or _from_lite(raw)
    last = f"convs.{_N_CONVS - 1}"
    if f"{last}.weight" in state:
        state.setdefault(f"{last}.bias", torch.zeros(len(state[f"{last}.weight"])))
    wanted = {f"convs.{i}.{part}" for i in range(_N_CONVS) for part in ("weight", "bias")}
    if state.keys() != wanted:
        missing = sorted(wanted - state.keys())
        raise WeightsError(
            f"this is not a checkpoint of speech_embedding: {len(missing)} of its {len(wanted)} tensors are missing, "
            f"and it holds {', '.join(list(raw)[:3])} ... Check the file."
        )
    return state


def _from_onnx(raw: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    state = {}
    for name, array in raw.items():
        if match := _ONNX.fullmatch(name):
            part = "bias" if match[2] == "bias" else "weight"
            state[f"convs.{int(match[1] or 0)}.{part}"] = _tensor(array)
    return state


def _from_lite(raw: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    state = {}
    for name, array in raw.items():
        if match := _LITE.fullmatch(name):
            part, kernel = ("weight", array.transpose(0, 3, 1, 2)) if array.ndim == 4 else ("bias", array)
            state[f"convs.{int(match[1] or match[2] or 0)}.{part}"] = _tensor(kernel)  # (O, H, W, I) -> (O, I, H, W)
    return state


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
