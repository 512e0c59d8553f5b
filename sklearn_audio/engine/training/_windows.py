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
    """From a stretch of a waveform, which may be augmented, to what goes into the network; batch by batch.

    Parameters
    ----------
    front_end : FrontEnd or None
        What computes the frames; None leaves waveforms.
    sample_rate : float, default=None
        Hz of the waveforms, for transforms that need it.
    transforms : sequence of Transform, default=()
        Random changes of the waveform.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.dsp import FrontEnd
    >>> from sklearn_audio.engine.training import Rendering
    >>> rendering = Rendering(FrontEnd(n_fft=512, hop_length=256))
    >>> rendering.n_items(10), rendering(np.zeros(rendering.n_items(10), np.float32), None).shape
    (2560, (11, 64))
    """

    front_end: FrontEnd | None
    sample_rate: float | None = None
    transforms: Sequence[Transform] = ()

    def n_items(self, n_places: int) -> int:
        """Count the timepoints that give at least so many frames.

        Parameters
        ----------
        n_places : int
            Frames.

        Returns
        -------
        int
            Timepoints.
        """
        if self.front_end is None:
            return n_places
        geometry = self.front_end.geometry
        return n_places * geometry.hop + (0 if geometry.pad else geometry.length)

    def __call__(self, waveform: NDArray[np.float32], rng: np.random.Generator | None) -> NDArray[np.float32]:
        """Augment, if there is a generator, and compute the frames.

        Parameters
        ----------
        waveform : ndarray of shape (n_timepoints,)
            Not changed.
        rng : Generator or None
            What the augmentation draws from.

        Returns
        -------
        ndarray of float32, shape (n_frames, n_features) or (n_timepoints,)
            Frames, or a waveform.
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
    """How rows of any length become rows of one.

    Parameters
    ----------
    n_places : int
        That length.
    crop : {"start", "center", "random"}, default="center"
        Which window of a longer row is taken; without a generator, "random" is "center".
    short_clip : {"tile", "zero"}, default="tile"
        Whether a shorter row is repeated, or followed by padding, of which the network is told.
    pad_value : int, default=0
        That padding.
    rendering : Rendering, default=None
        What makes frames of the windows of waveforms; None takes windows as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import RowView, Windowing
    >>> rows = RowView.of(Ragged.from_list([[1, 2, 3, 4], [5, 6]]))
    >>> Windowing(3, "start").collate(rows, np.array([0, 1]))[0].tolist()
    [[1, 2, 3], [5, 6, 5]]
    """

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
        """Copy windows of rows into a rectangular tensor.

        Parameters
        ----------
        rows : RowView
            The rows.
        chosen : ndarray of int
            Which of them.
        rng : Generator, default=None
            What random windows and augmentation draw from; None is for evaluation.
        n_rows : int, default=None
            Rows of the tensor, empty behind those that were chosen; None is as many.

        Returns
        -------
        Padded
            Values of shape (n_rows, n_places, ...), and how much of each row is real.
        """
        windows = (self._window(rows, row, rng) for row in chosen.tolist())
        return self._filled(windows, len(chosen) if n_rows is None else n_rows, self.item_shape(rows), rows.dtype)

    def before_frames(self) -> Windowing:
        """Give the same windows as waveforms, each of its own length.

        Returns
        -------
        Windowing
            Itself, where no frames are computed.
        """
        if self.rendering is None or self.rendering.front_end is None:
            return self
        n_timepoints, waveforms = self.rendering.n_items(self.n_places), replace(self.rendering, front_end=None)
        return replace(self, n_places=n_timepoints, short_clip="zero", rendering=waveforms)

    def render(self, waveforms: Padded) -> Padded:
        """Compute the frames of waveforms, without augmentation.

        Parameters
        ----------
        waveforms : Padded
            Values of shape (n_rows, n_timepoints).

        Returns
        -------
        Padded
            Values of shape (n_rows, n_places, n_features); where no frames are computed, what was given.
        """
        if self.rendering is None or self.rendering.front_end is None:
            return waveforms
        values, lengths = waveforms.values.numpy(), waveforms.lengths.tolist()
        frames = (self.rendering(waveform[:n], None) for waveform, n in zip(values, lengths, strict=True))
        return self._filled(frames, len(lengths), (self.rendering.front_end.n_features,), values.dtype)

    def item_shape(self, rows: RowView) -> tuple[int, ...]:
        """Tell the shape of one item as it goes into the network.

        Parameters
        ----------
        rows : RowView
            The rows.

        Returns
        -------
        tuple of int
            Such as ``(n_features,)`` of frames, and ``()`` of waveforms.
        """
        if self.rendering is None or self.rendering.front_end is None:
            return rows.item_shape
        return (self.rendering.front_end.n_features,)

    def blocks(self, rows: RowView) -> Iterator[NDArray[Any]]:
        """Read everything that a network may see, without augmentation and in pieces that bound the memory.

        Parameters
        ----------
        rows : RowView
            The rows.

        Yields
        ------
        ndarray of shape (n, ...)
            Items as they go into the network.
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
    """Rows in a rectangular tensor.

    Attributes
    ----------
    values : Tensor of shape (n_rows, n_places, ...)
        The rows.
    lengths : Tensor of int, shape (n_rows,)
        How many places of each are real.
    """

    values: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class WindowDataset(Dataset[Any]):
    """Rows of any length with targets and weights, seen through windows of one length.

    Parameters
    ----------
    sequences : RowView
        Frames, tokens or waveforms.
    targets : ndarray of shape (n_rows,) or (n_rows, n_labels)
        Codes of classes, or indicators of labels as floats.
    weights : ndarray of float32, shape (n_rows,)
        Weights in the loss.
    windowing : Windowing
        How the rows become rows of one length.
    n_threads : int, default=None
        Background threads that may collate batches while the network trains, counted as joblib does; None is none.
    mixup : Augmentation, default=None
        What is done to a training batch of waveforms before their frames are computed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import RowView, WindowDataset, Windowing
    >>> rows = RowView.of(Ragged.from_list([[1, 2, 3, 4], [5, 6]]))
    >>> data = WindowDataset(rows, np.array([0, 1]), np.ones(2, np.float32), Windowing(3))
    >>> data.batch(np.array([1])).inputs.values.tolist()
    [[5, 6, 5]]
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
        """Take some of the rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        WindowDataset
            Those rows, not copied.
        """
        return replace(self, sequences=self.sequences[rows], targets=self.targets[rows], weights=self.weights[rows])

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Collate rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.
        rng : Generator, default=None
            What random windows and augmentation draw from; None is for evaluation.

        Returns
        -------
        Batch
            Values, true lengths and weights; and the targets.
        """
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

    Parameters
    ----------
    network : callable
        A network in evaluation mode, or a method of one; takes values and lengths.
    rows : RowView
        The rows.
    windowing : Windowing
        How they become rows of one length.
    device : torch.device
        Where the network is.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the computation.
    one_by_one : bool, default=False
        Batches of one row: for processors whose matrix products round by the place of a row in its batch.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_outputs)
        Logits.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import RowView, Windowing, window_logits
    >>> from sklearn_audio.nets import MeanNetwork
    >>> rows = RowView.of(Ragged.from_list([[[1.0]], [[2.0], [3.0]]], dtype="float32"))
    >>> window_logits(MeanNetwork(2, n_features=1).eval(), rows, Windowing(2), device=torch.device("cpu")).shape
    (2, 2)
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
