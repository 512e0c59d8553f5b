"""Validation of audio: a lazy sequence of mono waveforms at one rate."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._caller import warn_caller
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import MonoMix, Resampler, all_finite, audio_info, open_audio
from sklearn_audio.files._mix import NotFinite, check_channel
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation._containers import container_kind
from sklearn_audio.validation._rows import LazyRows, Row, array_samples, parse_rows, scaled

Channel = Literal["mean"] | int

# A channel mean this much quieter than the channels indicates opposite phases.
_CANCELLATION_DB = -40.0
_BLOCK_TIMEPOINTS = 1 << 18


def check_audio(
    X: Any,
    sample_rate: int,
    *,
    bare_rate: float | None = None,
    channel: Channel = "mean",
    offset: float = 0.0,
    duration: float | None = None,
    strict: bool = False,
) -> AudioClips:
    """Validate audio: return a lazy sequence of mono waveforms at one rate.

    Clips are read on access. Integer arrays (int8, int16, int32) are scaled to [-1, 1], channels are averaged, and
    files and arrays with a rate are resampled by soxr at high quality.

    Parameters
    ----------
    X : sequence of clips
        Paths, bytes, binary file objects, 1-D arrays, ``(array, rate)``, ``(path, start, end)`` in seconds, decoders of
        torchcodec, and dicts of these by the keys path, bytes, array, sampling_rate, start, end, offset, duration; in
        any container of one dimension (list, array, column of a data frame, `Ragged`) or in a table of path, start and
        end; or a float array of shape (n_clips, n_timepoints).
    sample_rate : int
        Rate of the waveforms in Hz.
    bare_rate : float, default=None
        Rate in Hz of arrays without a rate. None: raise for them.
    channel : "mean" or int, default="mean"
        Average the channels, or take one of them.
    offset : float, default=0.0
        Seconds to skip at the start of each clip.
    duration : float, default=None
        Seconds to keep. None: all.
    strict : bool, default=False
        Raise for a recording whose length differs from its header; False warns and reads the existing samples.

    Returns
    -------
    AudioClips
        ``clips[i]`` is a float32 array of shape (n_timepoints,).

    Raises
    ------
    TypeError, ValueError
        If X is not a sequence of clips, or a row is not a clip; the message names the row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.validation import check_audio
    >>> clips = check_audio(
    ...     [np.zeros(8000), {"array": np.zeros(8000), "sampling_rate": 8000}],
    ...     16000,
    ...     bare_rate=16000,
    ... )
    >>> [len(clip) for clip in clips]
    [8000, 16000]
    """
    _, items = container_kind(X, audio=True)
    if isinstance(items, Ragged) and items.item_shape != ():
        raise ValueError(
            f"X is a Ragged of items of shape {items.item_shape}; waveforms have one value per timepoint. "
            "Give the output of AudioLoader, not of a spectrogram."
        )
    if not isinstance(items, (list, tuple, Ragged)):
        items = np.asarray(items)
        if items.ndim != 2:
            raise ValueError(
                f"an array of clips has shape (n_clips, n_timepoints), got {items.shape}. Wrap one clip: [x]."
            )
    return AudioClips(parse_rows(items), sample_rate, bare_rate, channel, offset, duration, strict)


class AudioClips(Sequence[NDArray[np.float32]]):
    """A lazy sequence of mono float32 waveforms at one rate; created by `check_audio`.

    Parameters
    ----------
    rows : sequence
        Parsed rows.
    sample_rate : int
        Rate of the waveforms in Hz.
    bare_rate : float, default=None
        Rate in Hz of arrays without a rate. None: raise for them.
    channel : "mean" or int, default="mean"
        Average the channels, or take one of them.
    offset : float, default=0.0
        Seconds to skip at the start of each clip.
    duration : float, default=None
        Seconds to keep. None: all.
    strict : bool, default=False
        Raise for a recording whose length differs from its header; False warns and reads the existing samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.validation import check_audio
    >>> clips = check_audio(
    ...     [np.array([0, 16384], dtype=np.int16)], 16000, bare_rate=16000
    ... )
    >>> clips[0]
    array([0. , 0.5], dtype=float32)
    """

    def __init__(
        self,
        rows: Sequence[Row] | LazyRows,
        sample_rate: int,
        bare_rate: float | None = None,
        channel: Channel = "mean",
        offset: float = 0.0,
        duration: float | None = None,
        strict: bool = False,
    ) -> None:
        self._rows = rows
        self.sample_rate = sample_rate
        self._bare_rate = bare_rate
        self._channel = channel
        self._offset = offset
        self._duration = duration
        self._strict = strict
        self._warnings: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, key: int) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, key: slice) -> list[NDArray[np.float32]]: ...

    def __getitem__(self, key: int | slice) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        if isinstance(key, slice):
            return [self[i] for i in range(*key.indices(len(self)))]
        blocks = list(self.stream(key))
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def at_rate(self, sample_rate: float) -> AudioClips:
        """Return the same clips at another rate.

        Parameters
        ----------
        sample_rate : float
            Rate in Hz; a whole number for recordings.

        Returns
        -------
        AudioClips
            They share their warnings with these.
        """
        clips = copy.copy(self)
        clips.sample_rate = sample_rate  # type: ignore[assignment]  # of an array it may be a fraction
        return clips

    def place(self, row: int) -> tuple[str | None, float]:
        """Return where a clip is from.

        Parameters
        ----------
        row : int
            Index of the clip.

        Returns
        -------
        path : str or None
            Path of the recording; None if the clip is not a file.
        start : float
            Seconds of the recording or array before the clip.
        """
        clip = self._rows[row]
        path = os.fspath(clip.source) if isinstance(clip.source, (str, os.PathLike)) else None
        return path, self._bounds(clip)[0]

    def describe(self, row: int) -> str:
        """Name a row for a message.

        Parameters
        ----------
        row : int
            Index of the clip.

        Returns
        -------
        str
            Such as ``"row 3 ('dog.wav')"``.
        """
        path, _ = self.place(row)
        return f"row {row}" if path is None else f"row {row} ('{path}')"

    def warn(self, row: int, text: str) -> None:
        """Issue a warning about a clip, read or cached.

        Parameters
        ----------
        row : int
            Index of the clip.
        text : str
            Text of the warning, without the row.
        """
        self._warnings.setdefault(row, []).append(text)
        warn_caller(f"{self.describe(row)}: {text}")

    def warnings_of(self, row: int) -> list[str]:
        """Return the warnings of the last reading of a clip.

        Parameters
        ----------
        row : int
            Index of the clip.

        Returns
        -------
        list of str
            Texts without the row, for `warn`.
        """
        return list(self._warnings.get(row, ()))

    def stated_seconds(self, row: int) -> float | None:
        """Return the duration of a clip without reading it.

        Parameters
        ----------
        row : int
            Index of the clip.

        Returns
        -------
        float or None
            Seconds, from the header of a recording; None if unknown.
        """
        clip = self._rows[row]
        try:
            seconds = self._measured(clip, row)[0]
        except (AudioReadError, TypeError, ValueError):
            return None  # reading it will raise
        return self._kept(clip, seconds) if seconds else None

    def measure(self, row: int) -> tuple[float, float, int]:
        """Measure a clip; of a recording only the header is read.

        Parameters
        ----------
        row : int
            Index of the clip.

        Returns
        -------
        seconds : float
            Duration of the clip.
        rate : float
            Rate of the recording or array in Hz.
        n_channels : int
            Number of channels.

        Raises
        ------
        AudioReadError
            If the header cannot be read.
        ValueError, TypeError
            If the clip is an invalid array, or has no rate.
        """
        clip = self._decoded_row(row)
        seconds, rate, n_channels = self._measured(clip, row)
        return self._kept(clip, seconds), rate, n_channels

    def _decoded_row(self, row: int) -> Row:
        clip = self._rows[row]
        return clip if clip.decoder is None else clip.decoded(self.describe(row))

    def _measured(self, clip: Row, row: int) -> tuple[float, float, int]:
        """Return duration, rate and channels of the whole recording or array."""
        if clip.source is not None:
            info = audio_info(clip.source, row=row)
            return info.n_timepoints / info.sample_rate, info.sample_rate, info.n_channels
        rate, samples = self._rate(clip, row), array_samples(clip, self.describe(row))
        return len(samples) / rate, rate, samples.shape[1] if samples.ndim == 2 else 1

    def _kept(self, clip: Row, seconds: float) -> float:
        start, end = self._bounds(clip)
        return max(0.0, (seconds if end is None else min(end, seconds)) - start)

    def _rate(self, clip: Row, row: int) -> float:
        rate = clip.rate or self._bare_rate
        if rate is None:
            raise ValueError(
                f"{self.describe(row)} is an array without a sample rate. Pass sample_rate=, or "
                'give {"array": x, "sampling_rate": rate} or (x, rate).'
            )
        return rate

    def stream(self, row: int) -> Iterator[NDArray[np.float32]]:
        """Iterate over one clip in blocks, with bounded memory.

        Parameters
        ----------
        row : int
            Index of the clip.

        Yields
        ------
        ndarray of float32, shape (n,)
            The next timepoints; at least one block, never empty.

        Raises
        ------
        AudioReadError
            If the recording cannot be read.
        ValueError, TypeError
            If the clip is empty, not finite, or an invalid array.
        """
        clip = self._decoded_row(row)
        n_timepoints = 0
        self._warnings.pop(row, None)
        for block in self._file_blocks(clip, row) if clip.source is not None else self._array_blocks(clip, row):
            n_timepoints += len(block)
            yield block
        if not n_timepoints:
            raise ValueError(f"{self.describe(row)}: the clip has no samples. Leave it out.")

    def _finite(self, blocks: Iterator[NDArray[np.float32]], mix: MonoMix, rate: float, row: int) -> Iterator[Any]:
        """Yield the blocks of a clip, and raise at the first value that is not finite."""
        for block in blocks:
            if mix.not_finite:
                raise self._not_finite(mix.not_finite, rate, row)
            if rate != self.sample_rate and not all_finite(block):  # the mix has checked what was not resampled
                raise ValueError(
                    f"{self.describe(row)}: resampled to {self.sample_rate} Hz, the clip leaves the range of "
                    "float32, because its samples are far beyond [-1, 1]. Repair it or leave it out."
                )
            if len(block):
                yield block
        if mix.not_finite:
            raise self._not_finite(mix.not_finite, rate, row)

    def _not_finite(self, found: NotFinite, rate: float, row: int) -> ValueError:
        start = self._bounds(self._rows[row])[0]
        second = found.timepoint / rate
        where = f"at {second:.3f} s" + (f", which is {start + second:.3f} s of the recording" if start else "")
        return ValueError(f"{self.describe(row)}: the clip contains {found.kind} ({where}). Repair it or leave it out.")

    def _bounds(self, clip: Row) -> tuple[float, float | None]:
        start = clip.start + self._offset
        end = clip.end if self._duration is None else start + self._duration
        return start, end if clip.end is None or end is None else min(end, clip.end)

    def _file_blocks(self, clip: Row, row: int) -> Iterator[NDArray[np.float32]]:
        start, end = self._bounds(clip)
        source = clip.source
        if source is None:
            return
        with open_audio(
            source,
            sample_rate=self.sample_rate,
            start=start,
            end=end,
            channel=self._channel,
            row=row,
            strict=self._strict,
        ) as stream:
            if clip.rate is not None and clip.rate != stream.source_rate:
                raise ValueError(
                    f"{self.describe(row)}: X gives the sampling rate as {clip.rate:g} Hz, and the recording is at "
                    f"{stream.source_rate:g} Hz. Leave the rate out: a recording has its own."
                )
            stream.on_warning = partial(self.warn, row)
            yield from self._finite(stream.blocks(), stream.mix, stream.source_rate, row)
            if stream.mix.loss_db < _CANCELLATION_DB:
                self._warn_of_cancellation(stream.mix.loss_db, row)

    def _array_blocks(self, clip: Row, row: int) -> Iterator[NDArray[np.float32]]:
        rate = self._rate(clip, row)
        samples = array_samples(clip, self.describe(row))
        check_channel(self._channel, samples.shape[1] if samples.ndim == 2 else 1, self.describe(row))
        start, end = self._bounds(clip)
        samples = samples[round(start * rate) : None if end is None else round(end * rate)]
        mix = MonoMix(self._channel)
        resampler = Resampler(rate, self.sample_rate) if rate != self.sample_rate else None
        for first in range(0, max(1, len(samples)), _BLOCK_TIMEPOINTS):
            block = scaled(samples[first : first + _BLOCK_TIMEPOINTS], rectangular=clip.rectangular)
            mono = mix(block if block.ndim == 2 else block[:, None])
            last = first + _BLOCK_TIMEPOINTS >= len(samples)
            blocks = resampler.feed(mono, last=last) if resampler else iter((mono,))
            yield from self._finite(blocks, mix, rate, row)
        if mix.loss_db < _CANCELLATION_DB:
            self._warn_of_cancellation(mix.loss_db, row)

    def _warn_of_cancellation(self, loss_db: float, row: int) -> None:
        level = "silent" if math.isinf(loss_db) else f"{-loss_db:.0f} dB below the channels"
        self.warn(
            row,
            f"the mean of the channels is {level}, because they cancel each other out. "
            "Take one of them: AudioLoader(channel=0).",
        )
