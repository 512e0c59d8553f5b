"""The order of rows in batches: shuffled for training, with rows of similar length together, or sorted by length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio._threads import ordered_map
from sklearn_audio.engine._randomness import Purpose, stream
from sklearn_audio.engine.sampling import Sampler, build_sampler

__all__ = ["Batch", "BatchSource", "EvaluationBatches", "Inputs", "TrainingBatches", "batch_sizes"]

# Batches that are shuffled together before their rows are sorted by length.
_BATCHES_PER_POOL = 32


class Inputs(NamedTuple):
    """Padded values with their true lengths, and the weight of each row in the loss."""

    values: Tensor
    lengths: Tensor
    weights: Tensor


class Batch(NamedTuple):
    """Inputs and targets, in the order that skorch unpacks."""

    inputs: Inputs
    targets: Tensor


class BatchSource(Protocol):
    """A dataset that collates batches of its rows."""

    @property
    def targets(self) -> NDArray[Any]:
        """Targets of the rows."""
        ...  # pragma: no cover - a protocol

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Lengths of the rows."""
        ...  # pragma: no cover - a protocol

    @property
    def length(self) -> int | None:
        """Length of all rows in a batch; None: that of the longest row."""
        ...  # pragma: no cover - a protocol

    def __len__(self) -> int:
        """Count the rows."""
        ...  # pragma: no cover - a protocol

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Collate rows."""
        ...  # pragma: no cover - a protocol


def batch_sizes(n_rows: int, batch_size: int) -> int:
    """Return the number of batches of an epoch; their sizes differ by at most one, so that none is very small."""
    return -(-n_rows // batch_size)


class TrainingBatches:
    """Batches in a new random order in every epoch; rows of similar length share a batch.

    The order is a function of seed and epoch, and the random numbers of a batch are a function of seed, epoch and batch
    number, so training can resume from any epoch, and threads may collate batches.
    """

    def __init__(
        self,
        dataset: BatchSource,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        sampler: str | Callable[[], NDArray[np.float64] | None] | Sampler | None = None,
        augmentation: Callable[[Batch, np.random.Generator], Batch] | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.sampler = build_sampler(sampler, dataset.targets)
        self.augmentation = augmentation

    def __len__(self) -> int:
        return batch_sizes(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch
        self.epoch += 1
        batches = self._rows(epoch)

        def collate(number: int) -> Batch:
            return self.dataset.batch(batches[number], stream(self.seed, Purpose.COLLATION, epoch, number))

        numbers = range(len(batches))
        # a dataset that reads or computes its rows may use threads for this during training
        with closing(ordered_map(collate, numbers, getattr(self.dataset, "n_jobs", None))) as made:
            for number, batch in zip(numbers, made, strict=True):
                if self.augmentation is None:
                    yield batch
                else:
                    yield self.augmentation(batch, stream(self.seed, Purpose.AUGMENTATION, epoch, number))

    def _rows(self, epoch: int) -> list[NDArray[np.int64]]:
        rng = np.random.default_rng([self.seed, epoch])
        if self.sampler is None:
            return self._group(rng.permutation(len(self.dataset)), rng)
        taken = [self._group(rows, rng) for rows in self.sampler.streams(self.seed, epoch)]
        return [taken[number % len(taken)][number] for number in range(len(self))]

    def _group(self, order: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Divide an order into batches of rows of similar length."""
        lengths = self.dataset.lengths
        if self.dataset.length is not None or lengths.min() == lengths.max():
            return np.array_split(order, len(self))
        n_pools = -(-len(self) // _BATCHES_PER_POOL)
        sorted_pools = [pool[np.argsort(lengths[pool], kind="stable")] for pool in np.array_split(order, n_pools)]
        batches = np.array_split(np.concatenate(sorted_pools), len(self))
        return [batches[i] for i in rng.permutation(len(batches))]


class EvaluationBatches:
    """Batches in order of length, each row once."""

    def __init__(self, dataset: BatchSource, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __len__(self) -> int:
        return batch_sizes(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = np.argsort(self.dataset.lengths, kind="stable")
        for rows in np.array_split(order, len(self)):
            yield self.dataset.batch(rows)
