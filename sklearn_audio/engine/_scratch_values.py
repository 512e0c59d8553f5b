"""Values in an unnamed temporary file.

The file is in the folder chosen by `tempfile`, which the environment variable TMPDIR sets. It has no name, so it
disappears however the process ends, and it is read in blocks, so memory does not grow with it.
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
    """Items in an unnamed temporary file, read by slices."""

    def __init__(self, item_shape: Sequence[int], dtype: DTypeLike = np.float32) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._item_shape = tuple(item_shape)
        self._n_items = 0
        # unbuffered: the cache of the system suffices, and no more is read than is returned
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

        Shapes: items (n, *item_shape).
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
