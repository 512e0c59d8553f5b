"""Rows that are longer than a network takes: which part of them it sees."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged

__all__ = ["Cut", "Truncation", "cut_rows"]

Truncation = Literal["head", "tail", "chunks"]


class Cut(NamedTuple):
    """Pieces of rows."""

    pieces: Ragged
    owners: NDArray[np.int64]

    def mean_per_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """Average what was computed of the pieces of each row.

        Shapes: values (n_pieces, n) -> (n_rows, n).
        """
        if len(self.owners) == self.owners[-1] + 1:
            return values
        counts = np.bincount(self.owners)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return np.asarray(np.add.reduceat(values, starts, axis=0) / counts[:, None])


def cut_rows(sequences: Ragged, max_length: int | None, truncation: Truncation) -> Cut:
    """Cut the rows that are longer than allowed."""
    lengths = sequences.lengths
    if max_length is None or not (lengths > max_length).any():
        return Cut(sequences, np.arange(len(sequences)))
    if truncation == "chunks":
        counts = -(-lengths // max_length)
        owners = np.repeat(np.arange(len(sequences)), counts)
        number = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        shortest, n_longer = (lengths // counts)[owners], (lengths % counts)[owners]
        # the pieces cover all values in order: only the boundaries are new
        return Cut(Ragged.from_lengths(sequences.values, shortest + (number < n_longer)), owners)
    kept = np.minimum(lengths, max_length)
    starts = sequences.offsets[:-1] + (lengths - kept if truncation == "tail" else 0)
    return Cut(_slices(sequences, starts, kept), np.arange(len(sequences)))


def _slices(sequences: Ragged, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Ragged:
    pieces = (sequences.values[start : start + n] for start, n in zip(starts, lengths, strict=True))
    return Ragged.from_list(pieces, dtype=sequences.dtype)
