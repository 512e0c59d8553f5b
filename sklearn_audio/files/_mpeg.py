"""MPEG audio (MP3, MP2): frames found from header to header, and the frame count of an MP3 (Xing, Info, VBRI)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._views import ByteReader, Link, Pieces

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
# This many consecutive frames are not a coincidence.
_SURE = 4
# How far to search for the first frame.
_SEARCHED_BYTES = (1 << 12, 1 << 16, 1 << 20)
# More consecutive tags than any file has.
_MAX_TAGS = 64
# Candidate frame headers: version, layer, bit rate and sample rate are not reserved values.
_SYNC = re.compile(
    b"\xff(?=[\xe2-\xe7\xf2-\xff][%s])"
    % b"".join(re.escape(bytes([third])) for third in range(0x10, 0xF0) if third & 0x0C != 0x0C)
)
_BLOCK_BYTES = 1 << 18
_LOOKED_AT = 6


class MpegKind(NamedTuple):
    """Header fields that all frames of a stream share."""

    sync: int
    rate: int
    mono: bool

    @property
    def layer(self) -> int:
        """Layer, 1 to 3; 4 for none."""
        return 4 - (self.sync >> 1 & 3)

    @property
    def is_version_1(self) -> bool:
        """Whether it is MPEG-1 (MPEG-2 and 2.5 have half the rates and smaller frames)."""
        return self.sync >> 3 & 3 == 3

    @property
    def side_bytes(self) -> int:
        """Bytes of side information in a frame of layer III."""
        if self.is_version_1:
            return 17 if self.mono else 32
        return 9 if self.mono else 17

    @property
    def n_timepoints(self) -> int:
        """Timepoints per frame."""
        if self.layer == 1:
            return 384
        return 1152 if self.layer == 2 or self.is_version_1 else 576


class MpegRun(NamedTuple):
    """Consecutive frames: their position, the number of complete ones, and whether a cut-off one follows."""

    start: int
    stop: int
    n_frames: int
    cut: bool


def kind_of(header: bytes) -> MpegKind | None:
    """Read a frame header; None if it is invalid or leaves the frame length open."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    kind = MpegKind(header[1] | 1, header[2] & 0x0C, header[3] >> 6 == 3)
    return kind if frame_lengths(kind)[header[2]] else None


@lru_cache(maxsize=64)
def frame_lengths(kind: MpegKind) -> tuple[int, ...]:
    """Frame length in bytes by the third byte of the header; 0 for a byte that does not fit this kind."""
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
    """Offset of the first of several consecutive frames, after tags, zeros, junk or a partial frame."""
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
    """Find all frames of the stream at an offset.

    The stream ends before frames of another kind, an ID3v2 tag, or the frame with the counts of another file.
    """
    runs = [_run(reader, start, kind)]
    while not runs[-1].cut and runs[-1].stop < reader.size and not tag_bytes(reader.at(runs[-1].stop, 10)):
        following = find_frames(reader, runs[-1].stop)
        if following is None or starts_file(reader.at(following, 64), kind):
            break
        runs.append(_run(reader, following, kind))
    return runs


def starts_file(frame: bytes, kind: MpegKind) -> bool:
    """Whether a frame is of another kind, or holds the frame count of a new file."""
    if kind_of(frame) != kind:
        return True
    side = 4 + kind.side_bytes
    return frame[side : side + 4] in (b"Xing", b"Info") or frame[36:40] == b"VBRI"


def _run(reader: ByteReader, start: int, kind: MpegKind) -> MpegRun:
    """Follow contiguous frames from an offset."""
    offset, n_frames = start, 0
    while True:
        data = reader.at(offset, _BLOCK_BYTES)
        at, n_hopped, last_bytes = _hop(data, kind, first=not n_frames)
        n_frames += n_hopped
        offset += at
        if offset > reader.size:
            return MpegRun(start, offset - last_bytes, n_frames - 1, cut=True)
        # the end, a header of another kind, or too few bytes for a header
        if offset == reader.size or at <= len(data) - _LOOKED_AT or not n_hopped:
            return MpegRun(start, offset, n_frames, cut=False)


def _hop(data: bytes, kind: MpegKind, *, first: bool) -> tuple[int, int, int]:
    """Skip frames up to the end of the data or another kind of header: offset, frames skipped, bytes of the last."""
    lengths, sync, mono = frame_lengths(kind), kind.sync, kind.mono
    at = n_frames = length = 0
    stop = len(data) - _LOOKED_AT
    while at <= stop:
        length = lengths[data[at + 2]]
        if not length or data[at] != 0xFF or data[at + 1] | 1 != sync or (data[at + 3] >= 0xC0) != mono:
            return at, n_frames, 0
        # the frame with the counts holds no sound
        if not data[at + 4] and not data[at + 5] and (at or not first) and starts_file(data[at : at + 64], kind):
            return at, n_frames, 0
        at += length
        n_frames += 1
    return at, n_frames, length


_ALL_ONES = (1 << 32) - 1
_COUNTS_FRAMES, _COUNTS_BYTES = 1, 2
# The data of a layer III frame may begin up to this many bytes before its header (bit reservoir).
_RESERVOIR_BYTES = 511
# Bytes besides the side information in a frame with the counts and LAME's fields.
_INFO_BYTES = 56
_DECODER_DELAY = 529
_ID3V1_BYTES = 128
_FEW = 128


class _Count(NamedTuple):
    """Counts in the first frame of a file."""

    frame: bytes
    n_frames: int | None
    n_bytes: int | None
    trimmed: int


def mpeg_link(reader: ByteReader) -> Link | None:
    """Count the frames of the MPEG link at the start of a file."""
    start = find_frames(reader)
    header = b"" if start is None else reader.at(start, 4)
    kind = kind_of(header)
    if start is None or kind is None:
        return None
    runs = frame_runs(reader, start, kind)
    frame = reader.at(start, frame_lengths(kind)[header[2]])
    count = _count_in(frame, kind) if starts_file(frame, kind) else None
    n_frames = sum(run.n_frames for run in runs) - (count is not None)
    # a header beyond the frame count belongs to a tag
    is_cut = runs[-1].cut and (count is None or count.n_frames != n_frames)
    stop, flaw = (reader.size, "it ends within an MPEG frame") if is_cut else (runs[-1].stop, "")
    link = Link(stop, flaw=flaw, is_mpeg=True)
    plain = len(runs) == 1 and not flaw and _is_plain(reader, start, stop)
    if count is None:
        return _uncounted(reader, kind, runs, n_frames, link, plain)
    return _counted(kind, runs, count, n_frames, link, plain)


def _is_plain(reader: ByteReader, start: int, stop: int) -> bool:
    """Whether libsndfile itself finds the first frame (directly or after a tag without footer) and the end."""
    head, left = reader.at(0, 10), reader.size - stop
    # mpg123 prints to stderr if the byte count of an MP3 is off by one percent
    ends = left * _FEW < stop or (left == _ID3V1_BYTES and reader.at(stop, 3) == b"TAG")
    return ends and start == tag_bytes(head) and not (start and head[5] & 0x10)


def _count_in(frame: bytes, kind: MpegKind) -> _Count:
    if frame[36:40] == b"VBRI":
        return _Count(frame, _known(frame[50:54]), _known(frame[46:50]), 0)
    at = 8 + kind.side_bytes
    flags = int.from_bytes(frame[at : at + 4], "big")
    n_frames = _known(frame[at + 4 : at + 8]) if flags & _COUNTS_FRAMES else None
    n_bytes = _known(frame[_bytes_offset(at, flags) :][:4]) if flags & _COUNTS_BYTES else None
    trim = frame[_trim_offset(at, flags) :][:3]
    is_lame = len(trim) == 3 and flags & 15 and frame[_trim_offset(at, flags) - 21 :][:4].strip(b"\0")
    bits = int.from_bytes(trim, "big") if is_lame else 0
    return _Count(frame, n_frames, n_bytes, (bits >> 12) + (bits & 0xFFF))


def _known(field: bytes) -> int | None:
    number = int.from_bytes(field, "big")
    return number if 0 < number < _ALL_ONES else None


def _number(number: int) -> bytes:
    """Write a number clipped to four bytes (a file may exceed 4 GiB)."""
    return min(max(0, number), _ALL_ONES).to_bytes(4, "big")


def _bytes_offset(at: int, flags: int) -> int:
    return at + 4 + 4 * (flags & _COUNTS_FRAMES)


def _trim_offset(at: int, flags: int) -> int:
    """Offset of the trimming field: after the flags, the fields they announce, and the encoder's name."""
    return at + 4 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2 + 21


def _counted(kind: MpegKind, runs: list[MpegRun], count: _Count, n_frames: int, link: Link, plain: bool) -> Link:
    """Correct the counts to the frames that are present."""
    n_bytes = sum(run.stop - run.start for run in runs)
    lost = count.n_frames is not None and count.n_frames > n_frames + 1
    sized = count.n_bytes is None or abs(count.n_bytes - n_bytes) * _FEW < n_bytes
    if plain and sized and count.n_frames == n_frames:
        return link
    frame = _with_count(count.frame, kind, n_frames, n_bytes, keep_end=lost or bool(link.flaw))
    first = (runs[0].start + len(count.frame), runs[0].stop)
    link = link._replace(pieces=(frame, first, *((run.start, run.stop) for run in runs[1:])))
    if not lost and not link.flaw:
        return link
    promised = None if count.n_frames is None else count.n_frames * kind.n_timepoints - count.trimmed
    return link._replace(promised=promised, flaw=link.flaw or "frames are missing")


def _with_count(frame: bytes, kind: MpegKind, n_frames: int, n_bytes: int, *, keep_end: bool) -> bytes:
    """Write the counts of frames and bytes into the first frame; `keep_end` also clears the trimming of the end."""
    if frame[36:40] == b"VBRI":
        return frame[:46] + _number(n_bytes) + _number(n_frames) + frame[54:]
    at = 8 + kind.side_bytes
    flags = int.from_bytes(frame[at : at + 4], "big")
    rest = frame[at + 4 + 4 * (flags & 1) + 2 * (flags & 2) :]
    flags |= _COUNTS_FRAMES | _COUNTS_BYTES
    fields = _number(flags) + _number(n_frames) + _number(n_bytes)
    counted = bytearray((frame[:at] + fields + rest).ljust(len(frame), b"\0")[: len(frame)])
    end = _trim_offset(at, flags) + 1
    if keep_end and end + 1 < len(counted):
        counted[end] &= 0xF0
        counted[end + 1] = 0
    return bytes(counted)


def _uncounted(reader: ByteReader, kind: MpegKind, runs: list[MpegRun], n_frames: int, link: Link, plain: bool) -> Link:
    """Prepend a frame with counts, as libsndfile only estimates the length without one."""
    stretches: Pieces = tuple((run.start, run.stop) for run in runs)
    n_timepoints = n_frames * kind.n_timepoints
    if kind.layer != 3:
        return link._replace(pieces=stretches, n_timepoints=n_timepoints if plain else None)
    silenced = _without_reservoir(reader, kind, runs[0])
    resumed = silenced[-1][1] if silenced and isinstance(silenced[-1], tuple) else runs[0].start
    info = _info_frames(reader.at(runs[0].start, 4), kind, n_frames, sum(run.stop - run.start for run in runs))
    pieces = (info, *silenced, (resumed, runs[0].stop), *stretches[1:])
    return link._replace(pieces=pieces, n_timepoints=n_timepoints if plain and not silenced else None)


def _info_frames(header: bytes, kind: MpegKind, n_frames: int, n_bytes: int) -> bytes:
    """Make a frame of the same kind that holds the counts, and a silent one for mpg123 to trim as decoder delay."""
    lengths = frame_lengths(kind)
    third = next(third for third in range(kind.rate, 256, 16) if lengths[third] >= kind.side_bytes + _INFO_BYTES)
    silent = (bytes([header[0], kind.sync, third, header[3]]) + bytes(kind.side_bytes)).ljust(lengths[third], b"\0")
    fields = (_COUNTS_FRAMES | _COUNTS_BYTES, n_frames + 1, n_bytes + 2 * len(silent))
    trimmed = kind.n_timepoints - _DECODER_DELAY << 12 | _DECODER_DELAY  # trim at the start only
    info = b"Info" + b"".join(_number(field) for field in fields)
    info += b"LAME".ljust(21, b"\0") + trimmed.to_bytes(3, "big")
    return (silent[: 4 + kind.side_bytes] + info).ljust(len(silent), b"\0") + silent


def _without_reservoir(reader: ByteReader, kind: MpegKind, run: MpegRun) -> Pieces:
    """Silence the first frames, whose data begin in missing frames; their bytes still fill the reservoir."""
    pieces: list[tuple[int, int] | bytes] = []
    at, saved, lengths = run.start, 0, frame_lengths(kind)
    while at < run.stop:
        header = reader.at(at, 8)
        side = at + (4 if header[1] & 1 else 6)
        begin = int.from_bytes(reader.at(side, 2), "big") >> 7 if kind.is_version_1 else reader.at(side, 1)[0]
        if begin <= saved:
            break
        stop = at + lengths[header[2]]
        # mpg123 keeps only those earlier bytes that each frame refers to
        reach = (saved << 7).to_bytes(2, "big") if kind.is_version_1 else bytes([min(saved, 255)])
        pieces += [(at, side), reach.ljust(kind.side_bytes, b"\0"), (side + kind.side_bytes, stop)]
        saved = min(_RESERVOIR_BYTES, saved + stop - side - kind.side_bytes)
        at = stop
    return tuple(pieces)
