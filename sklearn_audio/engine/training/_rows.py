"""Views of rows in a large store, and of segments of rows; nothing is copied before it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged, mean_and_std

__all__ = [
    "RowView",
    "Segments",
    "Truncation",
    "Values",
    "are_all_alike",
    "patch_segments",
    "running_statistics",
    "truncated_segments",
    "whole_rows",
]

Truncation = Literal["head", "tail", "chunks"]

_BLOCK_BYTES = 1 << 24


class Values(Protocol):
    """The items of all rows, one row after the other: an array, or an object that is sliced like one."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        ...  # pragma: no cover - a protocol

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of items, and the shape of one."""
        ...  # pragma: no cover - a protocol

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read items."""
        ...  # pragma: no cover - a protocol


class RowView:
    """Rows of a store, which may overlap.

    Shapes: values (n_total, *item_shape), starts, lengths (n_rows,).
    """

    def __init__(self, values: Values, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        self.values = values
        self.starts = starts
        self.lengths = lengths

    @classmethod
    def of(cls, rows: Ragged) -> RowView:
        """View all rows of a `Ragged`."""
        return cls(rows.values, rows.offsets[:-1], rows.lengths)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def shape(self) -> tuple[int]:
        """Number of rows, as a tuple of one."""
        return (len(self),)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """Shape of one item of a row."""
        return self.values.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.values.dtype

    @overload
    def __getitem__(self, key: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, key: NDArray[Any] | list[int]) -> RowView: ...

    def __getitem__(self, key: Any) -> NDArray[Any] | RowView:
        if isinstance(key, (int, np.integer)):
            return self.read(int(key), 0, int(self.lengths[key]))
        return RowView(self.values, self.starts[key], self.lengths[key])

    def read(self, row: int, start: int, stop: int) -> NDArray[Any]:
        """Read items of a row.

        Shapes: -> (stop - start, *item_shape).
        """
        first = int(self.starts[row])
        return self.values[first + start : first + stop]

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Read all rows in blocks of bounded size.

        Shapes: -> (n, *item_shape).
        """
        step = max(1, _BLOCK_BYTES // max(1, self.dtype.itemsize * int(np.prod(self.item_shape))))
        for row, length in enumerate(self.lengths.tolist()):
            for start in range(0, length, step):
                yield self.read(row, start, min(start + step, length))


class Segments(NamedTuple):
    """Segments of rows, with the row index of each."""

    rows: RowView
    owners: NDArray[np.int64]

    def mean_per_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """Average over the segments of each row.

        Shapes: values (n_segments, n) -> (n_rows, n).
        """
        if len(self.owners) == self.owners[-1] + 1:
            return values
        counts = np.bincount(self.owners)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return np.asarray(np.add.reduceat(values, starts, axis=0) / counts[:, None])


def whole_rows(rows: RowView) -> Segments:
    """Take each row as one segment."""
    return Segments(rows, np.arange(len(rows)))


def patch_segments(rows: RowView, length: int, hop: int) -> Segments:
    """Cut rows into patches; the last patch ends with the row, and a row shorter than a patch is one patch."""
    beyond = np.maximum(rows.lengths - length, 0)
    owners, number = _numbered(1 + -(-beyond // hop))
    starts = np.minimum(number * hop, beyond[owners])
    return Segments(
        RowView(rows.values, rows.starts[owners] + starts, np.minimum(rows.lengths, length)[owners]), owners
    )


def truncated_segments(rows: RowView, max_length: int | None, truncation: Truncation) -> Segments:
    """Shorten rows that are too long: to their start or end, or to as few equal chunks as possible."""
    lengths = rows.lengths
    if max_length is None or not (lengths > max_length).any():
        return whole_rows(rows)
    if truncation == "chunks":
        counts = -(-lengths // max_length)
        owners, number = _numbered(counts)
        shortest, n_longer = (lengths // counts)[owners], (lengths % counts)[owners]
        starts = rows.starts[owners] + number * shortest + np.minimum(number, n_longer)
        return Segments(RowView(rows.values, starts, shortest + (number < n_longer)), owners)
    kept = np.minimum(lengths, max_length)
    starts = rows.starts + (lengths - kept if truncation == "tail" else 0)
    return whole_rows(RowView(rows.values, starts, kept))


def _numbered(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row of each segment, and its number within the row."""
    owners = np.repeat(np.arange(len(counts)), counts)
    return owners, np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)


def are_all_alike(blocks: Iterable[NDArray[Any]]) -> bool:
    """Return whether all items are equal; stop at the first that differs.

    Shapes: blocks (n, *item_shape).
    """
    first = None
    for block in blocks:
        first = block[0] if first is None else first
        if (block != first).any():
            return False
    return True


def running_statistics(blocks: Iterable[NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute mean and standard deviation of items that come in blocks.

    Shapes: blocks (n, *item_shape) -> mean, std (*item_shape).
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for block in blocks:
        of_block, deviation = mean_and_std(block)
        n_all = count + len(block)
        # Chan, Golub & LeVeque 1979: add the sums of squares of both parts and a term for the gap of their means
        between = (of_block - mean) ** 2 * (count * len(block) / n_all)
        squares = squares + deviation**2 * len(block) + between
        mean = mean + (of_block - mean) * (len(block) / n_all)
        count = n_all
    return mean, np.sqrt(squares / count)
