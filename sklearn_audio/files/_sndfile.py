"""Decoding with libsndfile: one seek, then sequential reads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._decoder import Promise
from sklearn_audio.files._mpeg_jump import shortened_mpeg
from sklearn_audio.files._sources import OpenSource

# libsndfile claims to seek in these, and fails.
_UNSEEKABLE = ("GSM610", "G721_32", "G723_24", "G723_40", "NMS_ADPCM", "DWVW", "VOX_ADPCM", "DPCM")
# Near the end of an Ogg Vorbis stream, libsndfile seeks inexactly; a page earlier it is exact.
_VORBIS_PREROLL = 1 << 16
# After a seek, mpg123 lacks the bit reservoir of an MP3 and prints to stderr; beyond this many seconds the earlier
# frames are removed from the file instead.
_MPEG_JUMP_SECONDS = 10
_INT16_STEP = np.float32(1 / 2**15)
_UNKNOWN_LENGTH = 1 << 62
# Refusals of Sound Designer II, whose header is in a second file.
_FORK_COMPLAINTS = (
    "cannot open SD2 file",
    "bad data offset",
    "bad map offset",
    "bad data length",
    "bad map length",
    "bad resource fork",
    "bad sample size",
)


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc, unused-ignore]
    """A sound file without soundfile's seek after each read, which is slow and, in MP3, changes the values."""

    _file: Any = None

    def __init__(self, opened: OpenSource, descriptor: int | None = None, *, is_alone: bool = False) -> None:
        # soundfile's own constructor and its read take longer than libsndfile takes for a short clip
        self._opened = opened
        self._is_alone = is_alone
        self._name = opened.raw if descriptor is None else descriptor
        self._info = soundfile._ffi.new("SF_INFO*")
        self._file = self._open(self._name, soundfile._snd.SFM_READ, False)
        soundfile._snd.sf_command(self._file, soundfile._snd.SFC_SET_CLIPPING, soundfile._ffi.NULL, 1)

    def read_into(self, block: NDArray[Any]) -> NDArray[Any]:
        """Fill a block (n, n_channels) of int16 or float32; the part of it that was filled."""
        kind = "short" if block.dtype == np.int16 else "float"
        read = getattr(soundfile._snd, f"sf_readf_{kind}")
        n_read = int(read(self._file, soundfile._ffi.from_buffer(f"{kind}[]", block), len(block)))
        soundfile._error_check(self._errorcode)
        return block[:n_read]

    def _init_virtual_io(self, file: object) -> Any:
        # soundfile's own callbacks may drop Ctrl-C and end the recording
        self._virtual_io = self._opened.virtual_io()
        if self._is_alone:
            self._virtual_io["get_filelen"] = self._opened.callback("sf_vio_get_filelen", lambda _: 0)
        return soundfile._ffi.new("SF_VIRTUAL_IO*", self._virtual_io)

    def close(self) -> None:
        # cleared first, so that __del__ does not close again after an interrupted close
        handle, self._file = self._file, None
        if handle is not None:
            soundfile._snd.sf_close(handle)


@lru_cache(maxsize=64)
def _format_of(code: int) -> tuple[str, str]:
    """Names of the container and of the coding of its samples."""
    parts = (soundfile._snd.SF_FORMAT_TYPEMASK, soundfile._snd.SF_FORMAT_SUBMASK)
    container, coding = (str(soundfile._format_str(code & part)) for part in parts)
    return container, coding


def _open_alone(opened: OpenSource) -> _ForwardFile:
    """Open a recording by its content alone.

    libsndfile also looks for a resource fork, here ``._`` or ``.AppleDouble/`` in the working directory, because it
    knows no name; if there is one, it takes MP3 for Sound Designer II. It does not look for that of an empty file.
    """
    try:
        file = _ForwardFile(opened, opened.descriptor())
        if _format_of(file._info.format)[0] != "SD2":
            return file
        file.close()
    except soundfile.LibsndfileError as error:
        if not error.error_string.removeprefix("Error : ").startswith(_FORK_COMPLAINTS):
            raise
    opened.seek(0, io.SEEK_SET)
    return _ForwardFile(opened, is_alone=True)


class SndfileDecoder:
    """Reads float32 blocks through libsndfile."""

    length_is_exact = True  # libsndfile stops there

    def __init__(self, opened: OpenSource) -> None:
        self._opened = opened
        with opened.watched():
            self._file = _open_alone(opened)
        self.sample_rate = int(self._file.samplerate)
        self.n_channels = int(self._file.channels)
        n_timepoints = int(self._file.frames)
        self.n_timepoints: int | None = n_timepoints if n_timepoints < _UNKNOWN_LENGTH else None
        self.format, self._subtype = _format_of(self._file._info.format)
        self.promise = Promise(self.n_timepoints)
        # libsndfile converts integers to floats three times slower than NumPy
        self._reads_int16 = self._subtype == "PCM_16" and self.format != "FLAC"

    def seek(self, timepoint: int) -> int:
        """Seek to a timepoint or to one before it; returns the position."""
        subtype = self._subtype
        if subtype == "VORBIS":
            timepoint -= _VORBIS_PREROLL
        if timepoint <= 0 or subtype.startswith(_UNSEEKABLE):
            return 0
        if subtype.startswith("MPEG"):
            return self._remove_frames(timepoint) if timepoint > _MPEG_JUMP_SECONDS * self.sample_rate else 0
        with self._decoding():
            return int(self._file.seek(timepoint))

    def _remove_frames(self, timepoint: int) -> int:
        shorter = shortened_mpeg(self._opened, timepoint)
        if shorter is None:
            return 0
        self._file.close()
        self._opened, position = shorter
        with self._decoding():
            self._file = _open_alone(self._opened)
        return position

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end."""
        block = np.empty((n, self.n_channels), dtype=np.int16 if self._reads_int16 else np.float32)
        try:
            read = self._file.read_into(block)
        except soundfile.LibsndfileError as error:
            self._opened.raise_failure()
            raise self._damaged(error) from error
        self._opened.raise_failure()
        return np.multiply(read, _INT16_STEP, dtype=np.float32) if self._reads_int16 else read

    def detach(self) -> None:
        """Close the decoder, but not the recording."""
        self._file.close()

    def close(self) -> None:
        """Close the decoder and what it opened."""
        self.detach()
        self._opened.close()

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        with self._opened.watched():
            try:
                yield
            except soundfile.LibsndfileError as error:
                raise self._damaged(error) from error

    def _damaged(self, error: Any) -> AudioReadError:
        complaint = error.error_string.removeprefix("Error : ").rstrip(".")
        return self._opened.label.unreadable(
            f"decoding stopped with: {complaint}", "the file is damaged or cut off, so replace it"
        )
