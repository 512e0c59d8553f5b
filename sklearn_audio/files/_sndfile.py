"""Decoding with libsndfile, forwards only once the start was sought."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._sources import OpenSource

__all__ = ["SndfileDecoder"]

# libsndfile claims that it seeks in these, and fails.
_UNSEEKABLE = ("GSM610", "G721_32", "G723_24", "G723_40", "NMS_ADPCM", "DWVW", "VOX_ADPCM")
# Near the end of an Ogg Vorbis stream, libsndfile lands a few timepoints off; it is exact from a page earlier.
_VORBIS_PREROLL = 1 << 16
# The first frames after a jump within an MP3 lack the bits that earlier frames saved for them, about which mpg123
# complains on stderr; so only a jump that saves real time is made.
_MP3_JUMP_SECONDS = 60
_INT16_STEP = np.float32(1 / 2**15)
_UNKNOWN_LENGTH = 1 << 62


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc, unused-ignore]
    """A sound file that is not sought after each read, which is slow and, in MP3, changes the values."""

    forward = False

    def seekable(self) -> bool:
        return not self.forward and bool(super().seekable())


class SndfileDecoder:
    """Reads float32 blocks through libsndfile.

    Parameters
    ----------
    opened : OpenSource
        The recording; closed by `close`.

    Raises
    ------
    soundfile.LibsndfileError
        If libsndfile does not recognise it.
    """

    length_is_exact = True  # libsndfile stops there

    def __init__(self, opened: OpenSource) -> None:
        self._opened = opened
        # A descriptor spares libsndfile the way through Python for each few kilobytes.
        handle = opened.file.fileno() if isinstance(opened.file, io.FileIO) else opened.file
        self._file: Any = _ForwardFile(handle, closefd=False)
        self.sample_rate = int(self._file.samplerate)
        self.n_channels = int(self._file.channels)
        n_timepoints = int(self._file.frames)
        self.n_timepoints: int | None = n_timepoints if n_timepoints < _UNKNOWN_LENGTH else None
        self.format = str(self._file.format)
        # libsndfile turns integers into floats one by one, three times slower than NumPy does
        self._reads_int16 = self._file.subtype == "PCM_16" and self.format != "FLAC"

    def seek(self, timepoint: int) -> int:
        """Go to a timepoint, or as near before it as is exact; the position reached."""
        subtype = str(self._file.subtype)
        if subtype == "VORBIS":
            timepoint -= _VORBIS_PREROLL
        skips = subtype.startswith("MPEG") and timepoint < _MP3_JUMP_SECONDS * self.sample_rate
        if timepoint <= 0 or skips or subtype.startswith(_UNSEEKABLE):
            return 0
        try:
            return int(self._file.seek(timepoint))
        except soundfile.LibsndfileError as error:
            raise self._damaged(error) from error

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints of all channels, shape (n, n_channels); fewer only at the end."""
        self._file.forward = True
        block = np.empty((n, self.n_channels), dtype=np.int16 if self._reads_int16 else np.float32)
        try:
            read = self._file.read(out=block)
        except soundfile.LibsndfileError as error:
            self._opened.raise_failure()
            raise self._damaged(error) from error
        self._opened.raise_failure()
        return np.multiply(read, _INT16_STEP, dtype=np.float32) if self._reads_int16 else np.asarray(read)

    def close(self) -> None:
        """Close the decoder and what was opened for it."""
        self._file.close()
        self._opened.close()

    def _damaged(self, error: soundfile.LibsndfileError) -> AudioReadError:
        complaint = error.error_string.removeprefix("Error : ").rstrip(".")
        return self._opened.label.unreadable(
            f"decoding stopped with: {complaint}", "the file is damaged or cut off, so replace it"
        )
