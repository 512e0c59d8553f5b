"""The links that a file holds, one after another, and how long each is by its bytes."""

from __future__ import annotations

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._flac import flac_link
from sklearn_audio.files._links import Link
from sklearn_audio.files._mpeg_count import mpeg_link
from sklearn_audio.files._ogg import ogg_link
from sklearn_audio.files._sample_bytes import sample_link
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._units import unit_link
from sklearn_audio.files._views import ByteReader, shifted

__all__ = ["find_links"]

# Days of music; a file of more recordings is damaged, or made to keep somebody busy.
_MAX_LINKS = 4096


def find_links(opened: OpenSource, head: ByteReader, *, search: bool = False) -> list[Link]:
    """Find the links of a file and what is amiss with their lengths, by reading headers and decoding nothing."""
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
        search = link.is_mpeg  # only its frames can be told from junk around them
    if len(links) < 2:
        return links
    return [link._replace(pieces=link.pieces or ((0, link.stop),), n_timepoints=None) for link in links]


def _link(reader: ByteReader) -> Link | None:
    head = reader.at(tag_bytes(reader.at(0, 10)), 4)
    if head == b"OggS":
        return ogg_link(reader)
    if head == b"fLaC":
        return flac_link(reader)
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 6:  # a layer of MPEG, which AAC has not
        return mpeg_link(reader)
    found = sample_link(reader) or unit_link(reader)
    return mpeg_link(reader) if found is None and reader.at(0, 3) == b"ID3" else found
