"""Which decoder reads a recording: libsndfile, else FFmpeg, else nobody."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._content import (
    HEAD_BYTES,
    Container,
    container_of,
    explain,
    impostor_of,
    is_cut_mpeg,
    tag_bytes,
)
from sklearn_audio.files._ffmpeg import FfmpegDecoder
from sklearn_audio.files._rates import RATES, is_rate
from sklearn_audio.files._sndfile import SndfileDecoder
from sklearn_audio.files._sources import OpenSource

__all__ = ["Decoder", "open_decoder"]


class Decoder(Protocol):
    """What both decoders offer: facts from the header, a jump before the first read, and reading on."""

    sample_rate: int
    n_channels: int
    n_timepoints: int | None
    length_is_exact: bool  # whether nothing follows after that many timepoints; there may be fewer
    format: str

    def seek(self, timepoint: int) -> int:
        """Go to a timepoint or before it, and say where."""

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end."""

    def close(self) -> None:
        """Close the decoder and what was opened for it."""


def open_decoder(opened: OpenSource) -> Decoder:
    """Open the decoder for a recording; on failure the recording is closed.

    Parameters
    ----------
    opened : OpenSource
        The recording.

    Returns
    -------
    Decoder
        At the first timepoint.

    Raises
    ------
    AudioReadError
        If nobody can read it; the message says what it is instead.
    """
    with ExitStack() as on_failure:
        on_failure.callback(opened.close)
        _refuse_stump(opened)
        try:
            decoder: Decoder = SndfileDecoder(opened)
        except soundfile.LibsndfileError as error:
            decoder = _other_decoder(opened, error)
        on_failure.callback(decoder.close)
        _check_rate(decoder, opened)
        on_failure.pop_all()
        return decoder


def _refuse_stump(opened: OpenSource) -> None:
    """Refuse what holds nothing, and what mpg123 would complain about on stderr."""
    if opened.n_bytes == 0:
        raise opened.label.unreadable("the file is empty", "download or record it again")
    head = opened.peek(10)
    if head[:1] != b"\xff" and head[:3] != b"ID3":
        return
    if is_cut_mpeg(opened.peek(HEAD_BYTES, at=tag_bytes(head))):
        raise opened.label.unreadable("it ends within its first MPEG frame", "download or record it again")


def _check_rate(decoder: Decoder, opened: OpenSource) -> None:
    if not is_rate(decoder.sample_rate):
        raise opened.label.unreadable(
            f"its header gives a sample rate of {decoder.sample_rate} Hz, and one lies {RATES}",
            "the header is damaged, so replace the file or give its samples as (array, rate)",
        )


def _other_decoder(opened: OpenSource, error: soundfile.LibsndfileError) -> Decoder:
    """Open the decoder for what libsndfile refuses."""
    head = opened.peek(HEAD_BYTES)
    container = container_of(opened.peek(HEAD_BYTES, at=tag_bytes(head)))
    if container is not None:
        return FfmpegDecoder(opened, container)
    impostor = impostor_of(head)
    if impostor is not None:
        raise opened.label.unreadable(*impostor) from error
    reason, advice = explain(head, error.error_string)
    try:
        return FfmpegDecoder(opened, Container(f"{reason}; the file", None))
    except AudioReadError as refusal:
        if isinstance(refusal.__cause__, ImportError):
            raise
        opened.raise_failure()
        raise opened.label.unreadable(reason, advice) from refusal
