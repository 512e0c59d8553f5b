"""Recognising containers and impostors by their first bytes."""

from __future__ import annotations

import pytest

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import read_audio
from sklearn_audio.files._content import _CONTAINERS, HEAD_BYTES, container_of, explain, is_cut_mpeg, tag_bytes

MPEG = b"\xff\xfb\x50\xc0"


@pytest.mark.parametrize(
    ("head", "match"),
    [
        (b"PK\x05\x06" + bytes(18), "an empty zip archive; download"),
        (b"\x1f\x8b\x08", "gzip-compressed; unpack"),
        (b"BZh9", "bzip2-compressed"),
        (b"\xfd7zXZ\x00", "xz-compressed"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a", "a rar archive"),
        (bytes(257) + b"ustar", "a tar archive"),
        (b"%PDF-1.4", "a PDF document; give a recording"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(5000), "a JPEG image"),
        (b"GIF89a", "a GIF image"),
        (b"MThd" + bytes(10), "a MIDI file, .*; render it"),
        (b"\x93NUMPY\x01", r"a NumPy array; load it with numpy.load"),
        (b"  <HTML><body>", "an HTML page"),
        ("naïve".encode(), "it is text"),
        (("é" * HEAD_BYTES).encode()[1:], "no recording in a known format"),
        (("a" + "é" * HEAD_BYTES).encode(), "it is text"),
        (bytes(range(256)), "no recording in a known format"),
    ],
)
def test_impostors(head, match):
    with pytest.raises(AudioReadError, match=match):
        read_audio(head)


@pytest.mark.parametrize(("offset", "magic", "container"), _CONTAINERS, ids=lambda value: str(value))
def test_containers_are_known_to_ffmpeg(offset, magic, container):
    av = pytest.importorskip("av")
    assert container_of(bytes(offset) + magic) is container
    assert av.ContainerFormat(container.demuxer).is_input


@pytest.mark.parametrize("head", [b"", b"\xff", b"RIFF\x00\x00\x00\x00WAVE", MPEG, b"fLaC", b"OggS"])
def test_what_is_no_such_container(head):
    assert container_of(head) is None


def test_tag_length():
    assert tag_bytes(b"ID3\x04\x00\x00\x00\x00\x02\x01") == 10 + 2 * 128 + 1
    assert tag_bytes(b"ID3") == tag_bytes(b"RIFF" + bytes(10)) == 0


def test_cut_within_the_first_mpeg_frame():
    assert is_cut_mpeg(MPEG + bytes(100))
    assert is_cut_mpeg(MPEG + b"\xff\x00\xff\xe2" + bytes(100))
    assert not is_cut_mpeg(MPEG + bytes(100) + MPEG)
    assert not is_cut_mpeg(MPEG + bytes(HEAD_BYTES))
    assert not is_cut_mpeg(b"RIFF" + bytes(10))


def test_what_libsndfile_says_is_passed_on():
    assert explain(b"RIFF", "Something odd.")[0] == "libsndfile says: Something odd"
