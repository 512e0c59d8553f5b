"""`RaggedBuilder`: rows of unequal length, collected in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class RaggedBuilder:
    """Collect rows, whole or in pieces, in one flat array that grows in place."""

    def __init__(self, item_shape: Sequence[int] | None = None, dtype: DTypeLike | None = None) -> None:
        self._dtype = dtype
        self._values = None if item_shape is None else np.empty((0, *item_shape), dtype=dtype or np.float64)
        self._offsets = [0]
        self._used = 0

    def extend(self, piece: NDArray[Any]) -> None:
        """Append a piece (n, *item_shape) to the open row."""
        row = len(self._offsets) - 1
        if piece.ndim == 0:
            raise ValueError(f"row {row} is a scalar; a row is an array of items.")
        if self._values is None:
            self._values = np.empty((0, *piece.shape[1:]), dtype=self._dtype or piece.dtype)
        if piece.shape[1:] != self._values.shape[1:]:
            raise ValueError(
                f"row {row} has items of shape {piece.shape[1:]}, expected {self._values.shape[1:]} as before."
            )
        used = self._used + len(piece)
        if used > len(self._values):
            # realloc remaps large blocks without a copy, but zeroes new pages, so growth is modest
            self._values.resize((used + used // 8, *piece.shape[1:]), refcheck=False)
        self._values[self._used : used] = piece
        self._used = used

    def discard(self) -> None:
        """Discard the pieces of the open row."""
        self._used = self._offsets[-1]

    def open_row(self) -> NDArray[Any]:
        """Return the open row so far, shape (length, *item_shape)."""
        return np.empty(0) if self._values is None else self._values[self._offsets[-1] : self._used]

    def close_row(self) -> NDArray[Any]:
        """End the open row and return it, shape (length, *item_shape)."""
        row = self.open_row()
        self._offsets.append(self._used)
        return row

    def finish(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return values (n_total, *item_shape) and offsets (n_rows + 1,); the builder cannot be used again."""
        offsets = np.asarray(self._offsets, dtype=np.int64)
        if self._values is None:
            return np.empty(0, dtype=self._dtype or np.float64), offsets
        self._values.resize((self._offsets[-1], *self._values.shape[1:]), refcheck=False)
        return self._values, offsets
