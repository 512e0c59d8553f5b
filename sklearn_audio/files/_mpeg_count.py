"""The count of frames at the start of an MP3 (Xing, Info, VBRI), held against the frames that are there."""

from __future__ import annotations

from typing import NamedTuple

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._links import Link
from sklearn_audio.files._mpeg import MpegKind, MpegRun, find_frames, frame_lengths, frame_runs, kind_of, starts_file
from sklearn_audio.files._views import ByteReader, Pieces

__all__ = ["mpeg_link"]

_ALL_ONES = (1 << 32) - 1
_COUNTS_FRAMES, _COUNTS_BYTES = 1, 2
# A frame of layer III may begin up to so many bytes before its header, in the frames before it.
_RESERVOIR_BYTES = 511
# Bytes beside the side information of a frame that holds the counts and LAME's fields.
_INFO_BYTES = 56
_DECODER_DELAY = 529
_ID3V1_BYTES = 128
_FEW = 128


class _Count(NamedTuple):
    """What the first frame says of the others."""

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
    # what looks like the header of one more frame than there are by the count is part of some tag
    is_cut = runs[-1].cut and (count is None or count.n_frames != n_frames)
    stop, flaw = (reader.size, "it ends within an MPEG frame") if is_cut else (runs[-1].stop, "")
    link = Link(stop, flaw=flaw, is_mpeg=True)
    plain = len(runs) == 1 and not flaw and _is_plain(reader, start, stop)
    if count is None:
        return _uncounted(reader, kind, runs, n_frames, link, plain)
    return _counted(kind, runs, count, n_frames, link, plain)


def _is_plain(reader: ByteReader, start: int, stop: int) -> bool:
    """Whether libsndfile finds the first frame by itself, at once or after a tag without a footer, and also the end."""
    head, left = reader.at(0, 10), reader.size - stop
    # mpg123 complains on stderr if the number of bytes that an MP3 counts is off by a hundredth
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
    """Write a number, or the nearest that four bytes hold: a file may have more than 4 GiB."""
    return min(max(0, number), _ALL_ONES).to_bytes(4, "big")


def _bytes_offset(at: int, flags: int) -> int:
    return at + 4 + 4 * (flags & _COUNTS_FRAMES)


def _trim_offset(at: int, flags: int) -> int:
    """Offset of the timepoints to trim: after the flags, the fields they name, and the encoder's name."""
    return at + 4 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2 + 21


def _counted(kind: MpegKind, runs: list[MpegRun], count: _Count, n_frames: int, link: Link, plain: bool) -> Link:
    """Make the count say what is there."""
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
    """Write the numbers of frames and bytes into the first frame, with `keep_end` also that no end is to be trimmed."""
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
    """Put a frame with a count in front of frames that are not counted, whose number libsndfile could only guess."""
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
    """Make a frame of the same kind that holds the counts, and a silent one.

    mpg123 trims the delay of a decoder from whatever has counts; the silent frame is what it trims.
    """
    lengths = frame_lengths(kind)
    third = next(third for third in range(kind.rate, 256, 16) if lengths[third] >= kind.side_bytes + _INFO_BYTES)
    silent = (bytes([header[0], kind.sync, third, header[3]]) + bytes(kind.side_bytes)).ljust(lengths[third], b"\0")
    fields = (_COUNTS_FRAMES | _COUNTS_BYTES, n_frames + 1, n_bytes + 2 * len(silent))
    trimmed = kind.n_timepoints - _DECODER_DELAY << 12 | _DECODER_DELAY  # at the start, and nothing at the end
    info = b"Info" + b"".join(_number(field) for field in fields)
    info += b"LAME".ljust(21, b"\0") + trimmed.to_bytes(3, "big")
    return (silent[: 4 + kind.side_bytes] + info).ljust(len(silent), b"\0") + silent


def _without_reservoir(reader: ByteReader, kind: MpegKind, run: MpegRun) -> Pieces:
    """Silence the first frames that begin in frames which are not there; their bytes still serve the frames after."""
    pieces: list[tuple[int, int] | bytes] = []
    at, saved, lengths = run.start, 0, frame_lengths(kind)
    while at < run.stop:
        header = reader.at(at, 8)
        side = at + (4 if header[1] & 1 else 6)
        begin = int.from_bytes(reader.at(side, 2), "big") >> 7 if kind.is_version_1 else reader.at(side, 1)[0]
        if begin <= saved:
            break
        stop = at + lengths[header[2]]
        # mpg123 keeps of earlier frames only what each frame reaches back to
        reach = (saved << 7).to_bytes(2, "big") if kind.is_version_1 else bytes([min(saved, 255)])
        pieces += [(at, side), reach.ljust(kind.side_bytes, b"\0"), (side + kind.side_bytes, stop)]
        saved = min(_RESERVOIR_BYTES, saved + stop - side - kind.side_bytes)
        at = stop
    return tuple(pieces)
