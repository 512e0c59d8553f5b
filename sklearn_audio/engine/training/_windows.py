"""Rows of one length: a window of a long row, a short row filled up; the data of networks that take only such rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_audio.augmentation import Transform
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine.augmentation import Augmentation, augment_clip, draws_globally
from sklearn_audio.engine.training._batches import Batch, Inputs
from sklearn_audio.engine.training._row_view import RowView

__all__ = ["Crop", "Rendering", "ShortClip", "WindowDataset", "Windowing", "window_logits"]

Crop = Literal["start", "center", "random"]
ShortClip = Literal["tile", "zero"]
_ROWS_ON_DEVICE = 64


@dataclass(frozen=True)
class Rendering:
    """From a stretch of a waveform, which may be augmented, to what goes into the network; batch by batch."""

    front_end: FrontEnd | None
    sample_rate: float | None = None
    transforms: Sequence[Transform] = ()

    def n_items(self, n_places: int) -> int:
        """Count the timepoints that give at least so many frames."""
        if self.front_end is None:
            return n_places
        geometry = self.front_end.geometry
        return n_places * geometry.hop + (0 if geometry.pad else geometry.length)

    def __call__(self, waveform: NDArray[np.float32], rng: np.random.Generator | None) -> NDArray[np.float32]:
        """Augment, if there is a generator, and compute the frames.

        Shapes: waveform (n_timepoints,) -> (n_frames, n_features) or (n_timepoints,).
        """
        if rng is not None:
            waveform = augment_clip(waveform, self.transforms, rng, self.sample_rate)
        if self.front_end is None:
            return waveform
        with torch.inference_mode():
            frames = self.front_end(torch.from_numpy(np.array(waveform, dtype=np.float32)))
        return np.asarray(frames.numpy())


@dataclass(frozen=True)
class Windowing:
    """How rows of any length become rows of one."""

    n_places: int
    crop: Crop = "center"
    short_clip: ShortClip = "tile"
    pad_value: int = 0
    rendering: Rendering | None = None

    def collate(
        self,
        rows: RowView,
        chosen: NDArray[np.int64],
        rng: np.random.Generator | None = None,
        n_rows: int | None = None,
    ) -> Padded:
        """Copy windows of rows into a rectangular tensor."""
        windows = (self._window(rows, row, rng) for row in chosen.tolist())
        return self._filled(windows, len(chosen) if n_rows is None else n_rows, self.item_shape(rows), rows.dtype)

    def before_frames(self) -> Windowing:
        """Give the same windows as waveforms, each of its own length."""
        if self.rendering is None or self.rendering.front_end is None:
            return self
        n_timepoints, waveforms = self.rendering.n_items(self.n_places), replace(self.rendering, front_end=None)
        return replace(self, n_places=n_timepoints, short_clip="zero", rendering=waveforms)

    def render(self, waveforms: Padded) -> Padded:
        """Compute the frames of waveforms, without augmentation."""
        if self.rendering is None or self.rendering.front_end is None:
            return waveforms
        values, lengths = waveforms.values.numpy(), waveforms.lengths.tolist()
        frames = (self.rendering(waveform[:n], None) for waveform, n in zip(values, lengths, strict=True))
        return self._filled(frames, len(lengths), (self.rendering.front_end.n_features,), values.dtype)

    def item_shape(self, rows: RowView) -> tuple[int, ...]:
        """Tell the shape of one item as it goes into the network."""
        if self.rendering is None or self.rendering.front_end is None:
            return rows.item_shape
        return (self.rendering.front_end.n_features,)

    def blocks(self, rows: RowView) -> Iterator[NDArray[Any]]:
        """Read everything that a network may see, without augmentation and in pieces that bound the memory.

        Shapes: -> (n, ...).
        """
        if self.rendering is None or self.rendering.front_end is None:
            yield from rows.blocks()
            return
        for row in range(len(rows)):
            yield self._rendered(rows[row], None)

    def _rendered(self, window: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
        return window if self.rendering is None else self.rendering(window, rng)

    def _window(self, rows: RowView, row: int, rng: np.random.Generator | None) -> NDArray[Any]:
        wanted = self.n_places if self.rendering is None else self.rendering.n_items(self.n_places)
        beyond = max(0, int(rows.lengths[row]) - wanted)
        start = {"start": 0, "center": beyond // 2, "random": beyond // 2}[self.crop]
        if beyond and self.crop == "random" and rng is not None:
            start = int(rng.integers(beyond + 1))
        window = rows.read(row, start, min(start + wanted, int(rows.lengths[row])))
        return self._rendered(window, rng)

    def _filled(
        self, arrays: Iterable[NDArray[Any]], n_rows: int, item_shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Padded:
        # torch aligns its memory alike every time, which NumPy does not: kernels may round by the alignment
        torch_dtype = torch.from_numpy(np.empty(0, dtype)).dtype
        values = torch.full((n_rows, self.n_places, *item_shape), self.pad_value, dtype=torch_dtype)
        lengths = np.ones(n_rows, dtype=np.int64)  # an empty row counts as one place of padding
        places = values.numpy()
        for i, array in enumerate(arrays):
            lengths[i] = self._fill(places[i], array)
        return Padded(values, torch.from_numpy(lengths))

    def _fill(self, place: NDArray[Any], row: NDArray[Any]) -> int:
        n_real = min(len(row), self.n_places)
        place[:n_real] = row[:n_real]
        if n_real == self.n_places or self.short_clip == "zero":
            return n_real
        for start in range(n_real, self.n_places, n_real):
            stop = min(start + n_real, self.n_places)
            place[start:stop] = place[: stop - start]
        return self.n_places


class Padded(NamedTuple):
    """Rows in a rectangular tensor."""

    values: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class WindowDataset(Dataset[Any]):
    """Rows of any length with targets and weights, seen through windows of one length.

    Shapes: targets (n_rows,) or (n_rows, n_labels), weights (n_rows,).
    """

    sequences: RowView
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    windowing: Windowing
    n_threads: int | None = None
    mixup: Augmentation | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, row: int) -> tuple[NDArray[Any], Any]:
        return self.sequences[row], self.targets[row]

    @property
    def n_places(self) -> int:
        """Length that every batch has."""
        return self.windowing.n_places

    @property
    def n_jobs(self) -> int | None:
        """Background threads for batches: none where there is little to do, or where it may not be done beside."""
        rendering = self.windowing.rendering
        if rendering is not None:
            return None if draws_globally(rendering.transforms) else self.n_threads
        return self.n_threads if isinstance(self.sequences.values, ScratchValues) else None

    def select(self, rows: NDArray[np.int64]) -> WindowDataset:
        """Take some of the rows."""
        return replace(self, sequences=self.sequences[rows], targets=self.targets[rows], weights=self.weights[rows])

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Collate rows."""
        if self.mixup is None or rng is None:
            return self._batch(self.windowing.collate(self.sequences, rows, rng), rows)
        waveforms = self.windowing.before_frames().collate(self.sequences, rows, rng)
        mixed = self.mixup(self._batch(waveforms, rows), rng)
        values, lengths = self.windowing.render(Padded(mixed.inputs.values, mixed.inputs.lengths))
        return mixed._replace(inputs=mixed.inputs._replace(values=values, lengths=lengths))

    def _batch(self, padded: Padded, rows: NDArray[np.int64]) -> Batch:
        return Batch(Inputs(*padded, torch.from_numpy(self.weights[rows])), torch.from_numpy(self.targets[rows]))


def window_logits(
    network: Callable[[Tensor, Tensor], Tensor],
    rows: RowView,
    windowing: Windowing,
    *,
    device: torch.device,
    precision: str = "float32",
    one_by_one: bool = False,
) -> NDArray[np.float32]:
    """Compute the logits of rows, each the same to the bit whatever others are computed with it.

    Shapes: -> (n_rows, n_outputs).
    """
    n_rows = 1 if one_by_one else _ROWS_ON_DEVICE
    parts: list[NDArray[np.float32]] = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for first in range(0, len(rows), n_rows):
            chosen = np.arange(first, min(first + n_rows, len(rows)))
            # the number of rows is always the same, as kernels choose the order of their sums by it
            values, lengths = windowing.collate(rows, chosen, n_rows=n_rows)
            answer = network(values.to(device), lengths.to(device))
            parts.append(answer[: len(chosen)].float().cpu().numpy())
    return np.concatenate(parts)
