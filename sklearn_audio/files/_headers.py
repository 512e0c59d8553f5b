"""Containers with one fixed header (AU, SPHERE, AVR, XI, IRCAM and more): position and size of their samples."""

from __future__ import annotations

import re
import struct
from fractions import Fraction
from functools import partial

from sklearn_audio.files._chunks import SampleData, closed, packed
from sklearn_audio.files._views import ByteReader

_AU_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
_SPHERE_COUNT = re.compile(rb"(?m)^sample_count[ \t]+-i ([^\n]+)$")
_PVF_FIELDS = re.compile(rb"PVF1\s(\d+) \d+ (\d+)\n")
_PAF_WIDTHS = (2, 0, 1)
# NUT, WTV and Flash; their headers are not parsed.
_ENDLESS = (b"nut/multimedia container\0", b"\xb7\xd8\0 7I\xda\x11\xa6N\0\x07\xe9^\xad\x8d", b"FWS")
# Offset of the headers of the sounds in an instrument, and the size of one.
_XI_SOUNDS, _XI_SOUND_BYTES = 298, 40
# Bytes of a packet in a MIDI sample dump, and how many of them hold samples, seven bits each.
_SDS_PACKET, _SDS_CONTENT = 127, 120


def in_header(reader: ByteReader) -> SampleData | None:
    """Find the samples of a container with a fixed header; None for any other file."""
    head = reader.at(0, 64)
    if head[:4] in (b".snd", b"dns.") and len(head) >= 24:
        return _in_au(head)
    if head[:8] == b"NIST_1A\n":
        return _in_sphere(reader)
    if head[:4] == b"2BIT" and len(head) >= 30:
        bits, n_timepoints = struct.unpack(">14xh10xI", head[:30])
        return _counted(head, ">I", 26, n_timepoints, (2 if any(head[12:14]) else 1) * bits // 8, 128)
    if head[:15] == b"ALawSoundFile**" and len(head) >= 32:
        return _counted(head, ">I", 18, int.from_bytes(head[18:22], "big"), 1, 32)
    if head[:2] == b"\1\4" and len(head) >= 42 and head[21] < 2:
        return _counted(head, "<I", 30, int.from_bytes(head[30:34], "little"), 2 * (1 + head[21]), 42)
    if head[:4] == b".SoX" and len(head) >= 32:
        start, n_samples, channels = struct.unpack("<4xIQ8xI", head[:28])
        return SampleData(start + 4, 4 * n_samples, Fraction(4 * channels) or None)
    if head[:2] == b"\xf0\x7e" and len(head) >= 21:
        return _in_sds(head)
    if head[:20] == b"Extended Instrument:":
        return _in_xi(reader)
    return _in_endless(head)


def _counted(head: bytes, code: str, at: int, count: int, width: int, start: int) -> SampleData | None:
    """Describe a header with a field that counts timepoints."""
    if width <= 0:
        return None
    return SampleData(start, count * width, Fraction(width), lambda n: {at: packed(code, n // width)})


def _in_sds(head: bytes) -> SampleData | None:
    per_packet = _SDS_CONTENT // -(-head[6] // 7) if head[6] else 0
    count = head[10] | head[11] << 7 | head[12] << 14
    if not per_packet or not count:
        return None
    rate = Fraction(_SDS_PACKET, per_packet)

    def mend(n: int) -> dict[int, bytes]:
        held = min(count, n // _SDS_PACKET * per_packet)
        return {10: bytes([held & 127, held >> 7 & 127, held >> 14 & 127])}

    return SampleData(21, -(-count // per_packet) * _SDS_PACKET, rate, mend)


def _in_xi(reader: ByteReader) -> SampleData | None:
    """Add up the sizes of the sounds of an instrument, which libsndfile reads as one; it writes 0 itself."""
    n_sounds = int.from_bytes(reader.at(_XI_SOUNDS - 2, 2), "little")
    headers = reader.at(_XI_SOUNDS, _XI_SOUND_BYTES * n_sounds)
    if not headers or len(headers) < _XI_SOUND_BYTES * n_sounds:
        return None
    sizes = [size for size, *_ in struct.iter_unpack(f"<I{_XI_SOUND_BYTES - 4}x", headers)]
    width = Fraction(2 if headers[14] & 16 else 1)
    return SampleData(_XI_SOUNDS + len(headers), sum(sizes), width)


def _in_endless(head: bytes) -> SampleData | None:
    """Read a header without a length: only an incomplete timepoint at the end shows that the file is cut off."""
    start, width = 0, 0
    if head[:2] == b"d\xa3" or head[2:4] == b"\xa3d":
        channels, encoding = struct.unpack(("<" if head[:1] == b"d" else ">") + "II", head[8:16])
        start, width = 1024, channels * (encoding & 0xFFFF)
    elif head[:4] in (b" paf", b"fap "):
        kind, channels = struct.unpack((">" if head[8:12] == bytes(4) else "<") + "II", head[16:24])
        start, width = 2048, channels * (_PAF_WIDTHS[kind] if kind < 3 else 0)
    elif found := _PVF_FIELDS.match(head):
        start, width = found.end(), int(found[1]) * int(found[2]) // 8
    elif head.startswith(_ENDLESS):
        start = len(head)
    return SampleData(start, None, Fraction(width) or None) if start else None


def _in_au(head: bytes) -> SampleData | None:
    code = ">" if head[:4] == b".snd" else "<"
    start, size, encoding, _, channels = struct.unpack(code + "5I", head[4:24])
    width = _AU_WIDTHS.get(encoding, 0) * channels
    return SampleData(start, closed(size), Fraction(width) or None, partial(_au_size, code))


def _au_size(code: str, n: int) -> dict[int, bytes]:
    return {8: packed(code + "I", n)}


def _in_sphere(reader: ByteReader) -> SampleData | None:
    lines = reader.at(0, 1024).split(b"end_head")[0].splitlines()
    fields = {parts[0]: parts[2] for line in lines[2:] if len(parts := line.split()) == 3}
    numbers = [fields.get(name, b"") for name in (b"sample_count", b"sample_n_bytes", b"channel_count")]
    if len(lines) < 2 or not all(number.isdigit() for number in (lines[1].strip(), *numbers)):
        return None
    count, width, channels = (int(number) for number in numbers)
    size = Fraction(width * channels)
    if not size or fields.get(b"sample_coding", b"pcm") not in (b"pcm", b"ulaw", b"alaw", b"mu-law"):
        return None
    return SampleData(int(lines[1]), int(count * size), size, partial(_sphere_count, reader, width * channels))


def _sphere_count(reader: ByteReader, width: int, n: int) -> dict[int, bytes]:
    """Overwrite the count in place, if it fits into the width of the old one."""
    found = _SPHERE_COUNT.search(reader.at(0, 1024))
    number = str(n // width).encode()
    if found is None or len(number) > len(found[1]):
        return {}
    return {found.start(1): number.rjust(len(found[1]))}
