"""Prototypes of classes: running means, distances, and the temperature that converts these to probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from sklearn_audio.ragged import Ragged

__all__ = ["Distance", "Prototypes", "fit_temperature"]

Distance = Literal["sqeuclidean", "cosine"]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# Values of a block of vectors, which stays in the CPU cache while it is compared with all prototypes.
_BLOCK = 2**16
_STEEPEST = 12.0


@dataclass(frozen=True)
class Prototypes:
    """The sums of the clips of each class, from which prototypes and distances are computed.

    Shapes: sums (n_classes, n_features), counts (n_classes,).
    """

    sums: Floats
    counts: Floats
    distance: Distance
    shrinkage: float

    @classmethod
    def empty(cls, n_classes: int, n_features: int, distance: Distance, shrinkage: float) -> Self:
        """Return prototypes without clips."""
        return cls(np.zeros((n_classes, n_features)), np.zeros(n_classes), distance, shrinkage)

    def with_classes(self, positions: Codes, n_classes: int) -> Prototypes:
        """Return prototypes with more classes."""
        wider = Prototypes.empty(n_classes, self.sums.shape[1], self.distance, self.shrinkage)
        wider.sums[positions], wider.counts[positions] = self.sums, self.counts
        return wider

    def add(self, patches: Ragged, codes: Codes, weights: Floats) -> Prototypes:
        """Add clips.

        Shapes: codes (n_clips,), weights (n_clips,).
        """
        sums, means = self.sums.copy(), self._clip_means(patches) * weights[:, None]
        for code in np.unique(codes):
            sums[code] += means[codes == code].sum(axis=0)
        counts = self.counts + np.bincount(codes, weights, minlength=len(self.counts))
        return Prototypes(sums, counts, self.distance, self.shrinkage)

    @property
    def vectors(self) -> Floats:
        """The prototypes, shape (n_classes, n_features)."""
        return self._shrunk(self.sums, self.counts)

    def distances(self, patches: Ragged) -> Floats:
        """Compute the distance of each clip to each class: the mean over its patches.

        A row does not depend on the others, bit for bit.

        Shapes: -> (n_clips, n_classes).
        """
        vectors, values = self.vectors, patches.values
        found = np.empty((len(values), len(vectors)))
        for rows in _blocks(*values.shape):
            block = self._in_space(values[rows])
            for k, vector in enumerate(vectors):
                found[rows, k] = self._gaps(block, vector)
        return _mean_of_rows(patches.with_values(found))

    def distances_left_out(self, patches: Ragged, codes: Codes, weights: Floats) -> Floats:
        """Compute the distances of added clips, leaving each out of the prototype of its class.

        A clip of weight 2 is left out once, like one of two equal clips.

        Shapes: codes (n_clips,), weights (n_clips,) -> (n_clips, n_classes).
        """
        once = np.minimum(weights, 1.0)
        is_alone = self.counts[codes] - once <= np.finfo(np.float64).eps * self.counts[codes]
        counts = np.where(is_alone, 1.0, self.counts[codes] - once)
        found, means, owners = self.distances(patches), self._clip_means(patches), _owners(patches)
        own = np.empty((len(owners), 1))
        for rows in _blocks(*patches.values.shape):
            of = owners[rows]
            others = self._shrunk(self.sums[codes[of]] - once[of, None] * means[of], counts[of])
            own[rows, 0] = self._gaps(self._in_space(patches.values[rows]), others)
        own = _mean_of_rows(patches.with_values(own))[:, 0]
        found[np.arange(len(codes)), codes] = np.where(is_alone, np.nan, own)
        return found

    def _clip_means(self, patches: Ragged) -> Floats:
        return _mean_of_rows(patches.with_values(self._in_space(patches.values)))

    def _in_space(self, values: NDArray[Any]) -> Floats:
        block = values.astype(np.float64)
        return _unit(block) if self.distance == "cosine" else block

    def _gaps(self, block: Floats, vectors: Floats) -> Floats:
        # 1 - cos is half the squared distance of unit vectors
        gaps = block - vectors
        squares = np.square(gaps, out=gaps).sum(axis=1)
        return np.asarray(squares / 2 if self.distance == "cosine" else squares)

    def _shrunk(self, sums: Floats, counts: Floats) -> Floats:
        """Means, each shrunk towards the mean of the means of all classes."""
        pulled = sums / counts[:, None]
        if self.shrinkage:
            centre = (self.sums / self.counts[:, None]).mean(axis=0)
            pulled = (sums + self.shrinkage * centre) / (counts[:, None] + self.shrinkage)
        return _unit(pulled) if self.distance == "cosine" else pulled


def _blocks(n_rows: int, n_features: int) -> list[slice]:
    size = max(1, _BLOCK // max(1, n_features))
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def _unit(vectors: Floats) -> Floats:
    lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny))


def _owners(patches: Ragged) -> Codes:
    return np.repeat(np.arange(len(patches)), patches.lengths)


def _mean_of_rows(values: Ragged) -> Floats:
    # usually, a clip is one vector
    return np.asarray(values.values if len(values.values) == len(values) else values.pool("mean"))


def fit_temperature(distances: Floats, codes: Codes, weights: Floats, prototypes: Floats) -> float:
    """Find the temperature that calibrates the probabilities softmax(-distance / temperature).

    It maximises the mean log-probability of the true class over clips that are left out of their own prototype. As a
    few clips are often separated without errors, the targets are smoothed by one clip, spread over the classes, as in
    Platt scaling.

    Shapes: distances (n_clips, n_classes), codes (n_clips,), weights (n_clips,), prototypes (n_classes, n_features).

    Source: J. Platt, "Probabilistic outputs for support vector machines", 1999; C. Guo et al., "On calibration of
    modern neural networks", ICML 2017.
    """
    usable = ~np.isnan(distances).any(axis=1)
    weights = weights[usable]
    n_clips, n_classes = float(weights.sum()), distances.shape[1]
    if n_clips == 0:
        spread = 2 * prototypes.var(axis=0).sum() * n_classes / max(1, n_classes - 1)
        return float(spread / 2) or 1.0
    # only differences within a row matter
    gaps = distances[usable] - distances[usable].min(axis=1, keepdims=True)
    scale = float((gaps * weights[:, None]).sum() / (n_clips * n_classes))
    if scale == 0:
        return 1.0
    wanted = np.full(gaps.shape, 1 / (n_clips + n_classes))
    wanted[np.arange(len(gaps)), codes[usable]] += n_clips / (n_clips + n_classes)
    gaps /= scale

    def loss(log_slope: float) -> float:
        slope = np.exp(log_slope)
        losses = slope * (wanted * gaps).sum(axis=1) + logsumexp(-slope * gaps, axis=1)
        return float((losses * weights).sum() / n_clips)

    best = minimize_scalar(loss, bounds=(-_STEEPEST, _STEEPEST), method="bounded")
    return float(scale / np.exp(best.x))
