"""Decoding with FFmpeg (PyAV, the extra ``ffmpeg``) for formats that libsndfile does not know."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._content import PROBED_DEMUXERS, Container
from sklearn_audio.files._decoder import Layout, Promise, changed_on_the_way
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.optional import require

# FFmpeg's sample formats, without the "p" of planar ones: offset to subtract, and scale to [-1, 1].
_SCALES = {
    "u8": (128.0, 2.0**-7),
    "s16": (0.0, 2.0**-15),
    "s32": (0.0, 2.0**-31),
    "flt": (0.0, 1.0),
    "dbl": (0.0, 1.0),
}
# FFmpeg opens only the given bytes, and recognises only recordings.
_PROBING = {"format_whitelist": PROBED_DEMUXERS, "protocol_whitelist": "none"}
# Demuxers whose containers state a length, and the tolerance of that length in seconds.
_TOLERANCES = {
    "mov": 0.1,
    "matroska": 0.1,
    "asf": 0.1,
    "mpc8": 0.1,
    "caf": 0.1,
    "avi": 0.1,
    "flv": 0.1,
    "rm": 0.1,
    "ape": 0.0,
    "wv": 0.0,
    "tta": 0.0,
}
# A codec is exact again a few frames after a seek: AAC needs one frame, SBR a few more.
_PREROLL_SECONDS = 0.5
# FFmpeg before 8.1 ends the process at a Creative Voice file of several blocks.
_OLDEST_AV = (17, 1)
# Longer than any recording, and within FFmpeg's range.
_FAR = 1 << 61


class FfmpegDecoder:
    """Reads float32 blocks through FFmpeg at the rate of the recording."""

    length_is_exact = False

    def __init__(self, opened: OpenSource, container: Container) -> None:
        self._opened = opened
        self._av: Any = _import_av(opened, container)
        with self._decoding():
            self._container = self._av.open(
                opened,
                format=container.demuxer,
                options={} if container.demuxer else dict(_PROBING),
                metadata_errors="replace",
            )
        self._stream = self._audio_stream(container)
        self.sample_rate = int(self._stream.codec_context.sample_rate)
        self.n_channels = int(self._stream.codec_context.layout.nb_channels)
        self.n_timepoints = self._length_from_header()
        self.format = container.title if container.demuxer else str(self._container.format.name).split(",")[0].upper()
        self.promise = self._promise()
        self._frames = self._decoded()
        self._rest = np.empty((0, self.n_channels), dtype=np.float32)

    def _audio_stream(self, container: Container) -> Any:
        streams = self._container.streams.audio
        codec = streams[0].codec_context if streams else None
        if codec is not None and codec.sample_rate and codec.layout.nb_channels and _packed(codec.format) in _SCALES:
            return streams[0]
        self._container.close()
        reason = "FFmpeg does not know the codec of this" if streams else "there is no audio track in this"
        raise self._opened.label.unreadable(f"{reason} {container.title} file", "give a recording as WAV or FLAC")

    def _length_from_header(self) -> int | None:
        """Length according to the header; the padding of the codec may add a few thousand timepoints."""
        if self._stream.duration is not None:
            return int(self._stream.duration * self._stream.time_base * self.sample_rate + Fraction(1, 2))
        if self._container.duration is not None:
            return int(Fraction(self._container.duration, self._av.time_base) * self.sample_rate + Fraction(1, 2))
        return None

    def _promise(self) -> Promise:
        """Length from the header, unless FFmpeg only estimated it from the bit rate."""
        tolerance = _TOLERANCES.get(self._container.format.name.split(",")[0])
        is_of_film = self._stream.duration is None and len(self._container.streams) > 1
        if tolerance is None or is_of_film or not self.n_timepoints:
            return Promise()
        return Promise(self.n_timepoints, round(tolerance * self.sample_rate))

    def seek(self, timepoint: int) -> int:
        """Seek to a timepoint or before it; returns the position.

        Only MP4 has timestamps of one timepoint; for all other containers decoding starts at the beginning.
        """
        target = min(timepoint - round(_PREROLL_SECONDS * self.sample_rate), _FAR)
        exact = "mov" in self._container.format.name and self._stream.time_base == Fraction(1, self.sample_rate)
        if target <= 0 or not exact:
            return 0
        first = self._stream.start_time or 0
        with self._decoding():
            self._container.seek(first + target, stream=self._stream)
            frame = next(self._container.decode(self._stream), None)
        if frame is None or frame.pts is None:
            return timepoint  # past the end: the first read returns nothing
        self._rest = self._as_samples(frame)
        return int(frame.pts - first)

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end."""
        pieces = [self._rest[:n]]
        n_read = len(pieces[0])
        self._rest = self._rest[n:]
        while n_read < n:
            samples = next(self._frames, None)
            if samples is None:
                break
            pieces.append(samples[: n - n_read])
            self._rest = samples[n - n_read :]
            n_read += len(pieces[-1])
        return np.concatenate(pieces)

    def _decoded(self) -> Generator[NDArray[np.float32], None, None]:
        is_cut = False
        try:
            with self._decoding():
                for packet in self._container.demux(self._stream):
                    is_cut = is_cut or packet.is_corrupt  # set on a packet that the end of the file cuts off
                    for frame in packet.decode():
                        yield self._as_samples(frame)
        except AudioReadError as error:
            # a file known to be cut off ends here
            if not (self.promise.flaw or is_cut) or not isinstance(error.__cause__, self._av.error.FFmpegError):
                raise
        if is_cut and not self.promise.flaw:
            self.promise = self.promise._replace(flaw="it is cut short")

    def _as_samples(self, frame: Any) -> NDArray[np.float32]:
        n_channels = frame.layout.nb_channels
        if (frame.sample_rate, n_channels) != (self.sample_rate, self.n_channels):
            raise changed_on_the_way(
                self._opened.label, Layout(self.sample_rate, self.n_channels), Layout(frame.sample_rate, n_channels)
            )
        zero, scale = _SCALES[_packed(frame.format)]
        values = frame.to_ndarray()
        # (C, T) or (1, T * C) -> (T, C)
        values = values.T if frame.format.is_planar else values.reshape(-1, n_channels)
        samples: NDArray[np.float32] = values.astype(np.float32)
        return samples if scale == 1.0 else (samples - np.float32(zero)) * np.float32(scale)

    def close(self) -> None:
        """Close the decoder and what it opened."""
        self._frames.close()
        self._container.close()
        self._opened.close()

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        with self._opened.watched():
            try:
                yield
            except self._av.error.FFmpegError as error:
                complaint = error.strerror or type(error).__name__
                raise self._opened.label.unreadable(
                    f"FFmpeg stopped with: {complaint}", "the file is damaged or cut off, so replace it"
                ) from error


def _packed(sample_format: Any) -> str:
    """Name of a sample format without its planar suffix."""
    return str(getattr(sample_format, "name", "")).removesuffix("p")


def _import_av(opened: OpenSource, container: Container) -> Any:
    need = "needs FFmpeg" if container.demuxer else "may be readable by FFmpeg"
    try:
        av = require("av", needed_by=f"reading {container.title}", extra="ffmpeg")
    except ImportError as error:
        raise opened.label.unreadable(
            f"{container.title} {need}, which comes with the package 'av'",
            "install it with: pip install 'sklearn-audio[ffmpeg]'",
        ) from error
    if tuple(map(int, av.__version__.split(".")[:2])) < _OLDEST_AV:
        raise opened.label.unreadable(
            f"{container.title} {need}, and the FFmpeg of the installed package 'av' {av.__version__} crashes on some "
            "files",
            "update it to 17.1 or newer with: pip install -U 'sklearn-audio[ffmpeg]'",
        ) from ImportError(f"av {av.__version__} is too old")
    return av
