"""Chunked containers (WAV, RF64, AIFF, SVX, CAF, W64): position and size of their samples."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from sklearn_audio.files._views import ByteReader, Inserted

_ALL_ONES = (1 << 32) - 1
# Besides 0 and all bits set, programs that stream write 2 GiB, or slightly less, for an unknown size.
_OPEN_SIZES = range(0x7FFFF000, 0x80000001)
_PLAIN_WAV_TAGS = (1, 3, 6, 7, 0xFFFE)  # integers, floats, A-law, mu-law, extensible
# No recorder writes more: beyond this, the bytes only look like chunks.
_MAX_CHUNKS = 10_000
_W64_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


class Chunk(NamedTuple):
    """Name, content offset, declared content size and offset of the next chunk."""

    name: bytes
    start: int
    size: int
    next: int


class ChunkStyle(NamedTuple):
    """Layout of the chunk headers in a container."""

    name_bytes: int = 4
    size_code: str = "<I"
    alignment: int = 2
    counts_header: bool = False

    def at(self, reader: ByteReader, offset: int) -> Chunk | None:
        """Read the chunk header at an offset; None if there is none."""
        header_bytes = self.name_bytes + struct.calcsize(self.size_code)
        header = reader.at(offset, header_bytes)
        if len(header) < header_bytes or not header[:4].isascii() or min(header[:4]) < 32:
            return None
        name = header[: self.name_bytes]
        size = int(struct.unpack(self.size_code, header[self.name_bytes :])[0])
        size -= header_bytes if self.counts_header else 0
        start = offset + header_bytes
        end = start + max(0, size)
        return Chunk(name, start, size, end + -end % self.alignment)

    def walk(self, reader: ByteReader, offset: int) -> Iterator[Chunk]:
        """Iterate over the chunks from an offset; the last may extend past the end of the file."""
        for _ in range(_MAX_CHUNKS):
            chunk = self.at(reader, offset)
            if chunk is None:
                return
            yield chunk
            offset = chunk.next

    def fills(self, reader: ByteReader, offset: int) -> bool:
        """Whether the file consists of chunks from an offset to its end, give or take an incomplete header."""
        for chunk in self.walk(reader, offset):
            if chunk.size < 0:
                break
            offset = chunk.next
        left = reader.size - offset
        if left > 0:
            return left < self.name_bytes + struct.calcsize(self.size_code)
        return -left < self.alignment  # the last may lack its padding


_RIFF = ChunkStyle()
_BIG_ENDIAN = ChunkStyle(size_code=">I")
_CAF = ChunkStyle(size_code=">q", alignment=1)
_W64 = ChunkStyle(name_bytes=16, size_code="<Q", alignment=8, counts_header=True)


def _unchanged(n: int) -> dict[int, bytes]:
    """Leave the header as it is: decoders ignore its count."""
    return {}


class SampleData(NamedTuple):
    """Position and declared size of the samples in a container; `mend` writes another size into the header."""

    start: int
    declared: int | None
    bytes_per_timepoint: Fraction | None
    mend: Callable[[int], Mapping[int, bytes]] = _unchanged
    style: ChunkStyle | None = None
    end: int | None = None
    n_counted: int | None = None


def in_chunks(reader: ByteReader) -> SampleData | None:
    """Find the samples of a chunked container; None for any other file."""
    head = reader.at(0, 40)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _in_wav(reader, head)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _in_aiff(reader, head)
    if head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV"):
        return _in_svx(reader, head)
    if head[:4] == b"caff":
        return _in_caf(reader)
    if head[:4] == b"riff" and head[28:40] == _W64_GUID:
        return _in_w64(reader, head)
    return None


def closed(size: int, bits: int = 32) -> int | None:
    """Return the size, or None if it is a value that stands for an unknown size in a field of that many bits."""
    if size < 0 or size >= (1 << bits) - 256 or (bits == 32 and size in _OPEN_SIZES):
        return None
    return size


def _form_end(head: bytes, code: str) -> int | None:
    """Return the end of the file by its first eight bytes; None if it is left open."""
    size = closed(struct.unpack(code, head[4:8])[0])
    return size + 8 if size else None


def packed(code: str, *sizes: int) -> bytes:
    """Pack sizes, each clipped to the range of its field."""
    bits = 8 * struct.calcsize("=" + code[-1])
    largest = (1 << bits - code[-1].islower()) - 1
    return struct.pack(f"{code[0]}{len(sizes)}{code[-1]}", *(min(max(0, size), largest) for size in sizes))


def _in_wav(reader: ByteReader, head: bytes) -> SampleData | None:
    big = head[:4] == b"RIFX"
    code = ">" if big else "<"
    rate: Fraction | None = None
    wide: Chunk | None = None
    for chunk in (_BIG_ENDIAN if big else _RIFF).walk(reader, 12):
        if chunk.name == b"ds64":
            wide = chunk
        elif chunk.name == b"fmt ":
            rate = _wav_rate(reader.at(chunk.start, 16), code)
        elif chunk.name == b"data":
            if wide is not None:
                return _in_rf64(reader, wide, chunk, rate)
            mend = partial(_wav_sizes, b"RIFX" if big else b"RIFF", code, chunk.start)
            style = _BIG_ENDIAN if big else _RIFF
            return SampleData(chunk.start, closed(chunk.size), rate, mend, style, _form_end(head, code + "I"))
    return None


def _wav_sizes(magic: bytes, code: str, start: int, n: int) -> dict[int, bytes]:
    """Write both sizes of a WAV; sizes beyond 32 bits turn it into an RF64."""
    riff, data = n + start - 8 + n % 2, n
    if riff >= _ALL_ONES and code == "<":
        wide = Inserted(b"ds64" + packed("<I", 28) + packed("<Q", riff + 36, data, 0) + packed("<I", 0))
        return {0: b"RF64", 12: wide, start - 4: packed("<I", _ALL_ONES)}
    return {0: magic, 4: packed(code + "I", riff), start - 4: packed(code + "I", data)}


def _wav_rate(body: bytes, code: str) -> Fraction | None:
    if len(body) < 16:
        return None
    tag, _, rate, bytes_per_second, block, _ = struct.unpack(code + "HHIIHH", body)
    if tag in _PLAIN_WAV_TAGS:
        return Fraction(block) if block else None
    return Fraction(bytes_per_second, rate) if rate and bytes_per_second else None


def _in_rf64(reader: ByteReader, wide: Chunk, data: Chunk, rate: Fraction | None) -> SampleData:
    riff_size, data_size = struct.unpack("<QQ", reader.at(wide.start, 16).ljust(16, b"\0"))
    end = closed(riff_size, 64)
    declared = closed(data_size, 64) if data.size == _ALL_ONES else closed(data.size)
    mend = partial(_rf64_sizes, wide.start, data.start)
    return SampleData(data.start, declared, rate, mend, _RIFF, end + 8 if end else None)


def _rf64_sizes(wide: int, start: int, n: int) -> dict[int, bytes]:
    return {0: b"RF64", wide: packed("<Q", n + start - 8, n), start - 4: packed("<I", _ALL_ONES)}


def _in_aiff(reader: ByteReader, head: bytes) -> SampleData | None:
    count, width, common = 0, 0, 0
    for chunk in _BIG_ENDIAN.walk(reader, 12):
        if chunk.name == b"COMM":
            body = reader.at(chunk.start, 22).ljust(22, b"\0")
            channels, count, bits = struct.unpack(">HIH", body[:8])
            kind = body[18:22] if head[8:12] == b"AIFC" else b"NONE"
            width, common = channels * _aiff_width(kind.lower(), bits), chunk.start
        elif chunk.name == b"SSND" and common:
            offset = int.from_bytes(reader.at(chunk.start, 4), "big")
            start = chunk.start + 8 + offset
            size = closed(chunk.size)
            declared = None if size is None else max(0, size - 8 - offset)
            mend = partial(_aiff_sizes, width, common, chunk.start, start)
            n_counted = closed(count) if width else None
            rate = Fraction(width) or None
            return SampleData(start, declared, rate, mend, _BIG_ENDIAN, _form_end(head, ">I"), n_counted)
    return None


def _aiff_width(kind: bytes, bits: int) -> int:
    """Bytes per sample; 0 for compressed kinds."""
    if kind in (b"ulaw", b"alaw"):
        return 1
    return (bits + 7) // 8 if kind in (b"none", b"sowt", b"twos", b"raw ", b"fl32", b"fl64", b"in24", b"in32") else 0


def _aiff_sizes(width: int, common: int, chunk: int, start: int, n: int) -> dict[int, bytes]:
    sizes = {4: n + n % 2 + start - 8, chunk - 4: n + start - chunk}
    if width:
        sizes[common + 2] = n // width
    return {offset: packed(">I", size) for offset, size in sizes.items()}


def _in_svx(reader: ByteReader, head: bytes) -> SampleData | None:
    width = 0
    for chunk in _BIG_ENDIAN.walk(reader, 12):
        if chunk.name == b"VHDR":
            is_compressed = reader.at(chunk.start + 15, 1) != b"\0"
            width = 0 if is_compressed else 1 if head[8:9] == b"8" else 2
        elif chunk.name == b"BODY":
            mend, rate = partial(_svx_sizes, chunk.start), Fraction(width) or None
            return SampleData(chunk.start, closed(chunk.size), rate, mend, _BIG_ENDIAN, _form_end(head, ">I"))
    return None


def _svx_sizes(start: int, n: int) -> dict[int, bytes]:
    return {4: packed(">I", n + n % 2 + start - 8), start - 4: packed(">I", n)}


def _in_caf(reader: ByteReader) -> SampleData | None:
    rate: Fraction | None = None
    for chunk in _CAF.walk(reader, 8):
        if chunk.name == b"desc":
            bytes_per_packet, per_packet = struct.unpack(">II", reader.at(chunk.start + 16, 8).ljust(8, b"\0"))
            rate = Fraction(bytes_per_packet, per_packet) if bytes_per_packet and per_packet else None
        elif chunk.name == b"data":
            declared = None if chunk.size < 4 else closed(chunk.size - 4, 63)  # the samples follow a 4-byte edit count
            return SampleData(chunk.start + 4, declared, rate, partial(_caf_size, chunk.start), _CAF)
    return None


def _caf_size(start: int, n: int) -> dict[int, bytes]:
    return {start - 8: packed(">q", n + 4)}


def _in_w64(reader: ByteReader, head: bytes) -> SampleData | None:
    rate: Fraction | None = None
    for chunk in _W64.walk(reader, 40):
        if chunk.name[:4] == b"fmt ":
            rate = _wav_rate(reader.at(chunk.start, 16), "<")
        elif chunk.name[:4] == b"data":
            end = closed(int.from_bytes(head[16:24], "little"), 63)
            declared = 0 if chunk.size <= 0 else closed(chunk.size, 63)
            return SampleData(chunk.start, declared, rate, partial(_w64_sizes, chunk.start), _W64, end or None)
    return None


def _w64_sizes(start: int, n: int) -> dict[int, bytes]:
    return {16: packed("<Q", n + -n % 8 + start), start - 8: packed("<Q", n + 24)}
