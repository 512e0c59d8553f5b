"""FLAC: the length in the header checked against the last frame, and reading up to a frame that is cut off."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._decoder import Promise
from sklearn_audio.files._sndfile import SndfileDecoder
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._views import ByteReader, Link, overlaid, view_of

_INFO_BYTES = 34
_LENGTH_BITS = 36
# More metadata blocks than this are zeros that were never overwritten.
_MAX_BLOCKS = 1000
_SEARCHED_BYTES = (1 << 15, 1 << 20)
# In longer files, other links are searched for in a few places only.
_SEARCHED_WHOLE = 1 << 25
_N_PROBES = 8
_READ_WHOLE = 1 << 18
_PROBED_BYTES = 1 << 18
# Period of x^n modulo the polynomial of the checksum, x^16 + x^15 + x^2 + 1.
_PERIOD = 32767
_BLOCK_SIZES = {1: 192, **{i: 576 << i - 2 for i in range(2, 6)}, **{i: 256 << i - 8 for i in range(8, 16)}}


class _Header(NamedTuple):
    """Fields of the first metadata block, and the offset of the frames."""

    info: int
    frames: int
    block: int
    n_timepoints: int


class _Frame(NamedTuple):
    """Offset of a frame, and the timepoint at its end."""

    start: int
    end_timepoint: int


def flac_link(reader: ByteReader, *, thorough: bool = False) -> Link | None:
    """Count the timepoints of the FLAC stream at the start of a file."""
    if reader.size <= _READ_WHOLE:
        reader.at(0, reader.size)  # every later access hits the reader's window
    header = _header(reader)
    if header is None:
        return None
    marker = reader.at(header.frames, 4)
    if reader.size > _SEARCHED_WHOLE and _is_one_stream(reader, header, marker):
        return Link(reader.size)
    stop = _next_stream(reader, header.frames)
    last = _last_frames(reader, header, stop, marker, most=1)
    if not last:
        return None
    if last[0].end_timepoint == header.n_timepoints and (
        not thorough or _is_decodable(reader, header, last[0].start, stop)
    ):
        return Link(stop)
    return _recounted(reader, header, _last_frames(reader, header, stop, marker, most=_N_PROBES), stop)


def _recounted(reader: ByteReader, header: _Header, frames: list[_Frame], stop: int) -> Link:
    """Write the number of timepoints in complete frames into the header."""
    last, end = _last_whole(reader, frames, stop)
    if last is None:
        return Link(stop)
    declared = header.n_timepoints
    replaced = {header.info + 13: _with_length(reader.at(header.info + 13, 5), last.end_timepoint)}
    link = Link(stop, overlaid(0, end, replaced), promised=declared or None)
    return link._replace(flaw="it is cut short") if declared > last.end_timepoint else link


def _is_one_stream(reader: ByteReader, header: _Header, marker: bytes) -> bool:
    """Whether frames sampled from a long file, and its last frame, agree with the length in the header."""
    before = 0
    for i in range(1, _N_PROBES):
        first = header.frames + (reader.size - header.frames) * i // _N_PROBES
        frames = _frames_in(reader.at(first, _PROBED_BYTES), header, marker, most=1)
        if not frames or not before < frames[0].end_timepoint < header.n_timepoints:
            return False
        before = frames[0].end_timepoint
    frames = _last_frames(reader, header, reader.size, marker, most=1)
    return bool(frames) and frames[0].end_timepoint == header.n_timepoints


def _header(reader: ByteReader) -> _Header | None:
    """Read the metadata blocks."""
    start = tag_bytes(reader.at(0, 10))
    if reader.at(start, 4) != b"fLaC":
        return None
    at, info = start + 4, start + 8
    for _ in range(_MAX_BLOCKS):
        block = reader.at(at, 4)
        if len(block) < 4:
            return None
        at += 4 + int.from_bytes(block[1:], "big")
        if block[0] & 0x80:
            break
    else:
        return None
    body = reader.at(info, _INFO_BYTES)
    length = int.from_bytes(body[13:18], "big") & (1 << _LENGTH_BITS) - 1
    return _Header(info, at, int.from_bytes(body[:2], "big"), length) if at < reader.size else None


def _with_length(field: bytes, n_timepoints: int) -> bytes:
    """Write the length into its 36 bits; the four bits before it belong to the bit depth."""
    kept = int.from_bytes(field, "big") >> _LENGTH_BITS << _LENGTH_BITS
    return (kept | n_timepoints).to_bytes(5, "big")


def _next_stream(reader: ByteReader, offset: int) -> int:
    """Offset of the next FLAC link; the end of the file if there is none."""
    infos = (b"\0\0\0\x22", b"\x80\0\0\x22")
    return next((found for found in reader.finds(b"fLaC", offset) if reader.at(found + 4, 4) in infos), reader.size)


def _last_frames(reader: ByteReader, header: _Header, stop: int, marker: bytes, *, most: int) -> list[_Frame]:
    """Find frames that begin near the end, last first."""
    frames: list[_Frame] = []
    for n_bytes in _SEARCHED_BYTES:
        first = max(header.frames, stop - n_bytes)
        frames = _frames_in(reader.at(first, stop - first), header, marker, most=most)
        if len(frames) == most or first == header.frames:
            break
    return [_Frame(first + frame.start, frame.end_timepoint) for frame in frames]


def _frames_in(data: bytes, header: _Header, marker: bytes, *, most: int) -> list[_Frame]:
    """Find frame headers in some bytes, last first."""
    frames: list[_Frame] = []
    at = data.rfind(marker[:2])
    while at >= 0 and len(frames) < most:
        end = _frame_end(data[at : at + 20], header, marker)
        if end is not None:
            frames.append(_Frame(at, end))
        at = data.rfind(marker[:2], 0, at)
    return frames


def _frame_end(head: bytes, header: _Header, marker: bytes) -> int | None:
    """Timepoint at the end of the frame with this header; None if it is not a header."""
    if len(head) < 6 or (head[2] & 15, head[3] & 15) != (marker[2] & 15, marker[3] & 15):
        return None
    number, n_bytes = _coded_number(head[4:11])
    size_code, rate_code = head[2] >> 4, head[2] & 15
    at = 4 + n_bytes
    if size_code in (6, 7):
        size = int.from_bytes(head[at : at + size_code - 5], "big") + 1
        at += size_code - 5
    else:
        size = _BLOCK_SIZES.get(size_code, 0)
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if not n_bytes or not size or len(head) <= at or _crc8(head[:at]) != head[at]:
        return None
    end = number + size if head[1] & 1 else number * header.block + size
    return end if end < 1 << _LENGTH_BITS else None


def _coded_number(code: bytes) -> tuple[int, int]:
    """Decode a number in UTF-8 coding: its value and its number of bytes, 0 if invalid."""
    ones = 8 - (code[0] ^ 0xFF).bit_length()
    if ones == 0:
        return code[0], 1
    if ones == 1 or ones == 8 or len(code) < ones or any(byte >> 6 != 2 for byte in code[1:ones]):
        return 0, 0
    number = code[0] & (1 << 7 - ones) - 1
    for byte in code[1:ones]:
        number = number << 6 | byte & 0x3F
    return number, ones


def _crc8(data: bytes) -> int:
    crc, table = 0, _crc8_table()
    for byte in data:
        crc = table[crc ^ byte]
    return crc


@lru_cache(maxsize=1)
def _crc8_table() -> bytes:
    table = list(range(256))
    for _ in range(8):
        table = [value << 1 & 0xFF ^ (7 if value & 0x80 else 0) for value in table]
    return bytes(table)


def _last_whole(reader: ByteReader, frames: list[_Frame], stop: int) -> tuple[_Frame | None, int]:
    """Last frame with a valid checksum, and the offset of its end."""
    for i, frame in enumerate(frames):
        for end in (stop, *(later.start for later in frames[:i])):
            if _is_whole(reader, frame.start, end):
                return frame, end
    return None, stop


def _is_decodable(reader: ByteReader, header: _Header, start: int, stop: int) -> bool:
    """Whether the last frame is complete; tags or junk may follow."""
    if _is_whole(reader, start, stop):
        return True
    frame = reader.view(((0, header.frames), (start, stop)))
    try:
        with soundfile.SoundFile(frame.raw) as file:
            return len(file.read(frames=1)) == 1
    except soundfile.LibsndfileError:
        return False


def _is_whole(reader: ByteReader, start: int, stop: int) -> bool:
    """Whether the bytes are a complete frame with a valid checksum."""
    bits = np.unpackbits(np.frombuffer(reader.at(start, stop - start), dtype=np.uint8))
    powers = np.resize(_powers(), len(bits))[::-1]
    return bool(np.bitwise_xor.reduce(powers[bits.view(bool)]) == 0)


@lru_cache(maxsize=1)
def _powers() -> NDArray[np.uint16]:
    """Remainders of x^n for n = 0, 1, ..."""
    powers, value = np.empty(_PERIOD, dtype=np.uint16), 1
    for n in range(_PERIOD):
        powers[n] = value
        value = value << 1 ^ (0x18005 if value & 0x8000 else 0)
    return powers


class FlacDecoder:
    """Reads FLAC through libsndfile, which fails at a cut-off frame; then the complete frames before it are read."""

    def __init__(self, opened: OpenSource, decoder: SndfileDecoder) -> None:
        self._opened = opened
        self._decoder = decoder
        self._position = 0
        self.sample_rate, self.n_channels = decoder.sample_rate, decoder.n_channels
        self.n_timepoints, self.length_is_exact = decoder.n_timepoints, decoder.length_is_exact
        self.format = decoder.format
        self.promise = decoder.promise

    def seek(self, timepoint: int) -> int:
        """Seek to a timepoint or to one before it; returns the position."""
        try:
            self._position = self._decoder.seek(timepoint)
        except AudioReadError as error:
            self._end_before_cut(error)
            self._position = self._decoder.seek(timepoint)
        return self._position

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end."""
        if self.n_timepoints is not None:
            n = min(n, max(0, self.n_timepoints - self._position))  # libsndfile takes tags after the end for damage
        try:
            block = self._decoder.read(n)
        except AudioReadError as error:
            self._end_before_cut(error)
            self._decoder.read(self._position - self._decoder.seek(self._position))
            block = self._decoder.read(n)
        self._position += len(block)
        return block

    def _end_before_cut(self, error: AudioReadError) -> None:
        """Switch to a view with the complete frames only; if no frame is cut off, raise the error."""
        self._opened.raise_failure()
        link = flac_link(ByteReader(self._opened), thorough=True)
        if link is None or link.pieces is None or not link.flaw:
            raise error
        self._decoder.detach()
        self._decoder = SndfileDecoder(view_of(self._opened, link.pieces, owns=True))
        self.promise = Promise(link.promised, 0, link.flaw)

    def close(self) -> None:
        """Close the decoder and what it opened."""
        self._decoder.close()
