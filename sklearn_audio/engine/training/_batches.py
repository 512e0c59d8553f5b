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

    Parameters
    ----------
    sequences : Ragged
        The rows.
    rows : ndarray of int
        Which of them.
    n_rows, n_places : int
        Shape of the tensor; rows longer than that are cut.
    pad_value : int
        What stands where nothing is copied to.

    Returns
    -------
    Tensor of shape (n_rows, n_places, *item_shape)
        Of the type of the values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training._batches import pad_rows
    >>> pad_rows(Ragged.from_list([[1, 2], [3]]), np.array([1]), 2, 2, 9).tolist()
    [[3, 9], [9, 9]]
    """
    bounds = zip(sequences.offsets[rows].tolist(), sequences.offsets[rows + 1].tolist(), strict=True)
    arrays = (sequences.values[start:stop] for start, stop in bounds)
    return pad_arrays(arrays, (n_rows, n_places, *sequences.item_shape), sequences.dtype, pad_value)


@dataclass(frozen=True)
class ClipDataset(Dataset[Any]):
    """Rows with targets and weights.

    Parameters
    ----------
    sequences : Ragged
        Frames or tokens.
    targets : ndarray of shape (n_rows,) or (n_rows, n_labels)
        Codes of classes, or indicators of labels as floats.
    weights : ndarray of float32, shape (n_rows,)
        Weights in the loss.
    pad_value : int, default=0
        What padding is: for tokens, the size of the vocabulary.
    n_places : int, default=None
        Length that every batch has; None takes that of the longest row of the batch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import ClipDataset
    >>> data = ClipDataset(Ragged.from_list([[1, 2], [3]]), np.array([0, 1]), np.ones(2, np.float32), pad_value=9)
    >>> data.batch(np.array([1, 0])).inputs.values.tolist()
    [[3, 9], [1, 2]]
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
        """Take some of the rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        ClipDataset
            Those rows.
        """
        return ClipDataset(self.sequences[rows], self.targets[rows], self.weights[rows], self.pad_value, self.n_places)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Collate rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.
        rng : Generator, default=None
            Not needed: datasets whose rows are drawn, such as random windows of clips, are given one in training.

        Returns
        -------
        Batch
            Padded values, true lengths and weights; and the targets.
        """
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
    """Count the batches of an epoch; their sizes differ by at most one, so that none is much smaller than the rest.

    Parameters
    ----------
    n_rows : int
        Rows of the data.
    batch_size : int
        Most rows of a batch.

    Returns
    -------
    int
        Number of batches.

    Examples
    --------
    >>> from sklearn_audio.engine.training._batches import batch_sizes
    >>> batch_sizes(33, 32)
    2
    """
    return -(-n_rows // batch_size)


class TrainingBatches:
    """Batches in another random order in every epoch; rows of similar length share one.

    The order is a function of seed and epoch, and what is drawn for a batch one of seed, epoch and its number, so that
    training can go on from any batch.

    Parameters
    ----------
    dataset : ClipDataset
        The rows.
    batch_size : int
        Most rows of a batch.
    seed : int, default=0
        Of the order.
    epoch : int, default=0
        Epochs before the first.
    sampler : {"alternate", "balanced", "weighted"} or Sampler, default=None
        Which rows an epoch has; None takes each once. An epoch has as many rows as the data in any case.
    augmentation : callable, default=None
        Called with a batch and a generator, gives the batch to train on.
    start : int, default=0
        Batches of the first epoch that are passed over.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import ClipDataset, TrainingBatches
    >>> data = ClipDataset(Ragged.from_list([[1], [2], [3]]), np.array([0, 1, 1]), np.ones(3, np.float32))
    >>> [len(batch.targets) for batch in TrainingBatches(data, 2)]
    [2, 1]
    >>> [len(batch.targets) for batch in TrainingBatches(data, 2, start=1)]
    [1]
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
    """Batches in order of length, each row once.

    Parameters
    ----------
    dataset : ClipDataset
        The rows.
    batch_size : int
        Most rows of a batch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import ClipDataset, EvaluationBatches
    >>> data = ClipDataset(Ragged.from_list([[1, 1], [2]]), np.array([0, 1]), np.ones(2, np.float32))
    >>> [batch.targets.tolist() for batch in EvaluationBatches(data, 1)]
    [[1], [0]]
    """

    def __init__(self, dataset: ClipDataset, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __len__(self) -> int:
        return batch_sizes(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = np.argsort(self.dataset.sequences.lengths, kind="stable")
        for rows in np.array_split(order, len(self)):
            yield self.dataset.batch(rows)
