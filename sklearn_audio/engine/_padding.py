"""Padding of arrays of unequal length to one tensor."""

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

    Shapes: arrays (n, *item_shape).
    """
    # memory of torch always has the same alignment, on which the rounding of kernels may depend; that of NumPy varies
    tensor = torch.full(shape, pad_value, dtype=torch.from_numpy(np.empty(0, dtype)).dtype)
    padded = tensor.numpy()
    for i, array in enumerate(arrays):
        kept = array[: shape[1]]
        padded[i, : len(kept)] = kept
    return tensor
