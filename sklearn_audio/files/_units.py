"""Containers of consecutive boxes, blocks, frames or packets: whether the last is complete, or a new file follows."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_audio.files._content import tag_bytes
from sklearn_audio.files._views import MAGICS, ByteReader, Link

_CUT = "it is cut short"
_EBML = b"\x1aE\xdf\xa3"
_ASF = b"0&\xb2u\x8ef\xcf\x11"
_VOC = b"Creative Voice File\x1a"
_HEAD_BYTES = 32
_BLOCK_BYTES = 1 << 18
# Padding that programs append to any kind of file.
_PADDING = b"\0\r\n "
_AC3_BIT_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
# Bytes per frame by type, at 8 and 16 kHz; the last ones are silence and no data.
_AMR = dict(enumerate((13, 14, 16, 18, 20, 21, 27, 32, 6))) | {15: 1}
_AMR_WIDE = dict(enumerate((18, 24, 33, 37, 41, 47, 51, 59, 61, 6))) | {14: 1, 15: 1}
_MAT4_WIDTHS = (8, 4, 4, 2, 2, 1)
# Stream ids of MPEG audio and AAC, and of other sound, such as AC-3.
_SOUND_STREAMS = (*range(0xC0, 0xE0), 0xBD, 0xFD)
# One of this many last packets begins a PES packet of sound.
_MAX_TS_PACKETS = 20_000


class _Chain(NamedTuple):
    """Rules of a container of consecutive units: its magic, unit length, magic of a new file, and error text."""

    opens: Callable[[bytes], bool]
    bytes_of: Callable[[bytes], int]
    again: Callable[[bytes], bool] | None = None
    flaw: str = _CUT
    block: int = _HEAD_BYTES
    slack: int = 0


def unit_link(reader: ByteReader) -> Link | None:
    """Find the end of the first recording in a chain of units; None for any other file."""
    start = tag_bytes(reader.at(0, 10))
    head = reader.at(start, _HEAD_BYTES)
    if head[:4] == b"TTA1":
        return _tta(reader, start)
    if head[:1] == b"G":
        return _transport_stream(reader)
    chain = next((chain for chain in _CHAINS if chain.opens(head)), None)
    return None if chain is None else _follow(reader, chain, start)


def _follow(reader: ByteReader, chain: _Chain, start: int) -> Link:
    """Skip from unit to unit."""
    at, base, data = start, start, b""
    while at < reader.size:
        if at - base + _HEAD_BYTES > len(data):
            data, base = reader.at(at, chain.block), at
        head = data[at - base : at - base + _HEAD_BYTES]
        if not head:
            break  # the file shrank meanwhile
        if at > start and chain.again is not None and chain.again(head):
            return Link(at)
        length = chain.bytes_of(head) or _tag(head)
        if not length:
            is_cut = len(head) < 8 and bool(head.strip(_PADDING))
            return Link(at if head.startswith(MAGICS) else reader.size, flaw=chain.flaw if is_cut else "")
        at = _next_unit(reader, chain, at + length)
    return Link(reader.size, flaw=chain.flaw if at > reader.size + chain.slack else "")


def _next_unit(reader: ByteReader, chain: _Chain, at: int) -> int:
    """Offset of the next unit; that of a new file may come up to `slack` bytes before the declared end."""
    for offset in range(at, at - chain.slack, -1):
        if chain.again is not None and chain.again(reader.at(offset, _HEAD_BYTES)):
            return offset
    return at


def _tag(head: bytes) -> int:
    """Length of a tag; 0 for none."""
    if head.startswith(b"APETAGEX"):
        return 32 + _little(head[12:16])
    return 128 if head.startswith(b"TAG") else tag_bytes(head)


def _begins(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _big(field: bytes) -> int:
    return int.from_bytes(field, "big")


def _little(field: bytes) -> int:
    return int.from_bytes(field, "little")


def _box(head: bytes) -> int:
    """Length of an MP4 box; 0 for one that extends to the end."""
    size = _big(head[8:16]) if head[:4] == b"\0\0\0\1" else _big(head[:4])
    return size if size >= 8 and head[4:8].isalnum() else 0


def _avi_list(head: bytes) -> int:
    return 8 + _little(head[4:8]) + (head[4] & 1) if head[:4] == b"RIFF" and len(head) > 8 else 0


def _element(head: bytes) -> int:
    """Length of a WebM element; for one of unknown size, that of its header, so that its content is scanned."""
    if len(head) < 2 or head[0] < 0x10:
        return 0
    start = 9 - head[0].bit_length()
    first = head[start : start + 1]
    n_bytes = 9 - first[0].bit_length() if first and first[0] else 1
    size, all_ones = _big(head[start : start + n_bytes]), (1 << 8 * n_bytes) - 1
    size &= all_ones >> n_bytes
    return start + n_bytes + (0 if size == all_ones >> n_bytes else size)


def _asf_object(head: bytes) -> int:
    size = _little(head[16:24])
    return size if size >= 24 else 0


def _flv_tag(head: bytes) -> int:
    if head.startswith(b"FLV"):
        return _big(head[5:9]) + 4
    return 15 + _big(head[1:4]) if head[0] in (8, 9, 18) else 0


def _voc_block(head: bytes) -> int:
    """Length of a VOC block; a zero ends the file."""
    if head.startswith(_VOC):
        return _little(head[20:22])
    if head[0] == 0:
        return 1 if head[1:] in (b"",) or head[1:].startswith(_VOC) else 0
    return 4 + _little(head[1:4]) if head[0] < 10 and len(head) >= 4 else 0


def _real_chunk(head: bytes) -> int:
    size = _big(head[4:8])
    return size if size >= 10 and (head[:4].isalnum() or head[:1] == b".") else 0


def _wavpack_block(head: bytes) -> int:
    return 8 + _little(head[4:8]) if head[:4] == b"wvpk" else 0


def _first_wavpack_block(head: bytes) -> bool:
    return head[:4] == b"wvpk" and not any(head[16:20]) and not head[10] and bool(head[25] & 8)


def _ac3_frame(head: bytes) -> int:
    """Length of an AC-3 or E-AC-3 frame."""
    if len(head) < 6 or head[:2] != b"\x0bw":
        return 0
    if head[5] >> 3 > 10:
        return 2 * ((head[2] & 7) << 8 | head[3]) + 2
    rate, code = head[4] >> 6, head[4] & 63
    if rate == 3 or code >= 2 * len(_AC3_BIT_RATES):
        return 0
    bit_rate = _AC3_BIT_RATES[code >> 1]
    return (4 * bit_rate, 2 * (320 * bit_rate // 147 + (code & 1)), 6 * bit_rate)[rate]


def _is_adts(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _adts_frame(head: bytes) -> int:
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if _is_adts(head) and len(head) >= 7 else 0
    return length if length >= 7 else 0


def _latm_frame(head: bytes) -> int:
    return 3 + ((head[1] & 0x1F) << 8 | head[2]) if len(head) > 2 and _is_latm(head) else 0


def _is_latm(head: bytes) -> bool:
    return head[:1] == b"V" and head[1] & 0xE0 == 0xE0


def _amr_frame(head: bytes, lengths: dict[int, int] = _AMR, magic: bytes = b"#!AMR\n") -> int:
    if head.startswith(magic):
        return len(magic)
    return lengths.get(head[0] >> 3 & 15, 0) if not head[0] & 0x83 else 0


def _wide_amr_frame(head: bytes) -> int:
    return _amr_frame(head, _AMR_WIDE, b"#!AMR-WB\n")


def _is_mat4(head: bytes) -> bool:
    return head[20:30] == b"samplerate"


def _mat4_matrix(head: bytes) -> int:
    kind, n_rows, n_columns, imaginary, n_letters = struct.unpack("<5I", head[:20]) if len(head) >= 20 else (99,) * 5
    if kind % 10 or kind // 10 >= len(_MAT4_WIDTHS):
        return 0
    return int(20 + n_letters + n_rows * n_columns * (1 + imaginary) * _MAT4_WIDTHS[kind // 10])


def _mat5_element(head: bytes) -> int:
    if head.startswith(b"MATLAB 5.0"):
        return 128
    return 8 + _little(head[4:8]) if _little(head[:4]) in (14, 15) else 0


_IN_AAC = "it ends within an AAC frame"
_AMR_CUT = "it ends within an AMR frame"
_CHAINS = (
    _Chain(lambda head: head[4:8] in (b"ftyp", b"moov"), _box, lambda head: head[4:8] == b"ftyp"),
    _Chain(_begins(_EBML), _element, _begins(_EBML), block=_BLOCK_BYTES >> 4),
    _Chain(lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ", _avi_list, lambda head: head[8:12] == b"AVI "),
    _Chain(_begins(_ASF), _asf_object, _begins(_ASF)),
    _Chain(_begins(b"FLV\x01"), _flv_tag, _begins(b"FLV\x01"), block=_BLOCK_BYTES),
    _Chain(_begins(_VOC), _voc_block, _begins(_VOC)),
    _Chain(_begins(b".RMF"), _real_chunk, _begins(b".RMF"), slack=16),
    _Chain(_begins(b"wvpk"), _wavpack_block, _first_wavpack_block),
    _Chain(_begins(b"MATLAB 5.0"), _mat5_element, _begins(b"MATLAB 5.0"), slack=16),
    _Chain(_is_mat4, _mat4_matrix, _is_mat4),
    _Chain(_begins(b"#!AMR\n"), _amr_frame, _begins(b"#!AMR\n"), _AMR_CUT, _BLOCK_BYTES),
    _Chain(_begins(b"#!AMR-WB\n"), _wide_amr_frame, _begins(b"#!AMR-WB\n"), _AMR_CUT, _BLOCK_BYTES),
    _Chain(_begins(b"\x0bw"), _ac3_frame, None, "it ends within an AC-3 frame", _BLOCK_BYTES),
    _Chain(_is_adts, _adts_frame, None, _IN_AAC, _BLOCK_BYTES),
    _Chain(_is_latm, _latm_frame, None, _IN_AAC, _BLOCK_BYTES),
)


def _tta(reader: ByteReader, start: int) -> Link:
    """Add up the frame lengths in the seek table of True Audio."""
    head = reader.at(start, 22)
    rate, n_timepoints = _little(head[10:14]), _little(head[14:18])
    n_frames = -(-n_timepoints * 245 // (256 * rate)) if rate else 0
    table = np.frombuffer(reader.at(start + 22, 4 * n_frames), dtype="<u4")
    stop = start + 26 + 4 * n_frames + int(table.sum(dtype=np.int64))
    if len(table) < n_frames or stop > reader.size:
        return Link(reader.size, flaw=_CUT)
    while tag := _tag(reader.at(stop, _HEAD_BYTES)):
        stop += tag
    return Link(stop if reader.at(stop, 4) == b"TTA1" else reader.size)


def _transport_stream(reader: ByteReader) -> Link | None:
    """Check whether the last packet and the last PES packet of sound are complete."""
    size = next((n for n in (188, 192, 204) if reader.at(n, 1) == reader.at(2 * n, 1) == b"G"), 0)
    if not size:
        return None
    is_cut = reader.size % size or _ends_within_payload(reader, size)
    return Link(reader.size, flaw="it ends within an MPEG-TS packet" if is_cut else "")


def _ends_within_payload(reader: ByteReader, size: int) -> bool:
    """Whether the last PES packet of sound declares more bytes than follow."""
    n_following: dict[int, int] = {}
    n_packets = reader.size // size
    for i in range(n_packets - 1, max(-1, n_packets - _MAX_TS_PACKETS), -1):
        packet = reader.at(i * size, 188)
        start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        pid, payload = _big(packet[1:3]) & 0x1FFF, packet[start:] if packet[3] & 0x10 else b""
        n_following[pid] = n_following.get(pid, 0) + len(payload)
        if packet[1] & 0x40 and payload[:3] == b"\0\0\1" and payload[3] in _SOUND_STREAMS:
            promised = _big(payload[4:6])
            return promised + 6 > n_following[pid]
    return False
