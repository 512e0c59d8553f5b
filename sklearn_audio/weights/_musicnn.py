"""Converter of MusiCNN's checkpoints: TensorFlow variables to the keys of the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.exceptions import WeightsError

__all__ = ["convert_musicnn"]

# TensorFlow numbers the layers of a kind in the order of their creation
_NORMS = (
    "input_norm",
    *(f"timbral.{i}.norm" for i in range(2)),
    *(f"temporal.{i}.norm" for i in range(3)),
    *(f"midend.{i}.norm" for i in range(3)),
    "pool_norm",
    "dense_norm",
)
_CONVS = (*(f"timbral.{i}.conv" for i in range(2)), *(f"temporal.{i}.conv" for i in range(3)))
_STEPS = tuple(f"midend.{i}.conv" for i in range(3))
_DENSE = ("dense", "head")
_CONV_AXES: tuple[int, ...] = (3, 2, 0, 1)  # (H, W, I, O) -> (O, I, H, W)
_STEP_AXES: tuple[int, ...] = (3, 1, 0, 2)  # (T, C, 1, O) -> (O, C, T, 1), for convolutions over time
_DENSE_AXES: tuple[int, ...] = (1, 0)
_STATISTICS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_OF_THE_OPTIMIZER = re.compile(r".*/Adam(_\d+)?|beta[12]_power|global_step")
_SHOWN = 4


class _Target(NamedTuple):
    """The key of a variable in the network, and the order of its axes."""

    key: str
    axes: tuple[int, ...] = (0,)


def convert_musicnn(raw: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Convert the variables of a MusiCNN checkpoint to the names and layout of the network."""
    targets = _targets()
    _check(raw, targets)
    state = {target.key: _arrange(raw[name], target) for name, target in targets.items()}
    # PyTorch counts the batches of a norm; the count has no effect with a fixed momentum
    return state | {f"{norm}.num_batches_tracked": torch.tensor(0) for norm in _NORMS}


def _targets() -> dict[str, _Target]:
    """Return the target of each variable."""
    targets: dict[str, _Target] = {}
    for layer, norm in zip(_numbered("batch_normalization", len(_NORMS)), _NORMS, strict=True):
        targets |= {f"{layer}/{theirs}": _Target(f"{norm}.{ours}") for theirs, ours in _STATISTICS.items()}
    kernels = dict.fromkeys(_CONVS, _CONV_AXES) | dict.fromkeys(_STEPS, _STEP_AXES)
    layers = dict(zip(_numbered("conv2d", len(kernels)), kernels.items(), strict=True))
    layers |= {name: (ours, _DENSE_AXES) for name, ours in zip(_numbered("dense", len(_DENSE)), _DENSE, strict=True)}
    for layer, (ours, axes) in layers.items():
        targets[f"{layer}/kernel"] = _Target(f"{ours}.weight", axes)
        targets[f"{layer}/bias"] = _Target(f"{ours}.bias")
    return targets


def _numbered(kind: str, count: int) -> list[str]:
    return [kind, *(f"{kind}_{i}" for i in range(1, count))]


def _check(raw: Mapping[str, NDArray[Any]], targets: Mapping[str, _Target]) -> None:
    known = [name for name in raw if not _OF_THE_OPTIMIZER.fullmatch(name)]
    faults = {
        "it lacks": [name for name in targets if name not in raw],
        "it also has": [name for name in known if name not in targets],
        "with another number of axes:": [
            f"{name} {raw[name].shape}"
            for name, target in targets.items()
            if name in raw and raw[name].ndim != len(target.axes)
        ],
    }
    found = [f"{fault} {', '.join(names[:_SHOWN])} ({len(names)} in all)" for fault, names in faults.items() if names]
    if found:
        raise WeightsError(f"these variables are not a checkpoint of MusiCNN: {'; '.join(found)}. Check the file.")


def _arrange(variable: NDArray[Any], target: _Target) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(variable.transpose(target.axes), dtype=np.float32))
    return tensor.flatten(2) if target.axes == _STEP_AXES else tensor  # (O, C, T, 1) -> (O, C, T)
