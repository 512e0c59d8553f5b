"""Seeking in an MPEG stream: a view of the file without the earlier frames, except those still needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._mpeg import MpegKind, frame_lengths, kind_of
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._views import view_of

# Size of the bit reservoir, and the frames that overlap and filters reach back.
_RESERVOIR_BYTES = 511
_OVERLAP_FRAMES = 16
# The rounding of mpg123's synthesis filter has this period in frames.
_PERIOD_FRAMES = 8
_BLOCK_BYTES = 1 << 20


def shortened_mpeg(opened: OpenSource, timepoint: int) -> tuple[OpenSource, int] | None:
    """Remove the frames before a timepoint, except for a pre-roll: the view and its first timepoint."""
    position = opened.tell()
    try:
        return _shortened(opened, timepoint)
    finally:
        opened.seek(position, io.SEEK_SET)


def _shortened(opened: OpenSource, timepoint: int) -> tuple[OpenSource, int] | None:
    start = tag_bytes(opened.peek(10))
    frame = opened.peek(_BLOCK_BYTES >> 8, at=start)
    stream = kind_of(frame)
    if stream is None or stream.layer != 3 or not frame[1] & 1:  # the changes below would invalidate a checksum
        return None
    n_wanted = timepoint // stream.n_timepoints
    offsets = list(_frame_offsets(opened, stream, start, n_wanted))
    n_left_out = _n_left_out(stream, offsets) if len(offsets) == n_wanted else 0
    if n_left_out <= 0:
        return None
    frame = frame[: frame_lengths(stream)[frame[2]]]
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if tag < 0:  # without a frame count, mpg123 would estimate a different length
        return None
    begin = n_left_out + 1
    n_silent = _n_silent(stream, offsets, begin)
    silent, rest = _silent(opened, stream, offsets[begin : begin + n_silent + 1]), offsets[begin + n_silent]
    head = _with_size(frame, tag, len(frame) + opened.n_bytes - offsets[begin])
    shorter = view_of(opened, (head + silent, (rest, opened.n_bytes)), owns=True)
    return shorter, n_left_out * stream.n_timepoints


def _n_silent(stream: MpegKind, offsets: list[int], begin: int) -> int:
    """Number of frames, from one on, that may lack bits of earlier frames."""
    n_bytes = n = 0
    while n_bytes < _RESERVOIR_BYTES:
        n_bytes += offsets[begin + n + 1] - offsets[begin + n] - 4 - stream.side_bytes
        n += 1
    return n


def _silent(opened: OpenSource, stream: MpegKind, offsets: list[int]) -> bytes:
    """Silence frames that only serve as reservoir: they lack bits themselves, and mpg123 would print to stderr."""
    data = bytearray(opened.peek(offsets[-1] - offsets[0], at=offsets[0]))
    saved = 0  # refer back as far as allowed: mpg123 keeps only bits that a frame refers to
    for offset, following in pairwise(offsets):
        side = offset - offsets[0] + 4
        back = saved.to_bytes(1, "big") if not stream.is_version_1 else (saved << 7).to_bytes(2, "big")
        data[side : side + stream.side_bytes] = back.ljust(stream.side_bytes, b"\0")
        saved = min(saved + following - offset - 4 - stream.side_bytes, 511 if stream.is_version_1 else 255)
    return bytes(data)


def _with_size(frame: bytes, tag: int, n_bytes: int) -> bytes:
    """Correct the byte count, or mpg123 would print to stderr."""
    flags = frame[tag + 7]
    at = tag + 8 + 4 * (flags & 1)
    return frame[:at] + n_bytes.to_bytes(4, "big") + frame[at + 4 :] if flags & 2 else frame


def _frame_offsets(opened: OpenSource, stream: MpegKind, start: int, n: int) -> Iterator[int]:
    """Offsets of the first n frames; fewer if they are not contiguous or the file ends."""
    block, base, at = b"", start, start
    for _ in range(n):
        if at + 4 > base + len(block):
            block, base = opened.peek(_BLOCK_BYTES, at=at), at
        header = block[at - base : at - base + 4]
        if kind_of(header) != stream or not header[1] & 1:
            return
        yield at
        at += frame_lengths(stream)[header[2]]


def _n_left_out(stream: MpegKind, offsets: list[int]) -> int:
    """Number of frames that can be removed, keeping the overlap and the reservoir of the last."""
    first = len(offsets) - _OVERLAP_FRAMES
    n_bytes = 0
    while n_bytes < _RESERVOIR_BYTES and first > 0:
        first -= 1
        n_bytes += offsets[first + 1] - offsets[first] - 4 - stream.side_bytes
    return (first - 1) // _PERIOD_FRAMES * _PERIOD_FRAMES
