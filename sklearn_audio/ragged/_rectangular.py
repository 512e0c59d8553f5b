"""Rows of unequal length as rectangular arrays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Rectangular:
    """Conversions of a `Ragged` to rectangular arrays."""

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of items of each row, shape (n_rows,)."""
        return np.diff(self.offsets)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """Shape of one item of a row: () for waveforms, (n_mels,) for log-mel frames."""
        return self.values.shape[1:]

    def to_padded(self, fill_value: float = 0, *, length: int | None = None) -> NDArray[Any]:
        """Return a rectangular copy, padding short rows at the end and truncating long ones.

        Parameters
        ----------
        fill_value : float, default=0
            Value of the padding.
        length : int, default=None
            Items per row; None: the longest row.

        Returns
        -------
        ndarray of shape (n_rows, length, *item_shape)
            Padded rows.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_list([[1, 2, 3], [4]]).to_padded(-1)
        array([[ 1,  2,  3],
               [ 4, -1, -1]])
        """
        if length is None:
            length = int(self.lengths.max(initial=0))
        padded = np.full((len(self.lengths), length, *self.item_shape), fill_value, dtype=self.values.dtype)
        for i, (start, stop) in enumerate(pairwise(self.offsets)):
            row = self.values[start:stop][:length]
            padded[i, : len(row)] = row
        return padded

    def mask(self, *, length: int | None = None) -> NDArray[np.bool_]:
        """Return which positions of `to_padded` hold items.

        Parameters
        ----------
        length : int, default=None
            Items per row; None: the longest row.

        Returns
        -------
        ndarray of bool, shape (n_rows, length)
            True for items, False for padding.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_list([[1, 2], [4]]).mask()
        array([[ True,  True],
               [ True, False]])
        """
        if length is None:
            length = int(self.lengths.max(initial=0))
        return np.asarray(np.arange(length) < self.lengths[:, None])

    def group_by_length(self) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Iterate over groups of rows of equal length, as rectangular arrays.

        Yields
        ------
        rows : ndarray of int, shape (n_group,)
            The rows of the group, in order.
        stacked : ndarray of shape (n_group, length, *item_shape)
            Those rows; a view if they are adjacent.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> X = Ragged.from_list([[1, 2], [3], [4, 5]])
        >>> [
        ...     (rows.tolist(), stacked.tolist())
        ...     for rows, stacked in X.group_by_length()
        ... ]
        [([1], [[3]]), ([0, 2], [[1, 2], [4, 5]])]
        """
        for length in np.unique(self.lengths):
            rows = np.flatnonzero(self.lengths == length)
            if rows[-1] - rows[0] == len(rows) - 1:
                group = self.values[self.offsets[rows[0]] : self.offsets[rows[-1] + 1]]
            else:
                group = self.values[(self.offsets[rows][:, None] + np.arange(length)).ravel()]
            yield rows, group.reshape(len(rows), length, *self.item_shape)  # (n * L, *item) -> (n, L, *item)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        lengths = np.unique(self.lengths)
        if len(lengths) > 1:
            raise ValueError(
                f"rows have {lengths[0]} to {lengths[-1]} items and make no rectangular array. "
                "Use to_padded(), to_list() or pool()."
            )
        length = int(lengths[0]) if len(lengths) else 0
        dense = self.values.reshape(len(self.lengths), length, *self.item_shape)  # (n * L, *item) -> (n, L, *item)
        return np.array(dense, dtype=dtype) if copy or copy is None else np.asarray(dense, dtype=dtype)
