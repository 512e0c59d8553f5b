"""The variables of a MusiCNN checkpoint under TensorFlow's names, drawn by `seeded.checkpoint`; and the frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYERS", "frames", "to_seeded", "to_tensorflow"]

LAYERS = ("timbral", "temporal", "cnn1", "cnn2", "cnn3", "mean_pool", "max_pool", "penultimate", "logits")
_LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# (height, width, in, out) and (in, out) to (out, in, height, width) and (out, in), as the seeded checkpoint counts them
_AXES = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}


def to_seeded(name: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Name and shape under which a variable is drawn."""
    stem, leaf = name.split("/")
    return f"{stem}.{_LEAVES[leaf]}", tuple(shape[axis] for axis in _AXES[len(shape)])


def to_tensorflow(drawn: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Undo `to_seeded` for what was drawn."""
    variables = {}
    for name, array in drawn.items():
        stem, leaf = name.rsplit(".", 1)
        is_norm = stem.startswith("batch_normalization")
        ours = {"weight": "gamma" if is_norm else "kernel", "bias": "beta" if is_norm else "bias"}
        ours |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
        variables[f"{stem}/{ours[leaf]}"] = array.transpose(np.argsort(_AXES[array.ndim]))
    return variables


def frames() -> NDArray[np.float32]:
    """Two patches of three seconds, within the range of the logarithm of the front end."""
    rng = np.random.default_rng(0)
    level = rng.uniform(0, 2, (2, 187, 1)) * rng.uniform(0.2, 1, (2, 1, 96))
    return (level * rng.uniform(0.5, 1, (2, 187, 96))).astype(np.float32)
