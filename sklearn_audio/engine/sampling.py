"""Samplers: selection of the clips of an epoch for classes of unequal size.

A sampler is a function of seed and epoch. It returns one or more streams of rows, each as long as the data; batches
are taken from the streams in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.engine._randomness import Purpose, stream

__all__ = [
    "SAMPLERS",
    "AlternateSampler",
    "BalancedSampler",
    "Sampler",
    "WeightedSampler",
    "WorstClassSampler",
    "build_sampler",
    "inverse_frequency_weights",
    "rows_of_classes",
]


class Sampler(Protocol):
    """Protocol of samplers, which draw the rows of an epoch."""

    def streams(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Return the rows of an epoch, one array per stream."""


def rows_of_classes(targets: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Sort the rows by class.

    Shapes: targets (n_rows,) or (n_rows, n_labels).
    """
    if targets.ndim == 1:
        counts = np.bincount(targets)
        return np.split(np.argsort(targets, kind="stable"), np.cumsum(counts[counts > 0])[:-1])
    columns = [*targets.T, ~targets.any(axis=1)]
    return [rows for rows in map(np.flatnonzero, columns) if len(rows)]


def inverse_frequency_weights(targets: NDArray[Any]) -> NDArray[np.float64]:
    """Weight rows by the inverse of the frequency of their labels, summed over the labels of a row.

    Shapes: targets (n_rows,) or (n_rows, n_labels) -> (n_rows,).

    Source: Gong, Chung, Glass, "PSLA: improving audio tagging with pretraining, sampling, labeling, and aggregation",
    IEEE/ACM TASLP 29, 2021.
    """
    weights = np.zeros(len(targets))
    for rows in rows_of_classes(targets):
        weights[rows] += 1 / len(rows)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True, eq=False)
class WeightedSampler:
    """Draws rows with replacement, by the inverse of the frequency of their labels.

    Shapes: weights (n_rows,).
    """

    weights: NDArray[np.float64]

    @classmethod
    def from_targets(cls, targets: NDArray[Any]) -> WeightedSampler:
        """Learn the weights.

        Shapes: targets (n_rows,) or (n_rows, n_labels).
        """
        return cls(inverse_frequency_weights(targets))

    def streams(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Draw the rows of an epoch.

        Shapes: -> (n_rows,).
        """
        rng = stream(seed, Purpose.WEIGHTED_DRAW, epoch)
        return [rng.choice(len(self.weights), size=len(self.weights), p=self.weights)]


@dataclass(frozen=True, eq=False)
class BalancedSampler:
    """Repeatedly goes through the classes in random order, and takes the next row of each.

    In an epoch, the numbers of rows of any two classes differ by at most one. The rows of a class are taken in random
    order, each once before any is repeated; the next epoch continues where the previous one ended. A row with several
    labels belongs to each of them.

    Source: Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern recognition", IEEE/ACM
    TASLP 28, 2020.
    """

    members: list[NDArray[np.int64]]
    n_rows: int

    @classmethod
    def from_targets(cls, targets: NDArray[Any]) -> BalancedSampler:
        """Sort the rows by class.

        Shapes: targets (n_rows,) or (n_rows, n_labels).
        """
        return cls(rows_of_classes(targets), len(targets))

    def streams(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Take the rows of an epoch.

        Shapes: -> (n_rows,).
        """
        n_classes = len(self.members)
        n_rounds, n_left = divmod(self.n_rows, n_classes)
        rng = stream(seed, Purpose.CLASS_ORDER, epoch)
        rounds = rng.permuted(np.tile(np.arange(n_classes), (n_rounds, 1)), axis=1)
        # the last round is incomplete: its classes continue where those of the previous epoch ended
        left = rng.permutation((epoch * n_left + np.arange(n_left)) % n_classes)
        # (n_rounds, n_classes) -> (n_rows,)
        order = np.concatenate([rounds.ravel(), left])
        rows = np.empty(self.n_rows, dtype=np.int64)
        rows[np.argsort(order, kind="stable")] = np.concatenate(
            [self._draw(code, seed, epoch) for code in range(n_classes)]
        )
        return [rows]

    def _draws_before(self, code: int, epoch: int) -> int:
        n_rounds, n_left = divmod(self.n_rows, len(self.members))
        full, rest = divmod(epoch * n_left, len(self.members))
        return epoch * n_rounds + full + (code < rest)

    def _draw(self, code: int, seed: int, epoch: int) -> NDArray[np.int64]:
        """Return the draws of an epoch from an endless stream of permutations, which is generated in blocks."""
        members = self.members[code]
        first, stop = self._draws_before(code, epoch), self._draws_before(code, epoch + 1)
        # a block is at least as long as an epoch, which therefore spans at most two
        n_shuffles = -(-self.n_rows // (len(self.members) * len(members))) + 1
        shuffles = np.tile(members, (n_shuffles, 1))
        block, start = divmod(first, shuffles.size)
        blocks = [
            stream(seed, Purpose.CLASS_MEMBERS, code, number).permuted(shuffles, axis=1).ravel()
            for number in (block, block + 1)
        ]
        return np.concatenate(blocks)[start : start + stop - first]


@dataclass(frozen=True, eq=False)
class AlternateSampler:
    """Alternates between batches of all rows and batches of balanced classes.

    Source: Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern recognition", IEEE/ACM
    TASLP 28, 2020.
    """

    balanced: BalancedSampler

    @classmethod
    def from_targets(cls, targets: NDArray[Any]) -> AlternateSampler:
        """Sort the rows by class.

        Shapes: targets (n_rows,) or (n_rows, n_labels).
        """
        return cls(BalancedSampler.from_targets(targets))

    def streams(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Take the rows of an epoch.

        Shapes: -> (n_rows,).
        """
        plain = stream(seed, Purpose.PLAIN_ORDER, epoch).permutation(self.balanced.n_rows)
        return [plain, *self.balanced.streams(seed, epoch)]


# Fraction of the classes that are drawn more often, about that of 77 of 527 in the source; their extra weight; and the
# lowest score, which bounds it.
_WORST_SHARE, _EXTRA, _LOWEST_SCORE = 0.15, 0.4, 0.01


@dataclass(frozen=True, eq=False)
class WorstClassSampler:
    """Draws rows like `WeightedSampler`, but those of the worst classes more often.

    To their weights, 0.4 divided by their score is added; the weight of a row is otherwise one, on average. `scores`
    returns the scores of the classes in the previous epoch, from 0 to 1; None: there are none yet.

    Shapes: targets (n_rows,) or (n_rows, n_labels).

    Source: the sampler "over" of ATDR, which takes the average precisions of earlier runs on the evaluation set; these
    scores are those of the training batches.
    """

    targets: NDArray[Any]
    scores: Callable[[], NDArray[np.float64] | None]

    def streams(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Draw the rows of an epoch.

        Shapes: -> (n_rows,).
        """
        return WeightedSampler(self._weights(self.scores())).streams(seed, epoch)

    def _weights(self, scores: NDArray[np.float64] | None) -> NDArray[np.float64]:
        weights, n_rows = inverse_frequency_weights(self.targets), len(self.targets)
        if scores is None:
            return weights
        is_single = self.targets.ndim == 1
        counts = np.bincount(self.targets, minlength=len(scores)) if is_single else self.targets.sum(axis=0)
        there = np.flatnonzero(counts)
        worst = there[np.argsort(scores[there], kind="stable")[: max(1, round(_WORST_SHARE * len(there)))]]
        extra = np.zeros(len(scores))
        extra[worst] = _EXTRA / np.maximum(scores[worst], _LOWEST_SCORE)
        weights = weights * n_rows + (extra[self.targets] if is_single else self.targets @ extra)
        return np.asarray(weights / weights.sum())


SAMPLERS: dict[str, type[WeightedSampler] | type[BalancedSampler] | type[AlternateSampler]] = {
    "alternate": AlternateSampler,
    "balanced": BalancedSampler,
    "weighted": WeightedSampler,
}


def build_sampler(
    sampler: str | Callable[[], NDArray[np.float64] | None] | Sampler | None, targets: NDArray[Any]
) -> Sampler | None:
    """Build the sampler of a name, or that of the worst classes from a function that returns the scores.

    Shapes: targets (n_rows,) or (n_rows, n_labels).
    """
    if not isinstance(sampler, str):
        return WorstClassSampler(targets, sampler) if callable(sampler) else sampler
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be one of {', '.join(map(repr, SAMPLERS))} or None, got {sampler!r}.")
    return SAMPLERS[sampler].from_targets(targets)
