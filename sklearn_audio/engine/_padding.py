"""Arrays of unequal length side by side in one tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["pad_arrays"]


def pad_arrays(arrays: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: Any, pad_value: int) -> Tensor:
    """Copy arrays into a rectangular tensor.

    Parameters
    ----------
    arrays : iterable of ndarray of shape (n, *item_shape)
        At most ``shape[0]`` of them; what is longer than ``shape[1]`` is cut.
    shape : tuple of int
        Of the tensor: rows, places and the shape of an item.
    dtype : dtype of numpy
        Of the arrays.
    pad_value : int
        What stands where nothing is copied to.

    Returns
    -------
    Tensor of that shape
        Of the same type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine._padding import pad_arrays
    >>> pad_arrays([np.array([1, 2]), np.array([3])], (2, 2), np.int64, 9).tolist()
    [[1, 2], [3, 9]]
    """
    # torch aligns its memory alike every time, which NumPy does not: kernels may round by the alignment
    tensor = torch.full(shape, pad_value, dtype=torch.from_numpy(np.empty(0, dtype)).dtype)
    padded = tensor.numpy()
    for i, array in enumerate(arrays):
        kept = array[: shape[1]]
        padded[i, : len(kept)] = kept
    return tensor
