"""Statistics over the items of a row, without copying it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 14
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")


def mean_and_std(items: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute mean and standard deviation over the first axis in float64, block by block.

    NumPy's own standard deviation would copy all items in float64.

    Shapes: items (n, *item_shape) -> mean, std (*item_shape).
    """
    mean = items.mean(axis=0, dtype=np.float64)
    squares = np.zeros_like(mean)
    for start in range(0, len(items), _BLOCK):
        squares = squares + np.square(items[start : start + _BLOCK] - mean).sum(axis=0)
    return mean, np.sqrt(squares / len(items))


def _deviations(items: NDArray[Any], mean: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the items minus their mean in float64, block by block, with the position of each block."""
    for start in range(0, len(items), _BLOCK):
        yield start, items[start : start + _BLOCK] - mean


def _skewness(items: NDArray[Any]) -> NDArray[np.float64]:
    """Return the third central moment over the cube of the standard deviation; 0 for constant items."""
    mean = items.mean(axis=0, dtype=np.float64)
    second, third = np.zeros_like(mean), np.zeros_like(mean)
    for _, deviation in _deviations(items, mean):
        square = np.square(deviation)
        second = second + square.sum(axis=0)
        third = third + (square * deviation).sum(axis=0)
    second, third = second / len(items), third / len(items)
    # constant items deviate from their mean by at most its rounding
    constant = second <= np.square(np.finfo(np.float64).eps * mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(constant, 0.0, third / second**1.5)


def _percentile(items: NDArray[Any], q: float) -> NDArray[Any]:
    # NumPy interpolates in the dtype of the items, where differences may overflow
    wide = items if items.dtype.kind == "f" and items.dtype.itemsize >= 4 else items.astype(np.float64)
    return np.asarray(np.percentile(wide, q, axis=0))


def _slope(items: NDArray[Any]) -> NDArray[np.float64]:
    """Return the slope of the least-squares line through the items, per step; 0 for a single item."""
    mean = items.mean(axis=0, dtype=np.float64)
    middle = (len(items) - 1) / 2
    total = mean - mean  # NaN stays NaN
    for start, deviation in _deviations(items, mean):
        total = total + np.tensordot(np.arange(start, start + len(deviation)) - middle, deviation, axes=1)
    spread = len(items) * (len(items) ** 2 - 1) / 12  # sum of (t - middle)^2 over t = 0 ... n - 1
    return np.asarray(total / (spread or 1.0))


STATISTICS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "mean": lambda row: row.mean(axis=0, dtype=np.float64),
    "std": lambda row: mean_and_std(row)[1],
    "min": lambda row: row.min(axis=0),
    "max": lambda row: row.max(axis=0),
    "median": lambda row: np.median(row, axis=0),
    "range": lambda row: np.subtract(row.max(axis=0), row.min(axis=0), dtype=np.float64),
    "skew": _skewness,
    "slope": _slope,
    "first": lambda row: row[0],
    "last": lambda row: row[-1],
}
# the others return float64 for integers
KEEPS_DTYPE = frozenset({"min", "max", "first", "last"})


def find_statistic(name: Any) -> Callable[[NDArray[Any]], Any] | None:
    """Return the function of a statistic, or None."""
    if name in STATISTICS:
        return STATISTICS[name]
    percentile = _PERCENTILE.fullmatch(name) if isinstance(name, str) else None
    if percentile is None or float(percentile[1]) > 100:
        return None
    return partial(_percentile, q=float(percentile[1]))
