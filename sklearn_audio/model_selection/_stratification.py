"""Iterative stratification: multi-label units are assigned to folds, those of the rarest label first.

K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, algorithm 1.
A unit is a clip, or a group of clips that must stay together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse

_TIE = 1e-9  # deficits are sums of fractions


class Dealer:
    """Assigns units to folds, each of which has a quota of every label and of all clips.

    Shapes: counts (n_units, n_labels), sizes (n_units,), room (n_folds,).
    """

    def __init__(
        self,
        counts: csr_array,
        sizes: NDArray[np.float64],
        room: NDArray[np.float64],
        *,
        is_strict: bool,
        random_state: np.random.RandomState,
    ) -> None:
        self.counts, self.sizes = counts, sizes.tolist()
        self.is_strict, self.random_state = is_strict, random_state
        left = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()  # (n_labels,) clips not yet assigned
        # Lists, as element access is much faster than with arrays.
        self.left: list[float] = left.tolist()
        self.room: list[float] = room.astype(np.float64).tolist()
        self.wanted: list[list[float]] = np.outer(left, room / room.sum()).tolist()  # [label][fold]
        self.fold = np.full(counts.shape[0], -1, dtype=np.int64)

    def deal(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fold of each unit; units of a label are processed in `order`."""
        by_label = self.counts[order].tocsc()
        while (label := self._rarest()) is not None:
            span = slice(by_label.indptr[label], by_label.indptr[label + 1])
            units = order[by_label.indices[span]]
            # Largest units first, so that smaller ones can even out imbalances.
            for unit in units[np.argsort(-by_label.data[span], kind="stable")]:
                if self.fold[unit] < 0:
                    self._give(unit, self.wanted[label])
            self.left[label] = 0
        for unit in order[self.fold[order] < 0]:  # without any label
            self._give(unit, self.room)
        return self.fold

    def _rarest(self) -> int | None:
        left = np.array(self.left)
        there = np.flatnonzero(left > 0)
        return int(there[np.argmin(left[there])]) if len(there) else None

    def _give(self, unit: int, wanted: list[float]) -> None:
        fold = self._choose(wanted)
        self.fold[unit] = fold
        self.room[fold] -= self.sizes[unit]
        span = slice(self.counts.indptr[unit], self.counts.indptr[unit + 1])
        for label, count in zip(self.counts.indices[span].tolist(), self.counts.data[span].tolist(), strict=True):
            self.wanted[label][fold] -= count
            self.left[label] -= count

    def _choose(self, wanted: list[float]) -> int:
        """Return the fold with the largest deficit of the label; ties by most room, then at random."""
        folds = [fold for fold, room in enumerate(self.room) if room > _TIE or not self.is_strict]
        for measure in (wanted, self.room):
            best = max([measure[fold] for fold in folds]) - _TIE
            folds = [fold for fold in folds if measure[fold] >= best]
        return folds[0] if len(folds) == 1 else folds[self.random_state.randint(len(folds))]


def check_indicator(y: Any) -> csr_array:
    """Return the labels as a sparse matrix (n_clips, n_labels); raise unless they are 0 and 1."""
    if y is None:
        raise ValueError("y is None; stratification needs the labels, an indicator matrix (n_clips, n_labels).")
    if issparse(y):
        matrix = csr_array(y)
    else:
        dense = np.asarray(y)
        if dense.ndim != 2:
            raise ValueError(
                f"y has shape {dense.shape}, expected an indicator matrix (n_clips, n_labels); for one label per clip "
                "use StratifiedKFold or StratifiedShuffleSplit of scikit-learn."
            )
        if not np.isin(dense, (0, 1)).all():
            raise ValueError("y must hold 0 and 1 only: which labels the clips have.")
        matrix = csr_array(dense)
    if not np.isin(matrix.data, (0, 1)).all():
        raise ValueError("y must hold 0 and 1 only: which labels the clips have.")
    matrix = matrix.astype(np.int64)
    matrix.eliminate_zeros()
    return matrix


def units_of(n_clips: int, groups: ArrayLike | None) -> NDArray[np.int64]:
    """Return the unit of each clip, numbered from 0; without groups, each clip is its own unit."""
    if groups is None:
        return np.arange(n_clips)
    return np.asarray(np.unique(np.asarray(groups), return_inverse=True)[1], dtype=np.int64)


def counts_of(labels: csr_array, units: NDArray[np.int64]) -> csr_array:
    """Sum the labels within each unit, (n_clips, n_labels) -> (n_units, n_labels)."""
    n_clips, n_units = len(units), int(units.max()) + 1
    membership = csr_array((np.ones(n_clips, dtype=np.int64), (units, np.arange(n_clips))), shape=(n_units, n_clips))
    counts = csr_array(membership @ labels)
    counts.sum_duplicates()
    return counts
