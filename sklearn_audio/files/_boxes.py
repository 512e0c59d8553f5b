"""Containers that FFmpeg reads (MP4, WebM, WMA, AVI, ADTS): whether the bytes end before the header says, or go on."""

from __future__ import annotations

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._links import Link
from sklearn_audio.files._views import ByteReader

__all__ = ["box_link"]

_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
_ASF = b"0&\xb2u\x8ef\xcf\x11"
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8cG\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_CUT = "it is cut short"
_BLOCK_BYTES = 1 << 20
# Fragments of a whole day; a file of more boxes is taken as it is.
_MAX_BOXES = 1 << 17


def box_link(reader: ByteReader) -> Link | None:
    """Find the end of an MP4, WebM, WMA, AVI or ADTS file.

    Parameters
    ----------
    reader : ByteReader
        At the first byte.

    Returns
    -------
    Link or None
        None if it is none of these. It stops where another file of the kind follows.
    """
    head = reader.at(0, 12)
    if head[4:8] in (b"ftyp", b"moov"):
        return _mp4(reader)
    if head[:4] == _EBML:
        return _webm(reader)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        end = int.from_bytes(head[4:8], "little") + 8
        joined = reader.at(end, 4) == b"RIFF" and reader.at(end + 8, 4) == b"AVI "
        return Link(end if joined else reader.size, flaw=_CUT if end > reader.size else "")
    if head[:8] == _ASF:
        return _asf(reader)
    start = tag_bytes(reader.at(0, 10))
    return _adts(reader, start) if _is_adts(reader.at(start, 2)) else None


def _mp4(reader: ByteReader) -> Link:
    at = 0
    for _ in range(_MAX_BOXES):
        header = reader.at(at, 16)
        if len(header) < 8:
            break
        if at and header[4:8] == b"ftyp":
            return Link(at)
        size = int.from_bytes(header[:4], "big")
        size = int.from_bytes(header[8:], "big") if size == 1 else size
        if size < 8 or not header[4:8].isalnum():
            break  # up to the end, or no box
        at += size
    return Link(reader.size, flaw=_CUT if at > reader.size else "")


def _webm(reader: ByteReader) -> Link:
    _, at = _ebml_size(reader, 4)
    header, at = _ebml_size(reader, 4)
    at += header or 0
    if reader.at(at, 4) != _SEGMENT:
        return Link(reader.size)
    size, at = _ebml_size(reader, at + 4)
    if size is None:
        return Link(reader.size)
    if reader.at(at + size, 4) == _EBML:
        return Link(at + size)
    return Link(reader.size, flaw=_CUT if at + size > reader.size else "")


def _ebml_size(reader: ByteReader, at: int) -> tuple[int | None, int]:
    """Read a size of as many bytes as the zeros at its start say; None if all its bits are set, for an open end."""
    first = reader.at(at, 1)
    length = 9 - first[0].bit_length() if first and first[0] else 1
    bits = (1 << 7 * length) - 1
    size = int.from_bytes(reader.at(at, length), "big") & bits
    return None if size == bits else size, at + length


def _asf(reader: ByteReader) -> Link:
    found = reader.at(0, 4096).find(_ASF_PROPERTIES)
    size = int.from_bytes(reader.at(found + 40, 8), "little") if found >= 0 else 0
    if size and reader.at(size, 8) == _ASF:
        return Link(size)
    return Link(reader.size, flaw=_CUT if size > reader.size else "")


def _is_adts(head: bytes) -> bool:
    return len(head) == 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _adts(reader: ByteReader, at: int) -> Link:
    """Hop from frame to frame."""
    while at + 7 <= reader.size:
        data, offset = reader.at(at, _BLOCK_BYTES), 0
        if len(data) < 7:
            break  # it shrank meanwhile
        while offset + 7 <= len(data):
            length = (data[offset + 3] & 3) << 11 | data[offset + 4] << 3 | data[offset + 5] >> 5
            if length < 7 or data[offset] != 0xFF or data[offset + 1] & 0xF6 != 0xF0:
                return Link(reader.size)
            offset += length
        at += offset
    return Link(reader.size, flaw="it ends within an AAC frame" if at > reader.size or reader.size - at else "")
