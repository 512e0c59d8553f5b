"""Rows that are computed once: in memory while they are few, else in a nameless temporary file.

The file lies in the folder that `tempfile` names (the environment variable TMPDIR sets it). It has no name there, so
that nothing is left when the process ends, however it ends, and it is read piece by piece, so that memory does not grow
with it.
"""

from __future__ import annotations

import math
import tempfile
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine._prefetch import ordered_map
from sklearn_audio.engine.training._row_view import RowView, Values
from sklearn_audio.ragged import RaggedBuilder

__all__ = ["ScratchValues", "store_rows"]

_MOST_BYTES_IN_MEMORY = 1 << 29


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
    >>> from sklearn_audio.engine.training import ScratchValues
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
                    raise OSError("the scratch file of this fit is shorter than what was written to it.")
                rest = rest[n_read:]
        return items


class _Store:
    """Takes rows, and moves to a file once they are many."""

    def __init__(self, item_shape: Sequence[int], most_bytes: int) -> None:
        self._item_shape = item_shape
        self._left = most_bytes
        self._builder = RaggedBuilder(item_shape, np.float32)
        self._scratch: ScratchValues | None = None
        self._lengths: list[int] = []

    def append(self, row: NDArray[np.float32]) -> None:
        self._lengths.append(len(row))
        self._left -= row.nbytes
        if self._left < 0 and self._scratch is None:
            self._scratch = ScratchValues(self._item_shape)
            self._scratch.append(self._builder.finish()[0])
            self._builder = RaggedBuilder(self._item_shape, np.float32)
        if self._scratch is not None:
            self._scratch.append(row)
            return
        self._builder.extend(row)
        self._builder.close_row()

    def finish(self) -> RowView:
        values: Values = self._builder.finish()[0] if self._scratch is None else self._scratch
        lengths = np.array(self._lengths, dtype=np.int64)
        return RowView(values, np.cumsum(lengths) - lengths, lengths)


def store_rows(
    compute: Callable[[int], NDArray[np.float32]],
    n_rows: int,
    item_shape: Sequence[int],
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
    description: str = "clips",
    most_bytes: int | None = None,
) -> RowView:
    """Compute rows in background threads and keep them.

    Parameters
    ----------
    compute : callable
        Takes a row number and returns the row, float32 of shape (n, *item_shape).
    n_rows : int
        How many there are.
    item_shape : sequence of int
        Shape of one item of a row.
    n_jobs : int, default=None
        Background threads; None computes in the calling thread.
    verbose : int, default=0
        1 shows a progress bar.
    description : str, default="clips"
        Label of the progress bar.
    most_bytes : int, default=None
        Rows that take more go to a temporary file; None is 512 MB.

    Returns
    -------
    RowView
        All rows. The file, if there is one, lives as long as a view of it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine.training import store_rows
    >>> store_rows(lambda row: np.full(row + 1, row, np.float32), 3, ())[2]
    array([2., 2., 2.], dtype=float32)
    """
    store = _Store(item_shape, _MOST_BYTES_IN_MEMORY if most_bytes is None else most_bytes)
    # closed on the way out, so that an error here ends the background threads as well
    with closing(ordered_map(compute, range(n_rows), n_jobs)) as rows:
        for row in progress_bar(rows, description=description, total=n_rows, unit="clip", shown=verbose):
            store.append(row)
    return store.finish()
