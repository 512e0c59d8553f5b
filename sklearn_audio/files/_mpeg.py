"""MPEG audio (MP3, MP2): its frames, found by hopping from header to header, which decodes nothing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._views import ByteReader

__all__ = ["MpegKind", "MpegRun", "find_frames", "frame_lengths", "frame_runs", "kind_of", "starts_file"]

# kbit/s by index, by layer; of version 1, and of versions 2 and 2.5.
_BIT_RATES = {
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_LOW_BIT_RATES = {
    1: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
# So many frames in a row are no accident.
_SURE = 4
# Junk in front of the first frame is searched through so far.
_SEARCHED_BYTES = (1 << 12, 1 << 16, 1 << 20)
# More tags in a row than any file has.
_MAX_TAGS = 64
# What may begin a frame: version, layer, bit rate and sample rate are none of those that are reserved.
_SYNC = re.compile(
    b"\xff(?=[\xe2-\xe7\xf2-\xff][%s])"
    % b"".join(re.escape(bytes([third])) for third in range(0x10, 0xF0) if third & 0x0C != 0x0C)
)
_BLOCK_BYTES = 1 << 18
_LOOKED_AT = 6


class MpegKind(NamedTuple):
    """What all frames of a stream have in common."""

    sync: int
    rate: int
    mono: bool

    @property
    def layer(self) -> int:
        """Layer, 1 to 3; 4 for none."""
        return 4 - (self.sync >> 1 & 3)

    @property
    def is_version_1(self) -> bool:
        """Whether it is MPEG-1; MPEG-2 and 2.5 have half the rates and smaller frames."""
        return self.sync >> 3 & 3 == 3

    @property
    def side_bytes(self) -> int:
        """Bytes of side information in a frame of layer III."""
        if self.is_version_1:
            return 17 if self.mono else 32
        return 9 if self.mono else 17

    @property
    def n_timepoints(self) -> int:
        """Timepoints of a frame."""
        if self.layer == 1:
            return 384
        return 1152 if self.layer == 2 or self.is_version_1 else 576


class MpegRun(NamedTuple):
    """Frames one after another: where they lie, how many are whole, and whether another one is cut off."""

    start: int
    stop: int
    n_frames: int
    cut: bool


def kind_of(header: bytes) -> MpegKind | None:
    """Read a frame header; None if it is none, or leaves the length of its frame open."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    kind = MpegKind(header[1] | 1, header[2] & 0x0C, header[3] >> 6 == 3)
    return kind if frame_lengths(kind)[header[2]] else None


@lru_cache(maxsize=64)
def frame_lengths(kind: MpegKind) -> tuple[int, ...]:
    """Bytes of a frame by the third byte of its header; 0 where that belongs to no such frame."""
    version = kind.sync >> 3 & 3
    if version == 1 or kind.layer == 4 or kind.rate == 0x0C:
        return (0,) * 256
    rate = _RATES[version][kind.rate >> 2]
    bit_rates = (0, *(_BIT_RATES if kind.is_version_1 else _LOW_BIT_RATES)[kind.layer], 0)
    lengths = [0] * 256
    for third in range(256):
        if bit_rates[third >> 4] and third & 0x0C == kind.rate:
            slots = kind.n_timepoints // 8 * 1000 * bit_rates[third >> 4]
            padding = third >> 1 & 1
            lengths[third] = (slots // 4 // rate + padding) * 4 if kind.layer == 1 else slots // rate + padding
    return tuple(lengths)


def find_frames(reader: ByteReader, offset: int = 0) -> int | None:
    """Offset of the first of a few frames in a row, after tags, zeros, junk or the rest of a frame."""
    for _ in range(_MAX_TAGS):
        n_bytes = tag_bytes(reader.at(offset, 10))
        if not n_bytes or offset + n_bytes >= reader.size:
            break
        offset += n_bytes
    for n_bytes in _SEARCHED_BYTES:
        data = reader.at(offset, n_bytes)
        for found in _SYNC.finditer(data):
            at = found.start()
            kind = kind_of(data[at : at + 4])
            if kind is not None and _is_sure(data, at, kind):
                return offset + at
        if len(data) < n_bytes:
            break
    return None


def _is_sure(data: bytes, at: int, kind: MpegKind) -> bool:
    for n_before in range(1, _SURE):
        at += frame_lengths(kind)[data[at + 2]]
        if at == len(data) and n_before > 1:
            return True
        if kind_of(data[at : at + 4]) != kind:
            return False
    return True


def frame_runs(reader: ByteReader, start: int, kind: MpegKind) -> list[MpegRun]:
    """Find all frames of a stream that begins at an offset.

    The stream ends where frames of another kind follow, or an ID3v2 tag, or a frame that counts those of another file.
    """
    runs = [_run(reader, start, kind)]
    while not runs[-1].cut and runs[-1].stop < reader.size and not tag_bytes(reader.at(runs[-1].stop, 10)):
        following = find_frames(reader, runs[-1].stop)
        if following is None or starts_file(reader.at(following, 64), kind):
            break
        runs.append(_run(reader, following, kind))
    return runs


def starts_file(frame: bytes, kind: MpegKind) -> bool:
    """Whether a frame is of another kind, or counts the frames of the file that begins with it."""
    if kind_of(frame) != kind:
        return True
    side = 4 + kind.side_bytes
    return frame[side : side + 4] in (b"Xing", b"Info") or frame[36:40] == b"VBRI"


def _run(reader: ByteReader, start: int, kind: MpegKind) -> MpegRun:
    """Follow the frames from an offset on, as long as one begins where another ends."""
    offset, n_frames = start, 0
    while True:
        data = reader.at(offset, _BLOCK_BYTES)
        at, n_hopped, last_bytes = _hop(data, kind, first=not n_frames)
        n_frames += n_hopped
        offset += at
        if offset > reader.size:
            return MpegRun(start, offset - last_bytes, n_frames - 1, cut=True)
        if (
            offset == reader.size or at <= len(data) - _LOOKED_AT or not n_hopped
        ):  # what is no such frame, or too few bytes for one
            return MpegRun(start, offset, n_frames, cut=False)


def _hop(data: bytes, kind: MpegKind, *, first: bool) -> tuple[int, int, int]:
    """Hop to the end of the data, or to what is no such frame: offset, frames passed, bytes of the last."""
    lengths, sync, mono = frame_lengths(kind), kind.sync, kind.mono
    at = n_frames = length = 0
    stop = len(data) - _LOOKED_AT
    while at <= stop:
        length = lengths[data[at + 2]]
        if not length or data[at] != 0xFF or data[at + 1] | 1 != sync or (data[at + 3] >= 0xC0) != mono:
            return at, n_frames, 0
        # a frame that counts others has no sound
        if not data[at + 4] and not data[at + 5] and (at or not first) and starts_file(data[at : at + 64], kind):
            return at, n_frames, 0
        at += length
        n_frames += 1
    return at, n_frames, length
