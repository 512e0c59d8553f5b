"""`RaggedBuilder`: rows of unequal length collected piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["RaggedBuilder"]


class RaggedBuilder:
    """Collect rows, whole or in pieces, into one flat array that grows in place: nothing is held twice.

    Parameters
    ----------
    item_shape : sequence of int, default=None
        Shape of one item of a row; None takes that of the first piece.
    dtype : dtype, default=None
        Type of the values; None takes that of the first piece.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.ragged import Ragged, RaggedBuilder
    >>> builder = RaggedBuilder()
    >>> builder.extend(np.array([1, 2]))
    >>> builder.extend(np.array([3]))
    >>> builder.close_row()
    array([1, 2, 3])
    >>> Ragged(*builder.finish()).lengths
    array([3])
    """

    def __init__(self, item_shape: Sequence[int] | None = None, dtype: DTypeLike | None = None) -> None:
        self._dtype = dtype
        self._values = None if item_shape is None else np.empty((0, *item_shape), dtype=dtype or np.float64)
        self._offsets = [0]
        self._used = 0

    def extend(self, piece: NDArray[Any]) -> None:
        """Append a piece to the open row.

        Parameters
        ----------
        piece : ndarray of shape (n, *item_shape)
            Copied.

        Raises
        ------
        ValueError
            If the piece is a scalar or its items are of another shape.
        """
        row = len(self._offsets) - 1
        if piece.ndim == 0:
            raise ValueError(f"row {row} is a scalar; a row is an array of items.")
        if self._values is None:
            self._values = np.empty((0, *piece.shape[1:]), dtype=self._dtype or piece.dtype)
        if piece.shape[1:] != self._values.shape[1:]:
            raise ValueError(
                f"row {row} has items of shape {piece.shape[1:]}, wanted {self._values.shape[1:]} as before."
            )
        used = self._used + len(piece)
        if used > len(self._values):
            # realloc moves large blocks by the page table, without a copy; new pages are zeroed, so growth is modest
            self._values.resize((used + used // 8, *piece.shape[1:]), refcheck=False)
        self._values[self._used : used] = piece
        self._used = used

    def discard(self) -> None:
        """Forget the pieces of the open row."""
        self._used = self._offsets[-1]

    def open_row(self) -> NDArray[Any]:
        """Return what the open row holds so far.

        Returns
        -------
        ndarray of shape (length, *item_shape)
            A view, valid until the next call of `extend`.
        """
        return np.empty(0) if self._values is None else self._values[self._offsets[-1] : self._used]

    def close_row(self) -> NDArray[Any]:
        """End the open row.

        Returns
        -------
        ndarray of shape (length, *item_shape)
            A view of the row, valid until the next call of `extend`.
        """
        row = self.open_row()
        self._offsets.append(self._used)
        return row

    def finish(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return the rows. The builder is used up.

        Returns
        -------
        values : ndarray of shape (n_total, *item_shape)
            The items of all closed rows.
        offsets : ndarray of int64, shape (n_rows + 1,)
            Row boundaries; ``Ragged(values, offsets)`` holds the rows.
        """
        offsets = np.asarray(self._offsets, dtype=np.int64)
        if self._values is None:
            return np.empty(0, dtype=self._dtype or np.float64), offsets
        self._values.resize((self._offsets[-1], *self._values.shape[1:]), refcheck=False)
        return self._values, offsets
