"""`Ragged`: rows of unequal length in one flat array, the one type for clips of unequal duration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import EllipsisType
from typing import Any, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sklearn_audio.ragged._builder import RaggedBuilder
from sklearn_audio.ragged._labels import Labels, joined_index, joined_names, row_index, same_names
from sklearn_audio.ragged._rectangular import Rectangular
from sklearn_audio.ragged._statistics import KEEPS_DTYPE, STATISTICS, find_statistic

RowKey = slice | list[int] | list[bool] | NDArray[Any] | EllipsisType


class Ragged(Labels, Rectangular):
    """Rows of unequal length: one flat array of values and the offsets of the rows.

    Waveforms, spectrograms, patches and tokens of clips differ in length. `Ragged` concatenates all rows in `values`;
    row ``i`` is ``values[offsets[i]:offsets[i + 1]]``. Integer indexing returns a view of one row, all other indexing a
    `Ragged`, so that it works with scikit-learn's splitters and searches.

    Rows may have labels (the index of their Series or DataFrame), and items may have feature names. Both are preserved
    by indexing, pickling and every transformer of this library.

    Parameters
    ----------
    values : array of shape (n_total, *item_shape)
        The concatenated items of all rows. Not copied (a memory map remains one).
    offsets : array of int, shape (n_rows + 1,)
        Start of each row, from 0 to ``n_total``, non-decreasing.
    index : pandas.Index or sequence, default=None
        Row labels, as of a DataFrame; need not be unique. None: no labels.
    feature_names : sequence of str, default=None
        Names along the last axis of an item, such as bands of a frame; a single name for scalar items.

    Attributes
    ----------
    values : ndarray of shape (n_total, *item_shape)
        The items of all rows.
    offsets : ndarray of int64, shape (n_rows + 1,)
        Row boundaries.

    Raises
    ------
    ValueError
        If `offsets` does not fit `values`, or the number of labels or names is wrong.

    See Also
    --------
    sklearn_audio.preprocessing.SequencePooling : Statistics over the rows, as an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> X = Ragged.from_list([np.array([1.0, 2.0, 3.0]), np.array([4.0])])
    >>> X
    Ragged(n_rows=2, lengths=1..3, item_shape=(), dtype=float64)
    >>> X[0]
    array([1., 2., 3.])
    >>> X[[1, 0]].to_list()
    [array([4.]), array([1., 2., 3.])]
    >>> X.pool("mean")
    array([2., 4.])
    """

    def __init__(
        self, values: ArrayLike, offsets: ArrayLike, *, index: Any = None, feature_names: Iterable[str] | None = None
    ) -> None:
        self.values = np.asanyarray(values)
        self.offsets = np.asarray(offsets, dtype=np.int64)
        if self.values.ndim == 0:
            raise ValueError("values must have at least one dimension, got a scalar.")
        _check_offsets(self.offsets, len(self.values))
        self._set_labels(index, feature_names, len(self), self.item_shape)

    @classmethod
    def from_list(cls, rows: Iterable[ArrayLike], *, dtype: DTypeLike | None = None) -> Ragged:
        """Copy rows into a `Ragged`.

        Parameters
        ----------
        rows : iterable of array, each of shape (length_i, *item_shape)
            The rows. A generator is consumed row by row, with no more memory than the result. The index of a pandas
            Series is kept.
        dtype : dtype, default=None
            Type of the values. None: that of the first row.

        Returns
        -------
        Ragged
            The rows.

        Raises
        ------
        ValueError
            If a row is a scalar or its items differ in shape from those of row 0.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_list([[1, 2], [3]]).lengths
        array([2, 1])
        """
        builder = RaggedBuilder(dtype=dtype)
        for row in rows:
            builder.extend(np.asarray(row))
            builder.close_row()
        return cls(*builder.finish(), index=row_index(rows))

    @classmethod
    def from_lengths(cls, values: ArrayLike, lengths: ArrayLike) -> Ragged:
        """Split a flat array into rows of the given lengths, without a copy.

        Parameters
        ----------
        values : array of shape (n_total, *item_shape)
            The items of all rows.
        lengths : array of int, shape (n_rows,)
            Number of items of each row.

        Returns
        -------
        Ragged
            Rows of those lengths.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_lengths([5, 6, 7], [1, 2]).to_list()
        [array([5]), array([6, 7])]
        """
        return cls(values, np.concatenate([[0], np.cumsum(np.asarray(lengths, dtype=np.int64))]))

    @classmethod
    def concatenate(cls, parts: Iterable[Ragged]) -> Ragged:
        """Join the rows of several `Ragged` into one.

        Parameters
        ----------
        parts : iterable of Ragged
            At least one.

        Returns
        -------
        Ragged
            The rows of all parts, in order; with row labels, or feature names, if all parts have them.

        Raises
        ------
        ValueError
            If the parts have different feature names.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> X = Ragged.from_list([[1, 2], [3]])
        >>> len(Ragged.concatenate([X, X]))
        4
        """
        parts = list(parts)
        values = np.concatenate([part.values for part in parts])
        joined = cls.from_lengths(values, np.concatenate([part.lengths for part in parts]))
        return joined.with_labels(index=joined_index(parts), feature_names=joined_names(parts))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def shape(self) -> tuple[int]:
        """Number of rows, as a tuple of one."""
        return (len(self),)

    @property
    def ndim(self) -> int:
        """Always 1: a `Ragged` is a sequence of rows."""
        return 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        """Bytes taken by the values and the offsets."""
        return self.values.nbytes + self.offsets.nbytes

    def __repr__(self) -> str:
        lengths = self.lengths
        span = f"{lengths.min()}..{lengths.max()}" if len(self) else "none"
        return f"Ragged(n_rows={len(self)}, lengths={span}, item_shape={self.item_shape}, dtype={self.dtype})"

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self.values[start:stop] for start, stop in zip(self.offsets[:-1], self.offsets[1:], strict=True))

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, key: RowKey | tuple[RowKey, EllipsisType]) -> Ragged: ...

    def __getitem__(self, key: Any) -> NDArray[Any] | Ragged:
        if isinstance(key, tuple):
            # scikit-learn's splitters index as X[rows, ...]
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(
                    f"Ragged has one axis, its rows; got {len(key)} indices. Index a row first: X[i][...]."
                )
            key = key[0]
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            return self._slice(key)
        rows = np.asarray(key)
        if rows.ndim == 0 and rows.dtype != bool:
            start, stop = self.offsets[self._row(key) :][:2]
            return self.values[start:stop]
        return self._take(self._rows(rows))

    def _row(self, key: SupportsIndex) -> int:
        row = key.__index__()
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} is out of bounds: this Ragged has {len(self)} rows.")
        return row % len(self)

    def _rows(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "biu"):
            raise IndexError(f"rows must be chosen by integers or booleans in one dimension, got {rows!r}.")
        if rows.dtype == bool and len(rows) != len(self):
            raise IndexError(f"the boolean index has {len(rows)} entries, this Ragged has {len(self)} rows.")
        every_row = np.arange(len(self), dtype=np.int64)
        return np.asarray(every_row[rows if rows.size else rows.astype(np.int64)])

    def _slice(self, key: slice) -> Ragged:
        start, stop, step = key.indices(len(self))
        if step != 1:
            return self._take(np.arange(start, stop, step))
        stop = max(start, stop)
        first, last = self.offsets[start], self.offsets[stop]
        index = None if self._index is None else self._index[start:stop]
        return Ragged(
            self.values[first:last],
            self.offsets[start : stop + 1] - first,
            index=index,
            feature_names=self._feature_names,
        )

    def _take(self, rows: NDArray[np.int64]) -> Ragged:
        lengths = self.lengths[rows]
        starts = self.offsets[:-1][rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        # position of each item = start of its row + its index within the row
        items = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
        index = None if self._index is None else self._index[rows]
        return Ragged(self.values[items], offsets, index=index, feature_names=self._feature_names)

    def with_labels(self, *, index: Any = None, feature_names: Iterable[str] | None = None) -> Ragged:
        """Return the same rows with other labels, without a copy.

        Parameters
        ----------
        index : pandas.Index or sequence, default=None
            Row labels. None: no labels.
        feature_names : sequence of str, default=None
            Names along the last axis of an item. None: no names.

        Returns
        -------
        Ragged
            Shares values and offsets.

        Raises
        ------
        ValueError
            If the number of labels differs from that of the rows, or the number of names from the last axis of an item.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> X = Ragged.from_list([[1.0, 2.0], [3.0]]).with_labels(index=["dog", "cat"])
        >>> X[[1]].index.tolist()
        ['cat']
        """
        return Ragged(self.values, self.offsets, index=index, feature_names=feature_names)

    def equals(self, other: object) -> bool:
        """Compare rows, row labels and feature names.

        Parameters
        ----------
        other : object
            Object to compare with.

        Returns
        -------
        bool
            True for a `Ragged` with the same rows, dtype and labels. NaN equals NaN.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> X = Ragged.from_list([[1.0, 2.0], [3.0]])
        >>> X.equals(X[:]), X.equals(X.with_labels(index=[1, 0]))
        (True, False)
        """
        if not isinstance(other, Ragged) or self.dtype != other.dtype:
            return False
        return (
            np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.values, other.values, equal_nan=self.dtype.kind in "fc")
            and (self.index is other.index or (self.index is not None and self.index.equals(other.index)))
            and same_names(self.feature_names, other.feature_names)
        )

    def with_values(self, values: ArrayLike) -> Ragged:
        """Return rows of the same lengths with other values, without a copy.

        Parameters
        ----------
        values : array of shape (n_total, *any_item_shape)
            One item for each item of this `Ragged`.

        Returns
        -------
        Ragged
            Shares the offsets and row labels; feature names are dropped.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> X = Ragged.from_list([[1.0, 2.0], [3.0]])
        >>> X.with_values(X.values * 10).to_list()
        [array([10., 20.]), array([30.])]
        """
        return Ragged(values, self.offsets, index=self._index)

    def map(self, function: Callable[[NDArray[Any]], ArrayLike]) -> Ragged:
        """Apply a function to each row.

        Parameters
        ----------
        function : callable
            Takes a row ``(length_i, *item_shape)``, returns a row of any length.

        Returns
        -------
        Ragged
            The returned rows, with the same row labels.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_list([[3, 1, 2], [5]]).map(np.sort).to_list()
        [array([1, 2, 3]), array([5])]
        """
        return Ragged.from_list(function(row) for row in self).with_labels(index=self._index)

    def pool(self, statistic: str = "mean") -> NDArray[Any]:
        """Reduce each row to one item.

        Sums are accumulated in float64 for any dtype, so that long clips lose no precision.

        Parameters
        ----------
        statistic : str, default="mean"
            "mean", "std", "min", "max", "median", "first", "last", "range", "skew", "slope", or a percentile such as
            "p25"; see `SequencePooling`, which defines them.

        Returns
        -------
        ndarray of shape (n_rows, *item_shape)
            The dtype is that of the values; for integers float64, except for "min", "max", "first" and "last".

        Raises
        ------
        ValueError
            If the statistic is unknown or a row is empty.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_list([[1.0, 4.0], [3.0]]).pool("max")
        array([4., 3.])
        """
        reduce = find_statistic(statistic)
        if reduce is None:
            raise ValueError(
                f"unknown statistic {statistic!r}; choose one of {sorted(STATISTICS)}, or a percentile such as 'p25'."
            )
        empty = np.flatnonzero(self.lengths == 0)
        if len(empty):
            raise ValueError(
                f"row {empty[0]} is empty: the {statistic} of no items is undefined. Leave empty rows out."
            )
        kind = np.dtype(self.dtype if statistic in KEEPS_DTYPE or self.dtype.kind in "fc" else np.float64)
        pooled = np.empty((len(self), *self.item_shape), dtype=kind)
        for i, row in enumerate(self):
            pooled[i] = reduce(row)
        return pooled

    def to_list(self) -> list[NDArray[Any]]:
        """Return the rows as a list of views.

        Returns
        -------
        list of ndarray
            Row ``i`` has shape ``(lengths[i], *item_shape)``.

        Examples
        --------
        >>> from sklearn_audio import Ragged
        >>> Ragged.from_list([[1], [2, 3]]).to_list()
        [array([1]), array([2, 3])]
        """
        return list(self)


def _check_offsets(offsets: NDArray[np.int64], n_total: int) -> None:
    if offsets.ndim != 1 or len(offsets) == 0:
        raise ValueError(f"offsets must be one-dimensional with at least one entry, got shape {offsets.shape}.")
    if offsets[0] != 0 or offsets[-1] != n_total:
        raise ValueError(
            f"offsets must run from 0 to the number of values ({n_total}), got {offsets[0]} to {offsets[-1]}."
        )
    if np.any(np.diff(offsets) < 0):
        raise ValueError(f"offsets must not fall, but do after row {int(np.argmax(np.diff(offsets) < 0))}.")
