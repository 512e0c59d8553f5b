"""Batches: rows of similar length together, padded at the end, with their true lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_audio.engine._padding import pad_arrays
from sklearn_audio.engine._prefetch import ordered_map
from sklearn_audio.engine._randomness import Purpose, stream
from sklearn_audio.engine.sampling import Sampler, build_sampler
from sklearn_audio.ragged import Ragged

__all__ = ["Batch", "ClipDataset", "EvaluationBatches", "Inputs", "TrainingBatches", "batch_sizes", "pad_rows"]

# So many batches are shuffled together before their rows are sorted by length.
_BATCHES_PER_POOL = 32


class Inputs(NamedTuple):
    """What goes into the network, and how much each row weighs in the loss."""

    values: Tensor
    lengths: Tensor
    weights: Tensor


class Batch(NamedTuple):
    """Inputs and targets, in the order that skorch unpacks."""

    inputs: Inputs
    targets: Tensor


def pad_rows(sequences: Ragged, rows: NDArray[np.int64], n_rows: int, n_places: int, pad_value: int) -> Tensor:
    """Copy rows into a rectangular tensor.

    Shapes: -> (n_rows, n_places, *item_shape).
    """
    bounds = zip(sequences.offsets[rows].tolist(), sequences.offsets[rows + 1].tolist(), strict=True)
    arrays = (sequences.values[start:stop] for start, stop in bounds)
    return pad_arrays(arrays, (n_rows, n_places, *sequences.item_shape), sequences.dtype, pad_value)


@dataclass(frozen=True)
class ClipDataset(Dataset[Any]):
    """Rows with targets and weights.

    Shapes: targets (n_rows,) or (n_rows, n_labels), weights (n_rows,).
    """

    sequences: Ragged
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    pad_value: int = 0
    n_places: int | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, row: int) -> tuple[NDArray[Any], Any]:
        return self.sequences[row], self.targets[row]

    def select(self, rows: NDArray[np.int64]) -> ClipDataset:
        """Take some of the rows."""
        return ClipDataset(self.sequences[rows], self.targets[rows], self.weights[rows], self.pad_value, self.n_places)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Collate rows."""
        lengths = self.sequences.offsets[rows + 1] - self.sequences.offsets[rows]
        n_places = int(lengths.max()) if self.n_places is None else self.n_places
        padded = pad_rows(self.sequences, rows, len(rows), n_places, self.pad_value)
        inputs = Inputs(
            padded,
            torch.from_numpy(np.minimum(lengths, n_places)),
            torch.from_numpy(self.weights[rows]),
        )
        return Batch(inputs, torch.from_numpy(self.targets[rows]))


def batch_sizes(n_rows: int, batch_size: int) -> int:
    """Count the batches of an epoch; their sizes differ by at most one, so that none is much smaller than the rest."""
    return -(-n_rows // batch_size)


class TrainingBatches:
    """Batches in another random order in every epoch; rows of similar length share one.

    The order is a function of seed and epoch, and what is drawn for a batch one of seed, epoch and its number, so that
    training can go on from any batch.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        sampler: str | Sampler | None = None,
        augmentation: Callable[[Batch, np.random.Generator], Batch] | None = None,
        start: int = 0,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.sampler = build_sampler(sampler, dataset.targets)
        self.augmentation = augmentation
        self.start = start

    def __len__(self) -> int:
        return batch_sizes(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        epoch, start = self.epoch, self.start
        self.epoch, self.start = epoch + 1, 0
        batches = self._rows(epoch)

        def collate(number: int) -> Batch:
            return self.dataset.batch(batches[number], stream(self.seed, Purpose.COLLATION, epoch, number))

        numbers = range(start, len(batches))
        # a dataset that reads or computes its rows may say how many threads do so while the network trains
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
        """Cut an order into batches, rows of similar length together."""
        lengths = self.dataset.sequences.lengths
        if self.dataset.n_places is not None or lengths.min() == lengths.max():
            return np.array_split(order, len(self))
        n_pools = -(-len(self) // _BATCHES_PER_POOL)
        sorted_pools = [pool[np.argsort(lengths[pool], kind="stable")] for pool in np.array_split(order, n_pools)]
        batches = np.array_split(np.concatenate(sorted_pools), len(self))
        return [batches[i] for i in rng.permutation(len(batches))]


class EvaluationBatches:
    """Batches in order of length, each row once."""

    def __init__(self, dataset: ClipDataset, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __len__(self) -> int:
        return batch_sizes(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = np.argsort(self.dataset.sequences.lengths, kind="stable")
        for rows in np.array_split(order, len(self)):
            yield self.dataset.batch(rows)
