"""Frames in blocks: of one streamed clip, or of many clips at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sklearn_audio.dsp._framing import FrameStream

if TYPE_CHECKING:
    from sklearn_audio.dsp._front_end import FrontEnd

# Frames per block: the working set fits a core's cache.
_BLOCK_CPU = 512
_BLOCK_DEVICE = 8192


class FrontEndStream:
    """Frames of one streamed clip; created by `FrontEnd.stream`.

    Parameters
    ----------
    front_end : FrontEnd
        The front end.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp import FrontEnd
    >>> stream = FrontEnd(sample_rate=16000, hop_length=256, top_db=None).stream()
    >>> first = list(stream.feed(torch.zeros(100_000)))
    >>> sum(len(frames) for frames in first + list(stream.finish()))
    391
    """

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._frames: FrameStream | None = None
        self._last: Tensor | None = None

    def feed(self, timepoints: Tensor) -> Iterator[Tensor]:
        """Feed timepoints and yield the completed blocks of features.

        Parameters
        ----------
        timepoints : Tensor of float, shape (n,)
            The next piece of the waveform.

        Yields
        ------
        Tensor of shape (n_frames, n_features)
            Blocks of features.
        """
        if self._frames is None:
            self._frames = FrameStream(self._front_end.geometry, _block_frames(timepoints))
        for frames in self._frames.feed(self._emphasised(timepoints)):
            yield self._front_end.frame_features(frames)

    def finish(self) -> Iterator[Tensor]:
        """Yield the remaining features at the end of the waveform.

        Yields
        ------
        Tensor of shape (n_frames, n_features)
            Blocks of features.

        Raises
        ------
        ValueError
            If no timepoint was fed.
        """
        for frames in self._last_frames():
            yield self._front_end.frame_features(frames)

    def frames(self, waveform: Tensor) -> list[Tensor]:
        """Cut a whole clip into frames without computing features.

        Parameters
        ----------
        waveform : Tensor of float, shape (n_timepoints,)
            The clip, instead of `feed` and `finish`.

        Returns
        -------
        list of Tensor, each of shape (n_frames, win_length)
            Timepoints under the window; read-only.
        """
        self._frames = FrameStream(self._front_end.geometry, _block_frames(waveform))
        return [*self._frames.feed(self._emphasised(waveform)), *self._last_frames()]

    def _last_frames(self) -> Iterator[Tensor]:
        if self._frames is None:
            raise ValueError("a waveform without timepoints has no frames.")
        if self._last is not None and not self._frames.has_timepoints:
            # a single timepoint has no difference: silence
            list(self._frames.feed(torch.zeros_like(self._last)))
        return self._frames.finish()

    def _emphasised(self, timepoints: Tensor) -> Tensor:
        front_end = self._front_end
        if not front_end.preemphasis or front_end.preemphasis_scope == "frame" or len(timepoints) == 0:
            return timepoints
        if self._last is not None:
            timepoints = torch.cat([self._last, timepoints])
        self._last = timepoints[-1:]
        return timepoints[1:] - front_end.preemphasis * timepoints[:-1]


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
