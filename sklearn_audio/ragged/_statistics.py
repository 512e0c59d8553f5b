"""Statistics over the items of a row, without a second copy of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KEEPS_DTYPE", "STATISTICS", "mean_and_std"]

_BLOCK = 1 << 14


def mean_and_std(items: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute mean and standard deviation over the first axis in float64, block by block.

    NumPy's own standard deviation holds all items a second time, in float64.

    Parameters
    ----------
    items : ndarray of shape (n, *item_shape)
        At least one item.

    Returns
    -------
    mean, std : ndarray of float64, shape (*item_shape)
        The standard deviation divides by n.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.ragged import mean_and_std
    >>> [float(value) for value in mean_and_std(np.array([1.0, 3.0]))]
    [2.0, 1.0]
    """
    mean = items.mean(axis=0, dtype=np.float64)
    squares = np.zeros_like(mean)
    for start in range(0, len(items), _BLOCK):
        squares = squares + np.square(items[start : start + _BLOCK] - mean).sum(axis=0)
    return mean, np.sqrt(squares / len(items))


STATISTICS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "mean": lambda row: row.mean(axis=0, dtype=np.float64),
    "std": lambda row: mean_and_std(row)[1],
    "min": lambda row: row.min(axis=0),
    "max": lambda row: row.max(axis=0),
    "median": lambda row: np.median(row, axis=0),
    "first": lambda row: row[0],
    "last": lambda row: row[-1],
}
# the others return float64 for integers
KEEPS_DTYPE = frozenset({"min", "max", "first", "last"})
