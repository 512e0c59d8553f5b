"""FLAC whose last frame is cut off: libsndfile gives up on all that it reads at once, and is asked for less."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._decoder import Promise
from sklearn_audio.files._flac import flac_link
from sklearn_audio.files._sndfile import SndfileDecoder
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._views import ByteReader, view_of

__all__ = ["FlacDecoder"]


class FlacDecoder:
    """Reads FLAC through libsndfile; where that fails, it looks if the file is cut off, and reads up to there."""

    def __init__(self, opened: OpenSource, decoder: SndfileDecoder) -> None:
        self._opened = opened
        self._decoder = decoder
        self._position = 0
        self.sample_rate, self.n_channels = decoder.sample_rate, decoder.n_channels
        self.n_timepoints, self.length_is_exact = decoder.n_timepoints, decoder.length_is_exact
        self.format = decoder.format
        self.promise = decoder.promise

    def seek(self, timepoint: int) -> int:
        """Go to a timepoint, or as near before it as is exact; the position reached."""
        try:
            self._position = self._decoder.seek(timepoint)
        except AudioReadError as error:
            self._end_before_cut(error)
            self._position = self._decoder.seek(timepoint)
        return self._position

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints of all channels, shape (n, n_channels); fewer only at the end."""
        if self.n_timepoints is not None:
            n = min(n, max(0, self.n_timepoints - self._position))  # tags after the end would be taken for damage
        try:
            block = self._decoder.read(n)
        except AudioReadError as error:
            self._end_before_cut(error)
            self._decoder.read(self._position - self._decoder.seek(self._position))
            block = self._decoder.read(n)
        self._position += len(block)
        return block

    def _end_before_cut(self, error: AudioReadError) -> None:
        """Replace the decoder by one of the whole frames; if none is cut off, raise the error."""
        self._opened.raise_failure()
        link = flac_link(ByteReader(self._opened), thorough=True)
        if link is None or link.pieces is None or not link.flaw:
            raise error
        self._decoder.detach()
        self._decoder = SndfileDecoder(view_of(self._opened, link.pieces, owns=True))
        self.promise = Promise(link.promised, 0, link.flaw)

    def close(self) -> None:
        """Close the decoder and what was opened for it."""
        self._decoder.close()
