"""Framing of waveforms: whole ones of equal length, or one block by block, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

PadMode = Literal["constant", "reflect"]

# Frames per block: the working set fits a core's cache.
_BLOCK_CPU = 512
_BLOCK_DEVICE = 8192


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
    after : int, default=0
        Zeros that are appended to the waveform before it is padded.

    Examples
    --------
    >>> from sklearn_audio.dsp import FrameGeometry
    >>> FrameGeometry(
    ...     length=400, hop=160, lead=0, span=400, pad=0, pad_mode="constant"
    ... ).n_frames(16000)
    98
    """

    length: int
    hop: int
    lead: int
    span: int
    pad: int
    pad_mode: PadMode
    after: int = 0

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
        return 1 + max(0, n_timepoints + 2 * self.pad + self.after - self.lead - self.span) // self.hop


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
    # a tensor, because ONNX has no remainder of a length that is not known yet
    period = torch.full((), max(1, 2 * (n_timepoints - 1)), dtype=torch.int64, device="cpu")
    places = torch.arange(-left, n_timepoints + right, device="cpu") % period
    return torch.minimum(places, period - places) if n_timepoints > 1 else torch.zeros_like(places)


def cut_frames(waveforms: Tensor, geometry: FrameGeometry) -> Tensor:
    """Pad whole waveforms and cut their frames, (n, n_timepoints) -> (n, n_frames, length), a view."""
    if geometry.after:
        waveforms = torch.nn.functional.pad(waveforms, (0, geometry.after))
    n_timepoints, pad = waveforms.shape[1], geometry.pad
    if geometry.pad_mode == "reflect" and pad:
        padded = waveforms[:, reflect_indices(n_timepoints, pad, pad).to(waveforms.device)]
    else:
        padded = torch.nn.functional.pad(waveforms, (pad, pad))
    padded = padded[:, geometry.lead :]
    missing = geometry.span - padded.shape[1]
    if missing > 0:
        padded = torch.nn.functional.pad(padded, (0, missing))
    # the last frame needs its whole span
    return padded[:, : padded.shape[1] - geometry.span + geometry.length].unfold(1, geometry.length, geometry.hop)


class FrameStream:
    """Turn a waveform that arrives in blocks into blocks of frames, or of their features.

    The blocks of frames have fixed positions in the clip, whatever the blocks of timepoints: results per block are
    identical, bit for bit, for a clip fed at once or in pieces.

    Parameters
    ----------
    geometry : FrameGeometry
        Positions of the frames.
    block : int, default=None
        Frames per block; only the last block of a clip may be shorter. None: as many as suit the device.
    features : callable, default=None
        Computes the features (n_frames, n_features) of a block of frames (n_frames, length). None: the frames
        themselves, as read-only views.
    preemphasis : float, default=0.0
        Coefficient c of ``x[t] - c * x[t - 1]`` along the waveform.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp import FrameGeometry, FrameStream
    >>> stream = FrameStream(
    ...     FrameGeometry(
    ...         length=4, hop=2, lead=0, span=4, pad=0, pad_mode="constant"
    ...     ),
    ...     block=2,
    ... )
    >>> [frames.shape for frames in stream.feed(torch.arange(9.0))]
    [torch.Size([2, 4])]
    >>> [frames.tolist() for frames in stream.finish()]
    [[[4.0, 5.0, 6.0, 7.0]]]
    """

    def __init__(
        self,
        geometry: FrameGeometry,
        block: int | None = None,
        features: Callable[[Tensor], Tensor] | None = None,
        preemphasis: float = 0.0,
    ) -> None:
        self._geometry = geometry
        self._block = block
        self._features = features
        self._preemphasis = preemphasis
        self._last: Tensor | None = None
        self._buffer: Tensor | None = None
        self._started = False
        self._emitted = False

    def feed(self, timepoints: Tensor) -> Iterator[Tensor]:
        """Feed timepoints and yield the completed blocks.

        Parameters
        ----------
        timepoints : Tensor of float, shape (n,)
            The next piece of the waveform.

        Yields
        ------
        Tensor of shape (block, length) or (block, n_features)
            Frames or features.
        """
        if self._preemphasis and len(timepoints):
            timepoints = self._emphasised(timepoints)
        self._buffer = timepoints if self._buffer is None else torch.cat([self._buffer, timepoints])
        pad = self._geometry.pad
        if not self._started and len(self._buffer) > pad + self._geometry.lead:
            self._buffer = self._padded_start(self._buffer)
            self._started = True
        if self._started:
            # keep the last pad + 1 timepoints for the reflection at the end
            yield from self._emit(self._buffer, len(self._buffer) - pad - 1, whole_blocks=True)

    def finish(self) -> Iterator[Tensor]:
        """Yield the remaining blocks at the end of the waveform.

        Yields
        ------
        Tensor of shape (n, length) or (n, n_features)
            Frames or features; n is `block` except for the last.

        Raises
        ------
        ValueError
            If no timepoint was fed.
        """
        if self._last is not None and self._buffer is not None and not self._emitted and not len(self._buffer):
            self._buffer = torch.zeros_like(self._last)  # a single timepoint has no difference: silence
        if self._buffer is None or len(self._buffer) == 0:
            raise ValueError("a waveform without timepoints has no frames.")
        rest = self._padded_end(torch.nn.functional.pad(self._buffer, (0, self._geometry.after)))
        missing = self._geometry.span - len(rest)
        if missing > 0 and not self._emitted:
            rest = torch.nn.functional.pad(rest, (0, missing))
        yield from self._emit(rest, len(rest), whole_blocks=False)

    def _emphasised(self, timepoints: Tensor) -> Tensor:
        if self._last is not None:
            timepoints = torch.cat([self._last, timepoints])
        self._last = timepoints[-1:]
        return timepoints[1:] - self._preemphasis * timepoints[:-1]

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

    def _emit(self, buffer: Tensor, available: int, *, whole_blocks: bool) -> Iterator[Tensor]:
        geometry, block = self._geometry, self._block or _block_frames(buffer)
        if available < geometry.span:
            return
        n_frames = 1 + (available - geometry.span) // geometry.hop
        if whole_blocks:
            n_frames = min(n_frames, available // geometry.hop)
            n_frames -= n_frames % block
        for first in range(0, n_frames, block):
            count = min(block, n_frames - first)
            start = first * geometry.hop
            # (timepoints,) -> (count, length), a view
            frames = buffer[start : start + (count - 1) * geometry.hop + geometry.length]
            frames = frames.unfold(0, geometry.length, geometry.hop)
            yield frames if self._features is None else self._features(frames)
        self._emitted = self._emitted or n_frames > 0
        self._buffer = buffer[n_frames * geometry.hop :]


def _block_frames(timepoints: Tensor) -> int:
    return _BLOCK_CPU if timepoints.device.type == "cpu" else _BLOCK_DEVICE


def constant_blocks(pieces: list[Tensor]) -> Iterator[Tensor]:
    """Regroup frames (n, length) into blocks of constant size, the last zero-padded."""
    waiting: list[Tensor] = []
    n_waiting = 0
    for piece in pieces:
        size = _block_frames(piece)
        while n_waiting + len(piece) >= size:
            head, piece = piece[: size - n_waiting], piece[size - n_waiting :]
            yield torch.cat([*waiting, head])
            waiting, n_waiting = [], 0
        waiting, n_waiting = [*waiting, piece], n_waiting + len(piece)
    if n_waiting:
        yield torch.nn.functional.pad(torch.cat(waiting), (0, 0, 0, _block_frames(waiting[0]) - n_waiting))
