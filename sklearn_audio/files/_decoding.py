"""Choice of the decoder of a recording: libsndfile, else FFmpeg, else an error."""

from __future__ import annotations

import io
from contextlib import ExitStack

import soundfile

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._content import (
    HEAD_BYTES,
    Container,
    container_of,
    explain,
    impostor_of,
    is_cut_mpeg,
    may_hold_mpeg,
    tag_bytes,
)
from sklearn_audio.files._decoder import Decoder, Promise
from sklearn_audio.files._ffmpeg import FfmpegDecoder
from sklearn_audio.files._flac_decoder import FlacDecoder
from sklearn_audio.files._joined import JoinedDecoder
from sklearn_audio.files._links import Link
from sklearn_audio.files._rates import RATES, is_rate
from sklearn_audio.files._sndfile import SndfileDecoder
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._survey import find_links
from sklearn_audio.files._views import ByteReader, view_of

__all__ = ["open_decoder"]


def open_decoder(opened: OpenSource) -> Decoder:
    """Open the decoder for a recording; on failure the recording is closed."""
    with ExitStack() as on_failure:
        on_failure.callback(opened.close)
        decoder = _open_links(opened)
        on_failure.callback(decoder.close)
        _check_rate(decoder, opened)
        on_failure.pop_all()
        return decoder


def _open_links(opened: OpenSource) -> Decoder:
    head = ByteReader(opened)
    _refuse_stump(opened, head)
    links = find_links(opened, head)
    if len(links) > 1:
        return _join(opened, links)
    return _open_link(opened, links[0]) if links else _open_bytes(opened)


def _join(opened: OpenSource, links: list[Link]) -> Decoder:
    return JoinedDecoder(opened, links, lambda link: _open_view(opened, link, owns=False))


def _open_link(opened: OpenSource, link: Link) -> Decoder:
    """Open a file of one link, as it is or through a view that mends it."""
    if link.pieces is None:
        return _with_promise(_open_bytes(opened), link)
    if link.n_timepoints is not None:
        plain = SndfileDecoder(opened)
        if plain.n_timepoints is not None and plain.n_timepoints >= link.n_timepoints:
            plain.n_timepoints = link.n_timepoints  # its own is a guess
            plain.promise = Promise(link.n_timepoints)
            return plain
        plain.detach()
        opened.file.seek(0, io.SEEK_SET)
    return _open_view(opened, link, owns=True)


def _open_view(opened: OpenSource, link: Link, *, owns: bool) -> Decoder:
    view = view_of(opened, link.pieces or ((0, opened.n_bytes),), owns=owns)
    return _with_promise(_open_bytes(view), link)


def _with_promise(decoder: Decoder, link: Link) -> Decoder:
    """Hold the decoder to the length that the header of the link states, beside its own reading of it."""
    if link.flaw or link.surplus or link.promised is not None:
        own = None if link.flaw else decoder.promise.n_timepoints
        tolerance = decoder.promise.tolerance
        promised = own if link.promised is None else link.promised
        decoder.promise = Promise(promised, tolerance, link.flaw, link.surplus)
    if link.is_estimate:
        decoder.length_is_exact = False
    return decoder


def _open_bytes(opened: OpenSource) -> Decoder:
    """Open whichever decoder reads the bytes."""
    try:
        decoder = SndfileDecoder(opened)
        return FlacDecoder(opened, decoder) if decoder.format == "FLAC" else decoder
    except soundfile.LibsndfileError as error:
        return _other_decoder(opened, error)


def _refuse_stump(opened: OpenSource, reader: ByteReader) -> None:
    """Refuse what holds nothing, and what mpg123 would complain about on stderr."""
    if opened.n_bytes == 0:
        raise opened.label.unreadable("the file is empty", "download or record it again")
    head = reader.at(0, 10)
    if head[:1] != b"\xff" and head[:3] != b"ID3":
        return
    if is_cut_mpeg(reader.at(tag_bytes(head), HEAD_BYTES)):
        raise opened.label.unreadable("it ends within its first MPEG frame", "download or record it again")


def _check_rate(decoder: Decoder, opened: OpenSource) -> None:
    if not is_rate(decoder.sample_rate):
        decoder.close()
        raise opened.label.unreadable(
            f"its header gives a sample rate of {decoder.sample_rate} Hz, and one lies {RATES}",
            "the header is damaged, so replace the file or give its samples as (array, rate)",
        )


def _other_decoder(opened: OpenSource, error: soundfile.LibsndfileError) -> Decoder:
    """Open the decoder for what libsndfile refuses."""
    opened.file.seek(0, io.SEEK_SET)
    head = opened.peek(HEAD_BYTES)
    container = container_of(opened.peek(HEAD_BYTES, at=tag_bytes(head)))
    if container is not None:
        return FfmpegDecoder(opened, container)
    impostor = impostor_of(head)
    if impostor is not None:
        raise opened.label.unreadable(*impostor) from error
    links = find_links(opened, ByteReader(opened), search=True) if may_hold_mpeg(head) else []
    if len(links) > 1:
        return _join(opened, links)
    if links and links[0].pieces is not None:
        return _open_view(opened, links[0], owns=True)
    reason, advice = explain(head, error.error_string)
    try:
        return FfmpegDecoder(opened, Container(f"{reason}; the file", None))
    except AudioReadError as refusal:
        if isinstance(refusal.__cause__, ImportError):
            raise
        opened.raise_failure()
        raise opened.label.unreadable(reason, advice) from refusal
