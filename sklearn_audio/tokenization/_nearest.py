"""The nearest of many centres, by a matrix product in float32 and, where that cannot tell, by float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["NearestCentre"]

# entries of the matrix of scores of one block: half a megabyte, so that it stays in the cache of a core
_SCORES = 1 << 17
# pairs of a frame and a centre that wait for float64; few, unless all centres are equal
_PAIRS = 1 << 12
_ROUNDING = float(np.finfo(np.float32).eps) / 2


class NearestCentre:
    """Find the nearest centre of frames, exactly, whatever frames stand beside them.

    The squared distance is least where ``x · c - |c|² / 2`` is greatest, which is one matrix product for a block of
    frames. Its float32 digits depend on the shape of the block and on the machine; therefore every frame whose two best
    scores lie within the bound of the rounding error is decided by distances in float64, each computed on its own, and
    equal distances by the lowest index.

    Parameters
    ----------
    centres : ndarray of float32, shape (n_centres, n_features)
        What to choose from.
    """

    def __init__(self, centres: NDArray[np.float32]) -> None:
        self.centres = centres
        n_centres, n_features = centres.shape
        # scores of frames seen from the middle of the centres are small, and so are their rounding errors
        self._origin = centres.mean(axis=0, dtype=np.float64).astype(np.float32)
        moved = centres.astype(np.float64) - self._origin
        squares = np.einsum("ij,ij->i", moved, moved)
        # a last row meets a last column of ones in every frame: (n_features + 1, n_centres)
        self._table = np.vstack([moved.T, -squares / 2]).astype(np.float32)
        self._radius = float(np.sqrt(squares.max()))
        # bound of the error of one score, relative to |x| R + R² / 2: a sum of n products, and the roundings of x,
        # c and the bias
        self._relative_error = (n_features + 8) * _ROUNDING
        self._block = int(np.clip(_SCORES // n_centres, 32, 2048))

    def tokens(self, frames: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the index of the nearest centre of each frame.

        Parameters
        ----------
        frames : ndarray of float32, shape (n_frames, n_features)
            Finite numbers.

        Returns
        -------
        ndarray of int32, shape (n_frames,)
            The lowest index among centres at the same distance.
        """
        tokens = np.empty(len(frames), dtype=np.int32)
        extended = np.ones((len(frames), len(self._table)), dtype=np.float32)
        np.subtract(frames, self._origin, out=extended[:, :-1])
        errors = self._errors(extended[:, :-1])
        scores = np.empty((self._block, len(self.centres)), dtype=np.float32)
        unsure: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        for start in range(0, len(frames), self._block):
            where = slice(start, start + self._block)
            block = scores[: len(errors[where])]
            np.matmul(extended[where], self._table, out=block)
            tokens[where], rows, columns = _decide(block, errors[where])
            unsure.append((rows + start, columns))
            if sum(len(rows) for rows, _ in unsure) > _PAIRS:
                self._settle(frames, unsure, tokens)
                unsure.clear()
        self._settle(frames, unsure, tokens)
        return tokens

    def squared_distances(self, frames: NDArray[np.float32], tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Squared distances of frames to the centres of their tokens, shape (n_frames,)."""
        difference = frames - self.centres[tokens]
        return np.asarray(np.einsum("ij,ij->i", difference, difference))

    def _errors(self, moved: NDArray[np.float32]) -> NDArray[np.float32]:
        """Twice the bound of the error of a score: how far apart two scores must lie to be told apart."""
        norms = np.sqrt(np.einsum("ij,ij->i", moved, moved))
        errors = 2 * self._relative_error * self._radius * (norms + self._radius / 2)
        return np.asarray(errors + np.finfo(np.float32).tiny, dtype=np.float32)

    def _settle(
        self,
        frames: NDArray[np.float32],
        unsure: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
        tokens: NDArray[np.int32],
    ) -> None:
        """Choose by distances in float64 among pairs of frames and centres, sorted by frame, then by centre."""
        if not sum(len(rows) for rows, _ in unsure):
            return
        rows, columns = (np.concatenate(part) for part in zip(*unsure, strict=True))
        difference = frames[rows].astype(np.float64) - self.centres[columns]
        distances = np.einsum("ij,ij->i", difference, difference)
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        least = np.repeat(np.minimum.reduceat(distances, starts), np.diff(starts, append=len(rows)))
        reached = np.flatnonzero(distances == least)
        # the first pair of a frame that reaches the least distance has the lowest index
        first = reached[np.diff(rows[reached], prepend=-1) != 0]
        tokens[rows[first]] = columns[first]


def _decide(
    scores: NDArray[np.float32], errors: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The best of each row, and the pairs (row, column) that may be best in the rows that rounding leaves open.

    The scores are overwritten.
    """
    rows = np.arange(len(scores))
    best: NDArray[np.intp] = scores.argmax(axis=1)
    highest = scores[rows, best]
    scores[rows, best] = -np.inf
    # "not greater" rather than "less or equal": where numbers overflow and a score is NaN, float64 decides
    unsure = np.flatnonzero(~(highest - scores.max(axis=1) > errors))
    scores[unsure, best[unsure]] = highest[unsure]
    near_rows, columns = np.nonzero(~(scores[unsure] < (highest[unsure] - errors[unsure])[:, None]))
    return best, unsure[near_rows], columns
