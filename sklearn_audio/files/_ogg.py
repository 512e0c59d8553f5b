"""Ogg: the end of a link, and whether its last page is complete."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from sklearn_audio.files._views import ByteReader, Link, Pieces

_FIRST_PAGE, _LAST_PAGE = 2, 4
# Streams that a link may interleave; more first pages indicate damage.
_MAX_STREAMS = 256
_HEADER_BYTES = 27
_MAX_PAGE_BYTES = _HEADER_BYTES + 255 + 255 * 255
# No Ogg codec has longer packets.
_MAX_PACKET_TIMEPOINTS = 8192


class _Page(NamedTuple):
    """A page: its header with the segment table, and the start and end of its content."""

    header: bytes
    start: int
    stop: int

    @property
    def flags(self) -> int:
        return self.header[5]

    @property
    def granule(self) -> int:
        """Timepoints up to the end of the page; negative if no packet ends on it."""
        return int.from_bytes(self.header[6:14], "little", signed=True)


def _page_at(reader: ByteReader, offset: int) -> _Page | None:
    """Read a page header; the content may be cut off."""
    header = reader.at(offset, _HEADER_BYTES + 255)
    if len(header) < _HEADER_BYTES or header[:5] != b"OggS\0":
        return None
    header = header[: _HEADER_BYTES + header[26]]
    if len(header) < _HEADER_BYTES + header[26]:
        return None
    start = offset + len(header)
    return _Page(header, start, start + sum(header[_HEADER_BYTES:]))


def ogg_link(reader: ByteReader) -> Link | None:
    """Find the end of the Ogg link at the start of a file."""
    offset, page = 0, _page_at(reader, 0)
    for _ in range(_MAX_STREAMS):
        if page is None or not page.flags & _FIRST_PAGE:
            break
        offset, page = page.stop, _page_at(reader, page.stop)
    if offset == 0:
        return None
    stop = next(reader.finds(b"OggS\0\x02", offset), reader.size)
    last = _last_page(reader, stop)
    if last is None:
        return Link(stop)
    if last.stop <= stop:
        return Link(stop, flaw="" if last.flags & _LAST_PAGE else "it ends without its last page")
    offset = last.start - len(last.header)
    before = _last_page(reader, offset)
    return Link(stop, _shortened(reader, last, before, stop), flaw="it ends within an Ogg page", is_estimate=True)


def _last_page(reader: ByteReader, stop: int) -> _Page | None:
    """Find the last page that begins before an offset."""
    first = max(0, stop - 2 * _MAX_PAGE_BYTES)
    data = reader.at(first, stop - first)
    at = data.rfind(b"OggS\0")
    while at >= 0:
        page = _page_at(reader, first + at)
        if page is not None:
            return page
        at = data.rfind(b"OggS\0", 0, at)
    return None


def _shortened(reader: ByteReader, page: _Page, before: _Page | None, stop: int) -> Pieces:
    """End the stream with the complete packets of the cut page; its end time is estimated."""
    offset = page.start - len(page.header)
    ends = _packet_ends(page, stop)
    if not ends:
        return ((0, offset),)
    n_segments, n_bytes = ends[-1]
    starts = [0] + [end for _, end in ends[:-1]]
    granule = 0 if before is None else max(0, before.granule)
    granule += sum(_packet_timepoints(reader, page.start + start) for start in starts)
    header = bytearray(page.header[: _HEADER_BYTES + n_segments])
    header[5] |= _LAST_PAGE
    header[6:14] = granule.to_bytes(8, "little")
    header[22:26] = bytes(4)
    header[26] = n_segments
    header[22:26] = _checksum(bytes(header) + reader.at(page.start, n_bytes)).to_bytes(4, "little")
    return ((0, offset), bytes(header), (page.start, page.start + n_bytes))


def _packet_ends(page: _Page, stop: int) -> list[tuple[int, int]]:
    """Segments and bytes of the page up to the end of each complete packet."""
    ends, position = [], 0
    for i, length in enumerate(page.header[_HEADER_BYTES:]):
        position += length
        if page.start + position > stop:
            break
        if length < 255:
            ends.append((i + 1, position))
    return ends


def _packet_timepoints(reader: ByteReader, offset: int) -> int:
    """Upper bound of the timepoints in a packet: for Opus from its first bytes, for Vorbis half a long block."""
    first = reader.at(0, 64)
    content = first[_HEADER_BYTES + first[26] :]
    if content.startswith(b"\x01vorbis") and len(content) > 28:
        return (1 << (content[28] >> 4)) // 2
    if content.startswith(b"\x7fFLAC") and len(content) > 20:
        return int.from_bytes(content[19:21], "big")
    if not content.startswith(b"OpusHead"):
        return _MAX_PACKET_TIMEPOINTS
    kind, count = (*reader.at(offset, 2), 0, 0)[:2]
    n_frames = (1, 2, 2, count & 63)[kind & 3]
    mode = kind >> 3
    if mode < 12:  # 10, 20, 40 or 60 ms at 48 kHz
        return n_frames * (480, 960, 1920, 2880)[mode & 3]
    return n_frames * (480, 960)[mode & 1] if mode < 16 else n_frames * (120, 240, 480, 960)[mode & 3]


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _checksum(data: bytes) -> int:
    """Return the CRC-32 of Ogg: that of zlib with reversed bits and without inversion."""
    crc = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)
