"""Training batches from rows of any length: windows or whole rows, padded, and optionally converted to frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_audio.augmentation import Transform
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine._padding import pad_arrays
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine.augmentation import Augmentation, augment_clip, draws_globally
from sklearn_audio.engine.training._batches import Batch, Inputs
from sklearn_audio.engine.training._rows import RowView

__all__ = ["BatchFrontEnd", "Collation", "Crop", "SegmentDataset", "ShortClip"]

Crop = Literal["start", "center", "random"]
ShortClip = Literal["tile", "zero"]


@dataclass(frozen=True)
class BatchFrontEnd:
    """Augments waveforms and computes their frames batch by batch; without a front end, waveforms stay waveforms."""

    front_end: FrontEnd | None
    sample_rate: float | None = None
    transforms: Sequence[Transform] = ()

    def n_items(self, length: int) -> int:
        """Return the number of timepoints that give at least `length` frames."""
        if self.front_end is None:
            return length
        geometry = self.front_end.geometry
        return length * geometry.hop + (0 if geometry.pad else geometry.length)

    def __call__(self, waveform: NDArray[np.float32], rng: np.random.Generator | None) -> NDArray[np.float32]:
        """Augment the waveform, if a generator is given, and compute its frames.

        Shapes: waveform (n_timepoints,) -> (n_frames, n_features) or (n_timepoints,).
        """
        if rng is not None:
            waveform = augment_clip(waveform, self.transforms, rng, self.sample_rate)
        if self.front_end is None:
            return waveform
        with torch.inference_mode():
            frames = self.front_end(torch.from_numpy(np.array(waveform, dtype=np.float32)))
        return np.asarray(frames.numpy())


class Padded(NamedTuple):
    """Rows in a rectangular tensor, with their true lengths."""

    values: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Collation:
    """Rules for collating rows of any length into one tensor.

    With `length`, a window of each row is taken, and shorter rows are padded; otherwise, whole rows are padded to the
    longest of the batch, but at most to `max_length`. `mixup` mixes waveforms, before frames are computed.
    """

    length: int | None = None
    crop: Crop = "start"
    short_clip: ShortClip = "zero"
    pad_value: int = 0
    max_length: int | None = None
    front_end: BatchFrontEnd | None = None
    mixup: Augmentation | None = None

    @property
    def computes_frames(self) -> bool:
        """Whether frames are computed from the waveforms of a batch."""
        return self.front_end is not None and self.front_end.front_end is not None

    def collate(
        self,
        rows: RowView,
        chosen: NDArray[np.int64],
        rng: np.random.Generator | None = None,
        n_rows: int | None = None,
        length: int | None = None,
    ) -> Padded:
        """Copy rows, or windows of them, into a rectangular tensor."""
        windows = [self._window(rows, row, rng) for row in chosen.tolist()]
        return self._padded(windows, len(chosen) if n_rows is None else n_rows, length, self.item_shape(rows))

    def before_frames(self) -> Collation:
        """Return a collation of the same windows as waveforms."""
        if self.front_end is None or not self.computes_frames:
            return self
        length, longest = (None if n is None else self.front_end.n_items(n) for n in (self.length, self.max_length))
        waveforms = replace(self.front_end, front_end=None)
        return replace(self, length=length, max_length=longest, short_clip="zero", front_end=waveforms)

    def compute_frames(self, waveforms: Padded) -> Padded:
        """Compute the frames of waveforms, without augmentation."""
        if self.front_end is None or self.front_end.front_end is None:
            return waveforms
        values, lengths = waveforms.values.numpy(), waveforms.lengths.tolist()
        frames = [self.front_end(waveform[:n], None) for waveform, n in zip(values, lengths, strict=True)]
        return self._padded(frames, len(lengths), None, (self.front_end.front_end.n_features,))

    def item_shape(self, rows: RowView) -> tuple[int, ...]:
        """Return the shape of one item of the network input."""
        if self.front_end is None or self.front_end.front_end is None:
            return rows.item_shape
        return (self.front_end.front_end.n_features,)

    def blocks(self, rows: RowView) -> Iterator[NDArray[Any]]:
        """Read all items that the network may receive, without augmentation, in blocks of bounded size.

        Shapes: -> (n, ...).
        """
        if self.front_end is None or not self.computes_frames:
            yield from rows.blocks()
            return
        for row in range(len(rows)):
            yield self.front_end(rows[row], None)

    def _window(self, rows: RowView, row: int, rng: np.random.Generator | None) -> NDArray[Any]:
        n_items = int(rows.lengths[row])
        wanted = n_items if self.length is None else self.length
        if self.front_end is not None and self.length is not None:
            wanted = self.front_end.n_items(self.length)
        beyond = max(0, n_items - wanted)
        start = 0 if self.crop == "start" else beyond // 2
        if beyond and self.crop == "random" and rng is not None:
            start = int(rng.integers(beyond + 1))
        window = rows.read(row, start, min(start + wanted, n_items))
        return window if self.front_end is None else self.front_end(window, rng)

    def _padded(
        self, arrays: list[NDArray[Any]], n_rows: int, length: int | None, item_shape: tuple[int, ...]
    ) -> Padded:
        n_items = np.array([len(array) for array in arrays])
        length = self.length if length is None else length
        if length is None:
            length = int(n_items.max() if self.max_length is None else min(n_items.max(), self.max_length))
        # networks compute in float32, whatever precision a two-dimensional array has
        dtype = np.dtype(np.float32) if arrays[0].dtype.kind == "f" else arrays[0].dtype
        values = pad_arrays(arrays, (n_rows, length, *item_shape), dtype, self.pad_value)
        lengths = np.ones(n_rows, dtype=np.int64)  # an empty row has one step of padding
        lengths[: len(arrays)] = np.minimum(n_items, length)
        if self.short_clip == "tile":
            for row, n_real in zip(values.numpy(), lengths[: len(arrays)].tolist(), strict=False):
                _tile(row, n_real)
            lengths[: len(arrays)] = length
        return Padded(values, torch.from_numpy(lengths))


def _tile(row: NDArray[Any], n_real: int) -> None:
    for start in range(n_real, len(row), n_real):
        stop = min(start + n_real, len(row))
        row[start:stop] = row[: stop - start]


@dataclass(frozen=True)
class SegmentDataset(Dataset[Any]):
    """Rows, or segments of rows, with targets and weights.

    Shapes: targets (n_rows,) or (n_rows, n_labels), weights (n_rows,).
    """

    rows: RowView
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    collation: Collation = Collation()
    n_threads: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> tuple[NDArray[Any], Any]:
        return self.rows[row], self.targets[row]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Lengths of the rows."""
        return self.rows.lengths

    @property
    def length(self) -> int | None:
        """Length of all rows in a batch; None: that of the longest row."""
        return self.collation.length

    @property
    def n_jobs(self) -> int | None:
        """Worker threads for collating; None if collating is cheap or an augmentation uses the global RNG."""
        front_end = self.collation.front_end
        if front_end is not None:
            return None if draws_globally(front_end.transforms) else self.n_threads
        return self.n_threads if isinstance(self.rows.values, ScratchValues) else None

    def select(self, rows: NDArray[np.int64]) -> SegmentDataset:
        """Select rows."""
        return replace(self, rows=self.rows[rows], targets=self.targets[rows], weights=self.weights[rows])

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Collate rows; with a generator, augmented for training."""
        if self.collation.mixup is None or rng is None:
            return self._batch(self.collation.collate(self.rows, rows, rng), rows)
        waveforms = self.collation.before_frames().collate(self.rows, rows, rng)
        mixed = self.collation.mixup(self._batch(waveforms, rows), rng)
        values, lengths = self.collation.compute_frames(Padded(mixed.inputs.values, mixed.inputs.lengths))
        return mixed._replace(inputs=mixed.inputs._replace(values=values, lengths=lengths))

    def _batch(self, padded: Padded, rows: NDArray[np.int64]) -> Batch:
        return Batch(Inputs(*padded, torch.from_numpy(self.weights[rows])), torch.from_numpy(self.targets[rows]))
