"""Nearest centres by a matrix product in float32, with near ties decided in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Scores per block: few calls, as threads release the GIL at each.
_SCORES = 1 << 18
# Pairs of frame and centre compared in float64 at once.
_PAIRS = 1 << 14
_ROUNDING = float(np.finfo(np.float32).eps) / 2


class NearestCentre:
    """Find the nearest centre of each frame exactly, independently of the other frames.

    The squared distance is smallest where ``x · c - |c|² / 2`` is largest: one matrix product per block of frames. Its
    float32 rounding depends on the block shape and the machine; frames whose two best scores are within the rounding
    error bound are therefore decided by float64 distances, computed one by one, and ties by the lowest index.

    Shapes: centres (n_centres, n_features).
    """

    def __init__(self, centres: NDArray[np.float32]) -> None:
        self.centres = centres
        n_centres, n_features = centres.shape
        # centring makes the scores, and hence their rounding errors, small
        self._origin = centres.mean(axis=0, dtype=np.float64).astype(np.float32)
        moved = centres.astype(np.float64) - self._origin
        squares = np.einsum("ij,ij->i", moved, moved)
        # the last row is the bias: (n_features + 1, n_centres)
        self._table = np.vstack([moved.T, -squares / 2]).astype(np.float32)
        self._radius = float(np.sqrt(squares.max()))
        # error bound of one score, relative to |x| R + R² / 2: a sum of n products, and rounding of x, c and the bias
        self._relative_error = (n_features + 8) * _ROUNDING
        self._block = int(np.clip(_SCORES // n_centres, 32, 2048))
        self._n_unsure = max(1, _PAIRS // n_centres)

    def tokens(self, frames: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the index of the nearest centre of each frame, shape (n_frames,)."""
        tokens = np.empty(len(frames), dtype=np.int32)
        gaps = np.empty(len(frames), dtype=np.float32)
        extended = np.ones((len(frames), len(self._table)), dtype=np.float32)
        moved = np.subtract(frames, self._origin, out=extended[:, :-1])
        scores = np.empty((self._block, len(self.centres)), dtype=np.float32)
        for start in range(0, len(frames), self._block):
            where = slice(start, start + self._block)
            block = scores[: len(tokens[where])]
            np.matmul(extended[where], self._table, out=block)
            tokens[where], gaps[where] = _best(block)
        # "not greater" also catches gaps that are NaN after overflow
        errors = self._errors(moved)
        unsure = np.flatnonzero(~(gaps > errors))
        for group in np.split(unsure, range(self._n_unsure, len(unsure), self._n_unsure)):
            tokens[group] = self._settle(frames[group], extended[group], errors[group])
        return tokens

    def squared_distances(self, frames: NDArray[np.float32], tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return squared distances of frames to the centres of their tokens, shape (n_frames,)."""
        difference = frames - self.centres[tokens]
        return np.asarray(np.einsum("ij,ij->i", difference, difference))

    def _errors(self, moved: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return twice the error bound of a score: the smallest reliable gap between two scores."""
        norms = np.sqrt(np.einsum("ij,ij->i", moved, moved))
        errors = 2 * self._relative_error * self._radius * (norms + self._radius / 2)
        return np.asarray(errors + np.finfo(np.float32).tiny, dtype=np.float32)

    def _settle(
        self, frames: NDArray[np.float32], extended: NDArray[np.float32], errors: NDArray[np.float32]
    ) -> NDArray[np.intp]:
        """Choose by float64 distances among the centres within the rounding error; ties go to the lowest index."""
        scores = extended @ self._table
        rows, columns = np.nonzero(~(scores < (scores.max(axis=1, initial=-np.inf) - errors)[:, None]))
        difference = frames[rows].astype(np.float64) - self.centres[columns]
        distances = np.full(scores.shape, np.inf)
        distances[rows, columns] = np.einsum("ij,ij->i", difference, difference)
        return np.asarray(distances.argmin(axis=1))


def _best(scores: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the best of each row and its lead over the second. Overwrites the scores."""
    rows = np.arange(len(scores))
    best = scores.argmax(axis=1)
    highest = scores[rows, best]
    scores[rows, best] = -np.inf
    return best, np.asarray(highest - scores.max(axis=1))
