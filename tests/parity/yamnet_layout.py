"""The arrays of YAMNet's published file under the names of Keras, drawn by `seeded.checkpoint`; and its clips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tests.parity.seeded import checkpoint, clips

__all__ = ["RATE", "arrays", "waveforms"]

RATE = 16000
SECONDS = (0.1, 0.975, 1.0, 2.3, 10.4)
_LEAVES = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Embeddings are larger than one; with this, few probabilities are 0 or 1.
_HEAD = 0.05


def arrays(layout: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    """Draw the arrays of names and shapes."""
    drawn = checkpoint(dict(_to_seeded(name, shape) for name, shape in layout.items()))
    found = {}
    for name, shape in layout.items():
        array = drawn[_to_seeded(name, shape)[0]]
        array = array.transpose(np.argsort(_axes(name, shape))) * (_HEAD if "dense/kernel" in name else 1)
        found[name] = np.ascontiguousarray(array, dtype=np.float32)
    return found


def _axes(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    of_kernels = (2, 3, 0, 1) if "depthwise_kernel" in name else (3, 2, 0, 1)
    return {1: (0,), 2: (1, 0), 4: of_kernels}[len(shape)]


def _to_seeded(name: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Name and shape under which an array is drawn."""
    stem, leaf = name.removesuffix(":0").rsplit("/", 1)
    return f"{stem}.{_LEAVES[leaf]}", tuple(shape[axis] for axis in _axes(name, shape))


def waveforms() -> dict[str, NDArray[np.float32]]:
    """Beginnings of one recording, of a length less than a patch, of one, and of several with a rest."""
    longest = clips(RATE)["30s"]
    return {f"{seconds}s": longest[: round(seconds * RATE)] for seconds in SECONDS}
