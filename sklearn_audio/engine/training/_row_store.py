"""Storage of computed rows: in memory up to a limit, else in an unnamed temporary file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._progress import progress_bar
from sklearn_audio._threads import ordered_map
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine.training._rows import RowView, Values
from sklearn_audio.ragged import RaggedBuilder

__all__ = ["store_rows"]

_MOST_BYTES_IN_MEMORY = 1 << 29


class _RowStore:
    """Collects rows, in a file once they exceed a limit of memory."""

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
    """Compute rows in background threads and store them."""
    store = _RowStore(item_shape, _MOST_BYTES_IN_MEMORY if most_bytes is None else most_bytes)
    # closing ends the background threads after an error
    with closing(ordered_map(compute, range(n_rows), n_jobs)) as rows:
        for row in progress_bar(rows, description=description, total=n_rows, unit="clip", shown=verbose):
            store.append(row)
    return store.finish()
