"""Reading a recording as a mono waveform at a given rate, whole or in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from numbers import Real
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._decoder import Decoder, Delivery
from sklearn_audio.files._decoding import open_decoder
from sklearn_audio.files._mix import Channel, MonoMix, check_channel
from sklearn_audio.files._resample import RATES, Resampler, is_rate, n_resampled
from sklearn_audio.files._sources import Label, Source, open_source

# Six seconds at 44.1 kHz, 1 MiB per channel: a short clip is one block.
_BLOCK_TIMEPOINTS = 1 << 18
# A header may claim any length: reserve at most 1 GiB at once and grow as needed.
_MAX_RESERVED = 1 << 28
# Longer than any recording.
_FAR = 1 << 62


def read_audio(
    source: Source,
    *,
    sample_rate: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    channel: Channel = "mean",
    row: int | None = None,
    strict: bool = False,
) -> tuple[NDArray[np.float32], int]:
    """Read a recording, or a part of it, as one mono waveform.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object
        The recording. A file object is read from its start, and its position is restored.
    sample_rate : int, default=None
        Rate in Hz of the waveform; None keeps that of the recording.
    start : float, default=0.0
        Seconds to leave out.
    end : float, default=None
        Second to stop at; None, or one past the end, reads all.
    channel : "mean" or int, default="mean"
        Average the channels, or take one of them.
    row : int, default=None
        Row of X, named in messages.
    strict : bool, default=False
        Refuse a recording that ends before its header says, or goes on after it; False reads what is there, and warns.

    Returns
    -------
    waveform : ndarray of float32, shape (n_timepoints,)
        The waveform; empty for a recording without samples.
    sample_rate : int
        Its rate in Hz.

    Raises
    ------
    AudioReadError
        If it cannot be read.
    ValueError
        If the rate, the part or the channel is not there.
    TypeError
        If the source is none of these types.

    Examples
    --------
    >>> import io, numpy as np, soundfile
    >>> from sklearn_audio.files import read_audio
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros((44100, 2)), 44100, format="FLAC")
    >>> waveform, rate = read_audio(file, sample_rate=16000, start=0.25)
    >>> waveform.shape, rate
    ((12000,), 16000)
    """
    with open_audio(
        source, sample_rate=sample_rate, start=start, end=end, channel=channel, row=row, strict=strict
    ) as stream:
        return _join(stream.blocks(), stream.n_timepoints_expected or 0), stream.sample_rate


def _join(blocks: Iterator[NDArray[np.float32]], n_expected: int) -> NDArray[np.float32]:
    """Concatenate blocks without holding the waveform twice."""
    first = next(blocks, np.empty(0, dtype=np.float32))
    second = next(blocks, None)
    if second is None:
        return first
    joined = np.empty(max(min(n_expected, _MAX_RESERVED), len(first) + len(second)), dtype=np.float32)
    joined[: len(first)] = first
    n_read = len(first)
    block: NDArray[np.float32] | None = second
    while block is not None:
        if n_read + len(block) > len(joined):
            joined.resize(max(n_read + len(block), len(joined) * 5 // 4), refcheck=False)
        joined[n_read : n_read + len(block)] = block
        n_read += len(block)
        block = next(blocks, None)
    joined.resize(n_read, refcheck=False)
    return joined


def open_audio(
    source: Source,
    *,
    sample_rate: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    channel: Channel = "mean",
    row: int | None = None,
    block: int = _BLOCK_TIMEPOINTS,
    strict: bool = False,
) -> AudioStream:
    """Open a recording, or a part of it, to be read in blocks of one mono waveform.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object
        The recording. A file object is read from its start, and its position is restored.
    sample_rate : int, default=None
        Rate in Hz of the waveform; None keeps that of the recording.
    start : float, default=0.0
        Seconds to leave out.
    end : float, default=None
        Second to stop at; None, or one past the end, reads all.
    channel : "mean" or int, default="mean"
        Average the channels, or take one of them.
    row : int, default=None
        Row of X, named in messages.
    block : int, default=262144
        Timepoints to decode at a time, at the recording's own rate. It bounds the memory and changes no value.
    strict : bool, default=False
        Refuse a recording that ends before its header says, or goes on after it; False reads what is there, and warns.

    Returns
    -------
    AudioStream
        To be used in a ``with`` statement.

    Raises
    ------
    AudioReadError
        If it cannot be read.
    ValueError
        If the rate, the part, the channel or the block is not there.
    TypeError
        If the source is none of these types.

    Examples
    --------
    >>> import io, numpy as np, soundfile
    >>> from sklearn_audio.files import open_audio
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros(44100), 44100, format="WAV")
    >>> with open_audio(file, block=20000) as stream:
    ...     [len(block) for block in stream.blocks()]
    [20000, 20000, 4100]
    """
    _check_block(block)
    check_channel(channel)
    opened = open_source(source, row)
    with ExitStack() as on_failure:
        on_failure.callback(opened.close)
        rate = _checked_rate(sample_rate, start, end, opened.label)
        decoder = open_decoder(opened)
        on_failure.callback(decoder.close)
        check_channel(channel, decoder.n_channels, opened.label.where)
        stream = AudioStream(
            decoder, opened.label, rate or decoder.sample_rate, (start, end), channel, int(block), strict
        )
        on_failure.pop_all()
        return stream


class AudioStream(AbstractContextManager["AudioStream"]):
    """A mono waveform that is decoded, mixed and resampled block by block; created by `open_audio`.

    Closing it leaves a file object of the caller open.

    Parameters
    ----------
    decoder : Decoder
        The open recording.
    label : Label
        Its name in messages.
    sample_rate : int
        Rate in Hz of the blocks.
    part : tuple of (float, float or None)
        Start and end in seconds.
    channel : "mean" or int
        Average the channels, or take one of them.
    block : int
        Timepoints to decode at a time.
    strict : bool, default=False
        Whether to raise instead of warning if the length differs from the header.

    Attributes
    ----------
    sample_rate : int
        Rate in Hz of the blocks.
    source_rate : int
        Rate in Hz of the recording.
    n_channels : int
        Channels of the recording.
    n_timepoints_expected : int or None
        Length according to the header, after cutting and resampling; None if unknown.
    on_warning : callable or None
        Called with the text of a warning (without the name of the recording) instead of issuing it.
    mix : MonoMix
        The mixer; measures how much the channels cancel out.

    Raises
    ------
    ValueError
        If the recording ends before the start.

    Examples
    --------
    >>> import io, numpy as np, soundfile
    >>> from sklearn_audio.files import open_audio
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros((44100, 2)), 44100, format="WAV")
    >>> with open_audio(file, sample_rate=16000, end=0.5) as stream:
    ...     stream.n_channels, stream.n_timepoints_expected
    (2, 8000)
    """

    def __init__(
        self,
        decoder: Decoder,
        label: Label,
        sample_rate: int,
        part: tuple[float, float | None],
        channel: Channel,
        block: int,
        strict: bool = False,
    ) -> None:
        self.sample_rate = sample_rate
        self.source_rate = decoder.sample_rate
        self.n_channels = decoder.n_channels
        self.mix = MonoMix(channel)
        self.on_warning: Callable[[str], None] | None = None
        self._decoder = decoder
        self._label = label
        self._block = block
        self._start_s = part[0]
        self._delivery = Delivery(label, decoder, strict)
        self._start, self._length = self._locate(*part)
        left = None if decoder.n_timepoints is None else max(0, decoder.n_timepoints - self._start)
        known = [length for length in (self._length, left) if length is not None]
        self.n_timepoints_expected = n_resampled(min(known), self.source_rate, sample_rate) if known else None
        self._state = "open"

    def _locate(self, start_s: float, end_s: float | None) -> tuple[int, int | None]:
        """First timepoint and maximum length; None reads to the end."""
        rate = self._decoder.sample_rate
        start = round(min(start_s * rate, _FAR))
        end = None if end_s is None or end_s * rate >= _FAR else round(end_s * rate)
        self._end = math.inf if end is None else end
        n_timepoints = self._decoder.n_timepoints
        if n_timepoints is None or not self._decoder.length_is_exact:
            return start, None if end is None else end - start
        if start > 0 and start >= n_timepoints:
            raise self._too_late(n_timepoints, start)
        return start, (n_timepoints if end is None else min(end, n_timepoints)) - start

    def _too_late(self, n_timepoints: int, start: int) -> ValueError | AudioReadError:
        if self._delivery.is_short_of(start + 1, n_timepoints):
            return self._delivery.refusal(n_timepoints)
        seconds = n_timepoints / self._decoder.sample_rate
        return ValueError(
            f"{self._label.where}: start={self._start_s:g} s is not within the recording, which is {seconds:.3f} s "
            "long; choose an earlier start."
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the recording; a file object of the caller stays open."""
        if self._state != "closed":
            self._state = "closed"
            self._decoder.close()

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Iterate once over the waveform; memory is bounded by a block.

        Yields
        ------
        ndarray of float32, shape (n,)
            The next timepoints at `sample_rate`; never empty. A recording without samples yields nothing.

        Raises
        ------
        AudioReadError
            If decoding fails midway, the length differs from the header and `strict` is set, or no samples are left.
        ValueError
            If the stream is closed or was read before, or the recording ends before the start.
        """
        if self._state != "open":
            raise ValueError(f"{self._label.where}: the stream is {self._state}; open the recording again.")
        self._state = "read already"
        if self.sample_rate == self.source_rate:
            return (self.mix(block) for block, _ in self._decoded() if len(block))
        return self._resampled()

    def _resampled(self) -> Iterator[NDArray[np.float32]]:
        resampler = Resampler(self.source_rate, self.sample_rate)
        for block, last in self._decoded():
            yield from resampler.feed(self.mix(block), last=last)

    def _decoded(self) -> Iterator[tuple[NDArray[np.float32], bool]]:
        """Yield blocks of all channels, and whether each is the last."""
        if self._start:
            self._skip_to_start()
        left = math.inf if self._length is None else self._length
        n_read, read_any = 0, False
        while left > 0:
            wanted = int(min(self._block, left))
            block = self._decoder.read(wanted)
            left = left - len(block) if len(block) == wanted else 0
            if self._start > 0 and not read_any and not len(block):
                raise self._too_late(self._start, self._start)
            read_any = True
            n_read += len(block)
            yield block, left == 0
        self._delivery.check(self._end, self._start + n_read, self.on_warning)

    def _skip_to_start(self) -> None:
        """Seek, then decode and discard the timepoints up to the start."""
        position = self._decoder.seek(self._start)
        while position < self._start:
            wanted = min(self._block, self._start - position)
            n_read = len(self._decoder.read(wanted))
            position += n_read
            if n_read < wanted:
                raise self._too_late(position, self._start)


def _check_block(block: object) -> None:
    if isinstance(block, bool) or not isinstance(block, (int, np.integer)) or block < 1:
        raise ValueError(f"block must be a whole number of timepoints, at least 1, got {block!r}.")


def _checked_rate(sample_rate: Any, start: object, end: object, label: Label) -> int | None:
    """Return the rate; raise for one, or a part, that no recording can have."""
    if sample_rate is not None and (not is_rate(sample_rate) or sample_rate != int(sample_rate)):
        raise ValueError(f"{label.where}: sample_rate must be a whole number of Hz, {RATES}, got {sample_rate!r}.")
    if not isinstance(start, Real) or not 0 <= float(start) < math.inf:
        raise ValueError(f"{label.where}: start must be a number of seconds, at least 0, got {start!r}.")
    if end is not None and not (isinstance(end, Real) and float(end) > float(start)):
        raise ValueError(f"{label.where}: end must be a number of seconds after start={float(start):g}, got {end!r}.")
    return None if sample_rate is None else int(sample_rate)
