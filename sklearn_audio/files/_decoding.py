"""Opens the decoder of a recording: libsndfile, else FFmpeg, else an error."""

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
from sklearn_audio.files._flac import FlacDecoder, flac_link
from sklearn_audio.files._joined import JoinedDecoder
from sklearn_audio.files._mpeg import mpeg_link
from sklearn_audio.files._ogg import ogg_link
from sklearn_audio.files._resample import RATES, is_rate
from sklearn_audio.files._sample_bytes import sample_link
from sklearn_audio.files._sndfile import SndfileDecoder
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._units import unit_link
from sklearn_audio.files._views import ByteReader, Link, shifted, view_of


def open_decoder(opened: OpenSource) -> Decoder:
    """Open the decoder for a recording; on failure the recording is closed."""
    with ExitStack() as on_failure:
        on_failure.callback(opened.close)
        reader = ByteReader(opened)
        _refuse_stump(opened, reader)
        links = find_links(opened, reader)
        decoder = _join(opened, links) if len(links) > 1 else _open_link(opened, links[0] if links else None)
        if not is_rate(decoder.sample_rate):
            decoder.close()
            raise opened.label.unreadable(
                f"its header gives a sample rate of {decoder.sample_rate} Hz, and one lies {RATES}",
                "the header is damaged, so replace the file or give its samples as (array, rate)",
            )
        on_failure.pop_all()
        return decoder


def _join(opened: OpenSource, links: list[Link]) -> Decoder:
    return JoinedDecoder(opened, links, lambda link: _open_view(opened, link, owns=False))


def _open_link(opened: OpenSource, link: Link | None) -> Decoder:
    """Open a file with one link, directly or through a view with a corrected header."""
    if link is None or link.pieces is None:
        return _open_bytes(opened, link)
    if link.n_timepoints is not None:
        plain = SndfileDecoder(opened)
        if plain.n_timepoints is not None and plain.n_timepoints >= link.n_timepoints:
            plain.n_timepoints = link.n_timepoints  # the decoder's own length is an estimate
            plain.promise = Promise(link.n_timepoints)
            return plain
        plain.detach()
        opened.seek(0, io.SEEK_SET)
    return _open_view(opened, link, owns=True)


def _open_view(opened: OpenSource, link: Link, *, owns: bool) -> Decoder:
    return _open_bytes(view_of(opened, link.pieces or ((0, opened.n_bytes),), owns=owns), link)


def _open_bytes(opened: OpenSource, link: Link | None) -> Decoder:
    """Open the decoder that reads the bytes, with the length found by scanning the file."""
    decoder: Decoder
    try:
        plain = SndfileDecoder(opened)
        decoder = FlacDecoder(opened, plain) if plain.format == "FLAC" else plain
    except soundfile.LibsndfileError as error:
        decoder = _other_decoder(opened, error)
    if link is not None and (link.flaw or link.surplus or link.promised is not None):
        own = None if link.flaw else decoder.promise.n_timepoints
        promised = own if link.promised is None else link.promised
        decoder.promise = Promise(promised, decoder.promise.tolerance, link.flaw, link.surplus)
    if link is not None and link.is_estimate:
        decoder.length_is_exact = False
    return decoder


def _refuse_stump(opened: OpenSource, reader: ByteReader) -> None:
    """Refuse empty files and cut MPEG streams, about which mpg123 would print to stderr."""
    if opened.n_bytes == 0:
        raise opened.label.unreadable("the file is empty", "download or record it again")
    head = reader.at(0, 10)
    if head[:1] != b"\xff" and head[:3] != b"ID3":
        return
    if is_cut_mpeg(reader.at(tag_bytes(head), HEAD_BYTES)):
        raise opened.label.unreadable("it ends within its first MPEG frame", "download or record it again")


def _other_decoder(opened: OpenSource, error: soundfile.LibsndfileError) -> Decoder:
    """Open the decoder for a file that libsndfile refuses."""
    opened.seek(0, io.SEEK_SET)
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


# Days of music: a file with more links is damaged or malicious.
_MAX_LINKS = 4096


def find_links(opened: OpenSource, head: ByteReader, *, search: bool = False) -> list[Link]:
    """Find the links of a file and check their lengths; reads headers and decodes nothing."""
    links: list[Link] = []
    base = 0
    while base < opened.n_bytes:
        reader = ByteReader(opened, base) if base else head
        link = mpeg_link(reader) if search else _link(reader)
        if link is None:
            break
        pieces = None if link.pieces is None else shifted(link.pieces, base)
        if base and pieces is None:
            pieces = ((base, base + link.stop),)
        base += link.stop
        links.append(link._replace(stop=base, pieces=pieces))
        if len(links) > _MAX_LINKS:
            raise opened.label.unreadable(f"it holds more than {_MAX_LINKS} joined recordings", "split it")
        search = link.is_mpeg  # only MPEG frames can be recognised amid junk
    if len(links) < 2:
        return links
    return [link._replace(pieces=link.pieces or ((0, link.stop),), n_timepoints=None) for link in links]


def _link(reader: ByteReader) -> Link | None:
    head = reader.at(tag_bytes(reader.at(0, 10)), 4)
    if head == b"OggS":
        return ogg_link(reader)
    if head == b"fLaC":
        return flac_link(reader)
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 6:  # AAC has layer 0
        return mpeg_link(reader)
    found = sample_link(reader) or unit_link(reader)
    return mpeg_link(reader) if found is None and reader.at(0, 3) == b"ID3" else found
