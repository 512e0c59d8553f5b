"""Views of a recording: pieces within it, and a reader that stays within it."""

from __future__ import annotations

from sklearn_audio.files._sources import open_source
from sklearn_audio.files._views import ByteReader, overlaid, view_of


def test_pieces_beyond_the_end_are_left_out():
    opened = open_source(b"0123456789")
    assert view_of(opened, ((-5, 3), b"ab", (8, 99), (70, 80))).raw.read() == b"012ab89"
    assert overlaid(2, 9, {0: b"x", 4: b"yz", 5: b"!", 8: b"??"}) == ((2, 4), b"yz", (6, 9))


def test_a_reader_returns_nothing_outside_of_the_file():
    reader = ByteReader(open_source(bytes(range(10)) * 1000))
    assert reader.at(-1, 5) == reader.at(3, -2) == reader.at(1 << 70, 4) == b""
    assert [reader.at(at, 3) for at in (9998, 5003, 5005, 4094)] == [b"\x08\x09", b"\3\4\5", b"\5\6\7", b"\4\5\6"]
    assert list(reader.finds(b"\x09\x00", 9970)) == [9979, 9989]
