"""Nearest rows of a matrix by FAISS, with distances in float64 and ties decided by the row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Metric = Literal["cosine", "euclidean"]
Kind = Literal["exact", "ivf", "hnsw"]
Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

_FAISS: Any = faiss  # its types are incomplete

KINDS = ("exact", "ivf", "hnsw")
# Candidates of HNSW and visited lists of IVF, by default.
EFFORTS = {"hnsw": 256, "ivf": 32}
# More candidates than asked for, among which float64 decides.
_SPARE = 16
_LINKS, _BUILD_EFFORT = 32, 40
# Queries that are compared one by one.
_FEW = 4
# Pairs that are compared at once.
_PAIRS = 1 << 22
_BLOCK = 1024
_ROUNDING = float(np.finfo(np.float32).eps) / 2
# The squared distance of larger vectors may overflow float32.
_LARGEST_NORM = 1e18


def prepared(vectors: Any, metric: Metric, what: str) -> Vectors:
    """Return vectors as they are compared: of length 1 for the cosine; raise for one that cannot be compared."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(rows).all():
        row = int((~np.isfinite(rows).all(axis=1)).argmax())
        raise ValueError(f"row {row} of {what} has a vector with NaN or infinity; remove the row.")
    norms = _norms(rows)
    if metric == "cosine":
        if (norms == 0).any():
            raise ValueError(
                f"row {int((norms == 0).argmax())} of {what} has a vector of zeros, which has no cosine; remove the "
                'row, or choose metric="euclidean".'
            )
        unit: Vectors = np.divide(rows, norms[:, None], out=np.empty_like(rows), casting="same_kind")
        return unit
    if (norms > _LARGEST_NORM).any():
        row = int((norms > _LARGEST_NORM).argmax())
        raise ValueError(f"row {row} of {what} has a vector of length {norms[row]:.3g}; scale the vectors.")
    return rows


class NearestVectors:
    """Search in a matrix of prepared vectors.

    FAISS finds candidates in float32, whose rounding depends on the number of queries. Distances of candidates are
    therefore computed again in float64, one by one, and an exact search takes more candidates until none that was left
    out can be as near as the last one returned: a result depends on its query alone.
    """

    def __init__(self, vectors: Vectors, metric: Metric, kind: Kind, effort: int | None, structure: Any = None) -> None:
        self.vectors, self.metric, self.kind = vectors, metric, kind
        self.effort = effort or EFFORTS.get(kind)
        self.structure = _built(kind, vectors) if structure is None else structure

    def __len__(self) -> int:
        return len(self.vectors)

    def added(self, vectors: Vectors) -> NearestVectors:
        """Return a search in these vectors and others after them."""
        both = np.concatenate([self.vectors, vectors])
        extensible = self.kind == "hnsw" or (self.kind == "ivf" and len(both) < 4 * self._n_trained())
        structure = None
        if extensible and self.structure is not None:
            structure = faiss.clone_index(self.structure)
            _extend(structure, vectors)
        return NearestVectors(both, self.metric, self.kind, self.effort, structure)

    def kept(self, keep: NDArray[np.bool_]) -> NearestVectors:
        """Return a search in some of the vectors."""
        return NearestVectors(np.ascontiguousarray(self.vectors[keep]), self.metric, self.kind, self.effort)

    def _n_trained(self) -> int:
        """Return about the number of vectors whose clusters are the lists of IVF."""
        return 0 if self.structure is None else int(self.structure.nlist) ** 2

    def search(self, queries: Vectors, k: int) -> tuple[list[Rows], list[NDArray[np.float64]]]:
        """Return the rows of the k nearest vectors of each query, and their distances, nearest first."""
        rows, distances = [], []
        for query, candidates, limit in self._candidates(queries, min(k + _SPARE, len(self))):
            squares = self._squares(query, candidates)
            order = np.lexsort((candidates, squares))[:k]
            if limit is not None and not limit > squares[order[-1]]:
                candidates = self._all_near(query, k, len(candidates))
                squares = self._squares(query, candidates)
                order = np.lexsort((candidates, squares))[:k]
            rows.append(candidates[order])
            distances.append(self._distances(squares[order]))
        return rows, distances

    def _candidates(self, queries: Vectors, n: int) -> Iterator[tuple[NDArray[Any], Rows, float | None]]:
        """Yield each query with the rows of n candidates, and what the square of every other one exceeds, if known."""
        for start in range(0, len(queries), _BLOCK):
            block = queries[start : start + _BLOCK]
            if self.kind == "exact":
                squares, found = self._nearest(block, n)
                errors = self._error(block)
            else:
                found = self.structure.search(block, n, params=self._parameters(n))[1]
            for i, query in enumerate(block):
                is_bounded = self.kind == "exact" and n < len(self)
                limit = float(squares[i, -1]) - errors[i] if is_bounded else None
                yield query, found[i][found[i] >= 0], limit

    def _nearest(self, queries: Vectors, n: int) -> tuple[Vectors, Rows]:
        """Return the n smallest squared distances of each query in float32, in order, and their rows."""
        if self.metric != "cosine" or len(queries) > _FEW or n >= len(self):
            nearest: tuple[Vectors, Rows] = faiss.knn(queries, self.vectors, n)
            return nearest
        # of vectors of length 1; products of a matrix and a vector take less than half of the time of FAISS
        squares = np.stack([2 - 2 * (self.vectors @ query) for query in queries])
        near = np.argpartition(squares, n - 1, axis=1)[:, :n]
        near = np.take_along_axis(near, np.argsort(np.take_along_axis(squares, near, axis=1), axis=1), axis=1)
        return np.take_along_axis(squares, near, axis=1), near

    def _all_near(self, query: Vectors, k: int, n: int) -> Rows:
        """Return the candidates of an exact search in which many vectors are about equally near."""
        error = float(self._error(query[None])[0])
        while True:
            n = min(4 * n, len(self))
            if 4 * n > len(self):
                return np.arange(len(self))
            squares, found = faiss.knn(query[None], self.vectors, n)
            if squares[0, -1] - error > np.sort(self._squares(query, found[0]))[k - 1]:
                return np.asarray(found[0], dtype=np.int64)

    def _error(self, queries: Vectors) -> NDArray[np.float64]:
        """Return twice the bound of the rounding error of a squared distance in float32, for each query."""
        size = 1.0 if self.metric == "cosine" else self._radius
        error: NDArray[np.float64] = 2 * (self.vectors.shape[1] + 8) * _ROUNDING * (_norms(queries) + size) ** 2
        return error

    @cached_property
    def _radius(self) -> float:
        return float(_norms(self.vectors).max())

    def _squares(self, query: Vectors, rows: Rows) -> NDArray[np.float64]:
        """Compute squared distances in float64, each by itself."""
        squares = np.empty(len(rows))
        for start in range(0, len(rows), _BLOCK):
            difference = self.vectors[rows[start : start + _BLOCK]].astype(np.float64) - query
            squares[start : start + _BLOCK] = np.einsum("ij,ij->i", difference, difference)
        return squares

    def _distances(self, squares: NDArray[np.float64]) -> NDArray[np.float64]:
        # of vectors of length 1, |a - b|² = 2 - 2 cos
        return np.asarray(squares / 2 if self.metric == "cosine" else np.sqrt(squares))

    def _parameters(self, n: int) -> Any:
        effort = self.effort or 0
        if self.kind == "hnsw":
            return _FAISS.SearchParametersHNSW(efSearch=max(effort, n))
        return _FAISS.SearchParametersIVF(nprobe=effort)

    def pairs(self, threshold: float) -> tuple[Rows, NDArray[np.float64]]:
        """Return all pairs of rows that are at most `threshold` apart, shape (n_pairs, 2), and their distances."""
        limit = 2 * threshold if self.metric == "cosine" else threshold**2
        pairs, squares = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
        height = int(np.clip(_PAIRS // max(1, len(self)), 1, _BLOCK))
        for start in range(0, len(self), height):
            for near in self._near(start, height, limit):
                difference = np.subtract(self.vectors[near[:, 0]], self.vectors[near[:, 1]], dtype=np.float64)
                exact = np.einsum("ij,ij->i", difference, difference)
                pairs.append(near[exact <= limit])
                squares.append(exact[exact <= limit])
        return np.concatenate(pairs), self._distances(np.concatenate(squares))

    def _near(self, start: int, height: int, limit: float) -> Iterator[Rows]:
        """Yield pairs of a block of rows and later ones that may be near, in groups of a bounded number."""
        block, later = self.vectors[start : start + height], self.vectors[start:]
        norms = _norms(later) ** 2
        squares = norms[: len(block), None] + norms - 2.0 * (block @ later.T)
        allowed = limit + 2 * (self.vectors.shape[1] + 8) * _ROUNDING * (norms[: len(block), None] + norms)
        first, second = np.nonzero(np.triu(squares <= allowed, 1))
        near = np.column_stack([first, second]).astype(np.int64) + start
        for i in range(0, len(near), _BLOCK):
            yield near[i : i + _BLOCK]


def _norms(vectors: Vectors) -> NDArray[np.float64]:
    """Return the lengths of vectors, each by itself, in blocks."""
    norms = np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float64)
        norms[start : start + _BLOCK] = np.sqrt(np.einsum("ij,ij->i", block, block))
    return norms


def _built(kind: Kind, vectors: Vectors) -> Any:
    """Build the structure of an approximate search; None for an exact one, or without vectors."""
    n, width = vectors.shape
    if kind == "exact" or not n:
        return None
    if kind == "hnsw":
        structure = _FAISS.IndexHNSWFlat(width, _LINKS)
        structure.hnsw.efConstruction = _BUILD_EFFORT
    else:
        structure = _FAISS.IndexIVFFlat(faiss.IndexFlatL2(width), width, max(1, math.isqrt(n)))
        structure.cp.min_points_per_centroid = 1  # it would print a warning
        structure.train(vectors)
    _extend(structure, vectors)
    return structure


def _extend(structure: Any, vectors: Vectors) -> None:
    # links of HNSW depend on the order in which threads add
    with threadpool_limits(1, user_api="openmp"):
        structure.add(vectors)
