"""Values in a nameless temporary file.

The file lies in the folder that `tempfile` names (the environment variable TMPDIR sets it). It has no name there, so
that nothing is left when the process ends, however it ends, and it is read piece by piece, so that memory does not grow
with it.
"""

from __future__ import annotations

import math
import tempfile
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_audio._forks import ForkSafeLock

__all__ = ["ScratchValues"]


class ScratchValues:
    """Items in a nameless temporary file, read by slices.

    Parameters
    ----------
    item_shape : sequence of int
        Shape of one item.
    dtype : dtype, default=numpy.float32
        Type of the values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine._scratch_values import ScratchValues
    >>> values = ScratchValues((2,))
    >>> values.append(np.arange(6).reshape(3, 2))
    >>> values[1:3]
    array([[2., 3.],
           [4., 5.]], dtype=float32)
    """

    def __init__(self, item_shape: Sequence[int], dtype: DTypeLike = np.float32) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._item_shape = tuple(item_shape)
        self._n_items = 0
        # unbuffered: the system's own cache is enough, and a read costs no more than what it returns
        self._file = tempfile.TemporaryFile(prefix="sklearn-audio-", buffering=0)  # noqa: SIM115 - lives as long as this
        self._lock = ForkSafeLock()
        weakref.finalize(self, self._file.close)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of items, and the shape of one."""
        return (self._n_items, *self._item_shape)

    def __len__(self) -> int:
        return self._n_items

    def append(self, items: NDArray[Any]) -> None:
        """Write items at the end.

        Parameters
        ----------
        items : ndarray of shape (n, *item_shape)
            Converted to the type of the values.
        """
        rest = np.ascontiguousarray(items, dtype=self.dtype).reshape(-1).view(np.uint8).data
        with self._lock:
            self._file.seek(0, 2)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._n_items += len(items)

    def __getitem__(self, key: slice) -> NDArray[Any]:
        start, stop, _ = key.indices(self._n_items)
        items = np.empty((max(0, stop - start), *self._item_shape), dtype=self.dtype)
        rest = items.reshape(-1).view(np.uint8).data
        with self._lock:
            self._file.seek(start * self.dtype.itemsize * math.prod(self._item_shape))
            while rest:
                n_read = self._file.readinto(rest)
                if not n_read:
                    raise OSError("the scratch file is shorter than what was written to it.")
                rest = rest[n_read:]
        return items
