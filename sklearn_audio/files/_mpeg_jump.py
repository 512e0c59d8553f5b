"""Late parts of an MPEG stream: the file without the frames before them, except those that the part still needs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._sources import OpenSource

__all__ = ["shortened_mpeg"]

# kbit/s of layer III by the number in the header, which is 1 for the first
_KILOBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44100, 48000, 32000)
# How far back a frame may keep bits of its own, and how many more frames the overlap and the filters reach.
_RESERVOIR_BYTES = 511
_OVERLAP_FRAMES = 16
# The synthesis filter of mpg123 rounds alike again after so many frames.
_PERIOD_FRAMES = 8
_BLOCK_BYTES = 1 << 20


class _Stream(NamedTuple):
    """What all frames of a stream have in common, and what a frame takes beside its sound."""

    first: int  # second byte of the header: version, layer and checksum
    rate_index: int
    is_mono: bool

    @property
    def is_version_1(self) -> bool:
        return self.first & 0x18 == 0x18

    @property
    def n_timepoints(self) -> int:
        return 1152 if self.is_version_1 else 576

    @property
    def n_side_bytes(self) -> int:
        return (17 if self.is_mono else 32) if self.is_version_1 else (9 if self.is_mono else 17)

    def length(self, header: bytes) -> int:
        """Bytes of a frame of the stream; 0 for what is none."""
        if len(header) < 4 or header[0] != 0xFF or _stream_of(header) != self or not 0 < header[2] >> 4 < 15:
            return 0
        bits = 1000 * (_KILOBITS_1 if self.is_version_1 else _KILOBITS_2)[(header[2] >> 4) - 1]
        rate = _RATES[self.rate_index] // {0x18: 1, 0x10: 2}.get(self.first & 0x18, 4)
        return self.n_timepoints // 8 * bits // rate + (header[2] >> 1 & 1)


def _stream_of(header: bytes) -> _Stream | None:
    first, rate_index = header[1], header[2] >> 2 & 3
    if first & 0xE0 != 0xE0 or first & 0x18 == 0x08 or first & 0x06 != 0x02 or rate_index == 3:
        return None
    return _Stream(first, rate_index, header[3] >> 6 == 3)


def shortened_mpeg(opened: OpenSource, timepoint: int) -> tuple[OpenSource, int] | None:
    """Leave out the frames before a timepoint, but for a run-up.

    Parameters
    ----------
    opened : OpenSource
        The recording; its position stays where it is.
    timepoint : int
        Where the part begins.

    Returns
    -------
    OpenSource, int
        The shorter file, closing which closes the recording, and the timepoint of the recording at which it begins;
        None where nothing can be left out, or something else lies between the frames.
    """
    position = opened.file.tell()
    try:
        return _shortened(opened, timepoint)
    finally:
        opened.file.seek(position, io.SEEK_SET)


def _shortened(opened: OpenSource, timepoint: int) -> tuple[OpenSource, int] | None:
    start = tag_bytes(opened.peek(10))
    frame = opened.peek(_BLOCK_BYTES >> 8, at=start)
    stream = _stream_of(frame) if len(frame) >= 4 else None
    if stream is None or not stream.first & 1:  # what is changed here would belie a checksum
        return None
    n_wanted = timepoint // stream.n_timepoints
    offsets = list(_frame_offsets(opened, stream, start, n_wanted))
    n_left_out = _n_left_out(stream, offsets) if len(offsets) == n_wanted else 0
    if n_left_out <= 0:
        return None
    frame = frame[: stream.length(frame)]
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if tag < 0:  # without a frame of counts, mpg123 makes another estimate of another length
        return None
    begin = n_left_out + 1
    n_silent = _n_silent(stream, offsets, begin)
    silent, rest = _silent(opened, stream, offsets[begin : begin + n_silent + 1]), offsets[begin + n_silent]
    size = opened.n_bytes - offsets[begin]
    head = _with_size(frame, tag, len(frame) + size)
    shorter = _ShorterFile(opened.file.raw, head + silent, rest, opened.n_bytes)
    return OpenSource(shorter, opened.label, shorter.n_bytes), n_left_out * stream.n_timepoints


def _n_silent(stream: _Stream, offsets: list[int], begin: int) -> int:
    """How many frames from one on may lack bits of earlier ones."""
    n_bytes = n = 0
    while n_bytes < _RESERVOIR_BYTES:
        n_bytes += offsets[begin + n + 1] - offsets[begin + n] - 4 - stream.n_side_bytes
        n += 1
    return n


def _silent(opened: OpenSource, stream: _Stream, offsets: list[int]) -> bytes:
    """Make frames silent that hold bits for later ones and lack bits themselves, about which mpg123 would complain."""
    data = bytearray(opened.peek(offsets[-1] - offsets[0], at=offsets[0]))
    saved = 0  # a frame looks as far back as it may, as mpg123 hands on no bits but those that it has looked at
    for offset, following in pairwise(offsets):
        side = offset - offsets[0] + 4
        back = saved.to_bytes(1, "big") if not stream.is_version_1 else (saved << 7).to_bytes(2, "big")
        data[side : side + stream.n_side_bytes] = back.ljust(stream.n_side_bytes, b"\0")
        saved = min(saved + following - offset - 4 - stream.n_side_bytes, 511 if stream.is_version_1 else 255)
    return bytes(data)


def _with_size(frame: bytes, tag: int, n_bytes: int) -> bytes:
    """Change the size of the file in a frame of counts, about which mpg123 would complain on stderr."""
    flags = frame[tag + 7]
    at = tag + 8 + 4 * (flags & 1)
    return frame[:at] + n_bytes.to_bytes(4, "big") + frame[at + 4 :] if flags & 2 else frame


def _frame_offsets(opened: OpenSource, stream: _Stream, start: int, n: int) -> Iterator[int]:
    """Offsets of the first n frames; fewer if something lies between them or the file ends."""
    block, base, at = b"", start, start
    for _ in range(n):
        if at + 4 > base + len(block):
            block, base = opened.peek(_BLOCK_BYTES, at=at), at
        length = stream.length(block[at - base : at - base + 4])
        if not length:
            return
        yield at
        at += length


def _n_left_out(stream: _Stream, offsets: list[int]) -> int:
    """How many frames may be left out: as many as leave the sound of the last, and its reservoir, in what follows."""
    first = len(offsets) - _OVERLAP_FRAMES
    n_bytes = 0
    while n_bytes < _RESERVOIR_BYTES and first > 0:
        first -= 1
        n_bytes += offsets[first + 1] - offsets[first] - 4 - stream.n_side_bytes
    return (first - 1) // _PERIOD_FRAMES * _PERIOD_FRAMES


class _ShorterFile(io.RawIOBase):
    """Some bytes, and a file from an offset on."""

    def __init__(self, file: Any, head: bytes, rest: int, end: int) -> None:
        self._file = file
        self._head = head
        self._shift = rest - len(head)
        self._position = 0
        self.n_bytes = end - self._shift

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset  # whoever guards it knows no other way
        return offset

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        at = self._position
        if at >= len(self._head):
            self._file.seek(at + self._shift)
            n_read = int(self._file.readinto(view))
        else:
            data = self._head[at : at + len(view)]
            n_read = len(data)
            view[:n_read] = data
        self._position += n_read
        return n_read

    def close(self) -> None:
        self._file.close()
        super().close()
