"""`RowView`: rows of a large store, or stretches of them, in any order; nothing is copied before it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged, mean_and_std

__all__ = ["Patches", "RowView", "Values", "are_all_alike", "cut_patches", "running_statistics"]

_BLOCK_BYTES = 1 << 24


class Values(Protocol):
    """The items of all rows, one row behind the other: an array, or what reads like one."""

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
        """Read a stretch of a row.

        Shapes: -> (stop - start, *item_shape).
        """
        first = int(self.starts[row])
        return self.values[first + start : first + stop]

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Read all rows, in pieces that bound the memory.

        Shapes: -> (n, *item_shape).
        """
        step = max(1, _BLOCK_BYTES // max(1, self.dtype.itemsize * int(np.prod(self.item_shape))))
        for row, length in enumerate(self.lengths.tolist()):
            for start in range(0, length, step):
                yield self.read(row, start, min(start + step, length))


class Patches(NamedTuple):
    """Stretches of rows."""

    pieces: RowView
    owners: NDArray[np.int64]


def cut_patches(rows: RowView, length: int, hop: int) -> Patches:
    """Cut rows into patches; the last patch of a row ends with it, and a shorter row is one patch."""
    beyond = np.maximum(rows.lengths - length, 0)
    counts = 1 + -(-beyond // hop)
    owners = np.repeat(np.arange(len(rows)), counts)
    number = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.minimum(number * hop, beyond[owners])
    pieces = RowView(rows.values, rows.starts[owners] + starts, np.minimum(rows.lengths, length)[owners])
    return Patches(pieces, owners)


def are_all_alike(blocks: Iterable[NDArray[Any]]) -> bool:
    """Tell whether all items are the same; reads no further than to the first that differs.

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
        # Chan, Golub & LeVeque 1979: the sums of squares of two parts, and what lies between their means
        between = (of_block - mean) ** 2 * (count * len(block) / n_all)
        squares = squares + deviation**2 * len(block) + between
        mean = mean + (of_block - mean) * (len(block) / n_all)
        count = n_all
    return mean, np.sqrt(squares / count)
