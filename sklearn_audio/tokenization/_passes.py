"""Passes over all frames: tokens, distances, and sums for new centres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import ThreadpoolController

from sklearn_audio._progress import progress_bar
from sklearn_audio._threads import ordered_map
from sklearn_audio.tokenization._frame_space import FrameSpace
from sklearn_audio.tokenization._nearest import NearestCentre

Found = TypeVar("Found")

# Values of a chunk per thread, 4 MB.
_CHUNK_VALUES = 1 << 20


@cache
def _blas() -> ThreadpoolController:
    # cached: finding the loaded libraries is slower than tokenizing many clips
    return ThreadpoolController().select(user_api="blas")


@dataclass
class Assignment:
    """Result of one pass.

    Shapes: tokens (n_frames,), distances (n_frames,), counts (n_clusters,), sums (n_clusters, n_dims).
    """

    tokens: NDArray[np.int32]
    distances: NDArray[np.float32]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]

    @property
    def inertia(self) -> float:
        """Sum of the squared distances."""
        return float(self.distances.sum(dtype=np.float64))

    def fill_empty(self, weights: NDArray[np.int64], values: NDArray[np.float32], space: FrameSpace) -> None:
        """Assign to each empty centre one of the frames farthest from their centres.

        The frame leaves its former centre, so that every frame counts once. Frames that equal their centre, are alone
        there, or equal one just moved, are not moved.
        """
        empty = np.flatnonzero(weights + self.counts == 0)
        if not len(empty):
            return
        farthest = iter(np.argsort(-self.distances, kind="stable")[: 20 * len(empty)])
        given: set[bytes] = set()
        for cluster in empty.tolist():
            for frame in farthest:
                vector = space.apply(values[frame : frame + 1])[0]
                owner = int(self.tokens[frame])
                if self.distances[frame] > 0 and self.counts[owner] > 1 and vector.tobytes() not in given:
                    given.add(vector.tobytes())
                    self._move(vector, owner, cluster)
                    break

    def _move(self, vector: NDArray[np.float32], owner: int, cluster: int) -> None:
        self.counts[owner] -= 1
        self.sums[owner] -= vector
        self.counts[cluster] = 1
        self.sums[cluster] = vector


class VocabularyPass:
    """Passes over frames with given centres (n_clusters, n_dims), in threads, with bounded memory."""

    def __init__(self, centres: NDArray[np.float32], space: FrameSpace, verbose: bool | int = False) -> None:
        self._nearest = NearestCentre(centres)
        self._space = space
        self._n_rows = max(1, _CHUNK_VALUES // centres.shape[1])
        self._verbose = verbose

    def tokens(self, values: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the tokens of frames (n_frames, n_bands), shape (n_frames,)."""
        tokens = np.empty(len(values), dtype=np.int32)
        for where, found in self._map(values, self._tokens_of):
            tokens[where] = found
        return tokens

    def assign(self, values: NDArray[np.float32]) -> Assignment:
        """Return tokens, distances and sums of frames (n_frames, n_bands)."""
        shape = self._nearest.centres.shape
        found = Assignment(
            np.empty(len(values), dtype=np.int32),
            np.empty(len(values), dtype=np.float32),
            np.zeros(shape[0], dtype=np.int64),
            np.zeros(shape),
        )
        for where, (tokens, distances, sums) in self._map(values, self._sums_of):
            found.tokens[where], found.distances[where] = tokens, distances
            found.counts += np.bincount(tokens, minlength=shape[0])
            found.sums += sums
        return found

    def _tokens_of(self, values: NDArray[np.float32]) -> NDArray[np.int32]:
        return self._nearest.tokens(self._space.apply(values))

    def _sums_of(
        self, values: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
        frames = self._space.apply(values)
        tokens = self._nearest.tokens(frames)
        # indicator matrix (n_clusters, n_frames): its product with the frames sums those of each token
        n, n_clusters = len(frames), len(self._nearest.centres)
        members = csr_matrix((np.ones(n), tokens, np.arange(n + 1)), shape=(n, n_clusters)).T
        return tokens, self._nearest.squared_distances(frames, tokens), members @ frames.astype(np.float64)

    def _map(
        self, values: NDArray[np.float32], function: Callable[[NDArray[np.float32]], Found]
    ) -> Iterator[tuple[slice, Found]]:
        chunks = [slice(start, start + self._n_rows) for start in range(0, len(values), self._n_rows)]
        bar = progress_bar(chunks, description="frames", unit="chunk", shown=self._verbose)
        if len(chunks) == 1:
            yield from ((chunk, function(values[chunk])) for chunk in bar)
            return
        blas = _blas()
        n_threads = max((library["num_threads"] for library in blas.info()), default=1)
        # one BLAS thread per chunk; sums are added in chunk order, so the number of threads changes nothing
        with blas.limit(limits=1):
            found = ordered_map(lambda chunk: function(values[chunk]), chunks, n_threads)
            yield from zip(bar, found, strict=True)
