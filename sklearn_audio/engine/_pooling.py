"""Pooling of the vectors of the patches of a clip to one vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["POOLINGS", "pool", "pool_over_time"]

Vectors = NDArray[Any] | Sequence[NDArray[Any]]

_BLOCK = 512
# pooling -> the statistics that it concatenates
POOLINGS = {"mean": ("mean",), "max": ("max",), "mean_std": ("mean", "std"), "mean_max": ("mean", "max")}


def pool(vectors: Vectors, weights: NDArray[np.float64], pooling: str) -> NDArray[np.float32]:
    """Pool the vectors of a clip.

    Shapes: vectors (n_patches, n_features), weights (n_patches,) -> (n_features * n_statistics,).
    """
    weights = weights if len(vectors) > 1 else np.ones(1)  # one patch is its own mean, without rounding
    mean = _average(vectors, weights, lambda block: block)
    statistics = {"mean": mean, "max": np.max([block.max(axis=0) for block in _blocks(vectors)], axis=0)}
    if "std" in POOLINGS[pooling]:
        statistics["std"] = np.sqrt(_average(vectors, weights, lambda block: np.square(block - mean)))
    return np.concatenate([statistics[name] for name in POOLINGS[pooling]]).astype(np.float32)


def pool_over_time(vectors: Vectors, weights: NDArray[np.float64], pooling: str) -> NDArray[np.float32]:
    """Combine the statistics of the patches of a clip into those over all its time steps.

    Shapes: vectors (n_patches, 3 * n_features): mean, std and maximum; weights -> (n_features * n_statistics,).
    """
    means, deviations, highest = np.split(np.asarray(vectors, dtype=np.float64), 3, axis=1)
    weights = (weights / weights.sum())[:, None] if len(means) > 1 else np.ones((1, 1))
    mean = (weights * means).sum(axis=0)
    variance = (weights * (deviations**2 + (means - mean) ** 2)).sum(axis=0)
    statistics = {"mean": mean, "std": np.sqrt(variance), "max": highest.max(axis=0)}
    return np.concatenate([statistics[name] for name in POOLINGS[pooling]]).astype(np.float32)


def _blocks(vectors: Vectors) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(vectors), _BLOCK):
        yield np.asarray(vectors[start : start + _BLOCK], dtype=np.float64)


def _average(
    vectors: Vectors, weights: NDArray[np.float64], value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Average a function of the vectors, in the order of summation of `numpy.average`."""
    total, start = np.empty((0, len(vectors[0]))), 0
    for block in _blocks(vectors):
        weighted = value(block) * weights[start : start + len(block), None]
        total, start = np.concatenate([total, weighted]).sum(axis=0, keepdims=True), start + len(block)
    return np.asarray(total[0] / weights.sum())
