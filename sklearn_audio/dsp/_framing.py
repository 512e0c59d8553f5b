"""Framing of a waveform, block by block, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

PadMode = Literal["constant", "reflect"]


@dataclass(frozen=True)
class FrameGeometry:
    """Positions of the frames of a waveform.

    Parameters
    ----------
    length : int
        Timepoints under the window.
    hop : int
        Timepoints between the starts of adjacent frames.
    lead : int
        Timepoints of the padded waveform before the window of frame 0.
    span : int
        Timepoints after `lead` that a frame needs; at least `length`.
    pad : int
        Timepoints of padding at each end.
    pad_mode : {"constant", "reflect"}
        Zeros, or the waveform reflected at its end points (repeatedly for a short clip).

    Examples
    --------
    >>> from sklearn_audio.dsp import FrameGeometry
    >>> FrameGeometry(length=400, hop=160, lead=0, span=400, pad=0, pad_mode="constant").n_frames(16000)
    98
    """

    length: int
    hop: int
    lead: int
    span: int
    pad: int
    pad_mode: PadMode

    def n_frames(self, n_timepoints: int) -> int:
        """Return the number of frames of a waveform; a shorter waveform is zero-padded to one frame.

        Parameters
        ----------
        n_timepoints : int
            Length of the waveform, at least 1.

        Returns
        -------
        int
            At least 1.
        """
        return 1 + max(0, n_timepoints + 2 * self.pad - self.lead - self.span) // self.hop


def reflect_indices(n_timepoints: int, left: int, right: int) -> Tensor:
    """Return the indices that reflect a short waveform repeatedly, as NumPy's "reflect" does.

    Parameters
    ----------
    n_timepoints : int
        Length of the waveform, at least 1.
    left, right : int
        Padding at each end.

    Returns
    -------
    Tensor of int64, shape (left + n_timepoints + right,)
        Indices into the waveform.

    Examples
    --------
    >>> from sklearn_audio.dsp import reflect_indices
    >>> reflect_indices(3, 2, 2).tolist()
    [2, 1, 0, 1, 2, 1, 0]
    """
    period = max(1, 2 * (n_timepoints - 1))
    places = torch.arange(-left, n_timepoints + right, device="cpu") % period
    return torch.minimum(places, period - places) if n_timepoints > 1 else torch.zeros_like(places)


class FrameStream:
    """Turn a waveform that arrives in blocks into blocks of frames.

    The blocks of frames have fixed positions in the clip, whatever the blocks of timepoints: results per block are
    identical, bit for bit, for a clip fed at once or in pieces.

    Parameters
    ----------
    geometry : FrameGeometry
        Positions of the frames.
    block : int
        Frames per block; only the last block of a clip may be shorter.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp import FrameGeometry, FrameStream
    >>> stream = FrameStream(FrameGeometry(length=4, hop=2, lead=0, span=4, pad=0, pad_mode="constant"), block=2)
    >>> [frames.shape for frames in stream.feed(torch.arange(9.0))]
    [torch.Size([2, 4])]
    >>> [frames.tolist() for frames in stream.finish()]
    [[[4.0, 5.0, 6.0, 7.0]]]
    """

    def __init__(self, geometry: FrameGeometry, block: int) -> None:
        self._geometry = geometry
        self._block = block
        self._buffer: Tensor | None = None
        self._started = False
        self._emitted = False

    @property
    def has_timepoints(self) -> bool:
        """Whether any timepoint was fed."""
        return self._emitted or (self._buffer is not None and len(self._buffer) > 0)

    def feed(self, timepoints: Tensor) -> Iterator[Tensor]:
        """Feed timepoints and yield the completed blocks.

        Parameters
        ----------
        timepoints : Tensor of shape (n,)
            The next piece of the waveform.

        Yields
        ------
        Tensor of shape (block, length)
            Frames; a read-only view.
        """
        self._buffer = timepoints if self._buffer is None else torch.cat([self._buffer, timepoints])
        pad = self._geometry.pad
        if not self._started and len(self._buffer) > pad + self._geometry.lead:
            self._buffer = self._padded_start(self._buffer)
            self._started = True
        if self._started:
            # keep the last pad + 1 timepoints for the reflection at the end
            yield from self._emit(len(self._buffer) - pad - 1, whole_blocks=True)

    def finish(self) -> Iterator[Tensor]:
        """Yield the remaining frames at the end of the waveform.

        Yields
        ------
        Tensor of shape (n, length)
            Frames; n is `block` except for the last.

        Raises
        ------
        ValueError
            If no timepoint was fed.
        """
        if self._buffer is None or len(self._buffer) == 0:
            raise ValueError("a waveform without timepoints has no frames.")
        self._buffer = self._padded_end(self._buffer)
        missing = self._geometry.span - len(self._buffer)
        if missing > 0 and not self._emitted:
            self._buffer = torch.nn.functional.pad(self._buffer, (0, missing))
        yield from self._emit(len(self._buffer), whole_blocks=False)

    def _padded_start(self, buffer: Tensor) -> Tensor:
        geometry = self._geometry
        mirrored = geometry.pad_mode == "reflect"
        left = buffer[1 : geometry.pad + 1].flip(0) if mirrored else buffer.new_zeros(geometry.pad)
        return torch.cat([left, buffer])[geometry.lead :]

    def _padded_end(self, buffer: Tensor) -> Tensor:
        pad = self._geometry.pad
        if not self._started:
            # the whole clip is shorter than the padding
            if self._geometry.pad_mode == "reflect":
                indices = reflect_indices(len(buffer), pad, pad).to(buffer.device)
                return buffer[indices][self._geometry.lead :]
            return torch.nn.functional.pad(buffer, (pad, pad))[self._geometry.lead :]
        if self._geometry.pad_mode == "reflect":
            return torch.cat([buffer, buffer[-pad - 1 : -1].flip(0)]) if pad else buffer
        return torch.nn.functional.pad(buffer, (0, pad))

    def _emit(self, available: int, *, whole_blocks: bool) -> Iterator[Tensor]:
        geometry, buffer = self._geometry, self._buffer
        if buffer is None or available < geometry.span:
            return
        n_frames = 1 + (available - geometry.span) // geometry.hop
        if whole_blocks:
            n_frames = min(n_frames, available // geometry.hop)
            n_frames -= n_frames % self._block
        for first in range(0, n_frames, self._block):
            count = min(self._block, n_frames - first)
            start = first * geometry.hop
            # (timepoints,) -> (count, length), a view
            yield buffer[start : start + (count - 1) * geometry.hop + geometry.length].unfold(
                0, geometry.length, geometry.hop
            )
        self._emitted = self._emitted or n_frames > 0
        self._buffer = buffer[n_frames * geometry.hop :]
