"""Headers that say anything, and bytes that look like many headers: an array or a named error, within bounded work."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import read_audio
from sklearn_audio.files._chunks import packed
from sklearn_audio.files._decoding import find_links
from sklearn_audio.files._sources import open_source
from sklearn_audio.files._views import ByteReader, view_of

SOUND = np.random.default_rng(0).uniform(-0.3, 0.3, (800, 2))
FORMATS = ("WAV", "RF64", "AIFF", "CAF", "W64", "AU", "NIST", "FLAC")
SIZES = (0, 1, 7, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def encoded(format: str, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16000, format=format, **options)
    return file.getvalue()


def links_of(data: bytes) -> list:
    opened = open_source(data)
    return find_links(opened, ByteReader(opened))


@pytest.mark.parametrize("format", FORMATS)
def test_any_number_in_a_header_leaves_a_view_of_bytes_that_are_there(format):
    data = encoded(format)
    for at in range(4, 120, 2):
        for size in SIZES:
            for order in ("big", "little"):
                damaged = data[:at] + size.to_bytes(4, order) + data[at + 4 :]
                for link in links_of(damaged):
                    view = view_of(open_source(damaged), link.pieces or ((0, link.stop),))
                    assert len(view.raw.read()) == view.n_bytes


@pytest.mark.parametrize(
    ("code", "size", "wanted"),
    [
        (">I", -5, b"\0\0\0\0"),
        (">I", 1 << 40, b"\xff\xff\xff\xff"),
        ("<H", 0x102, b"\2\1"),
        ("<Q", 1 << 70, b"\xff" * 8),
        (">q", 1 << 63, b"\x7f" + b"\xff" * 7),
    ],
)
def test_a_size_is_written_as_the_nearest_that_its_field_holds(code, size, wanted):
    assert packed(code, size) == wanted


def test_aiff_whose_samples_would_begin_behind_its_end():
    data = encoded("AIFF")
    at = data.index(b"SSND")
    damaged = [data[: at + 4] + struct.pack(">II", size, 0x7FFFFFF0) + data[at + 12 :] for size in (0, 0xFFFFFFFF)]
    with pytest.raises(AudioReadError, match=r"it is cut short; its header promises 0.050 s, and 0.000 s were read"):
        read_audio(damaged[0])
    with pytest.raises(AudioReadError, match=r"by its header the samples begin after its end; 0\.000 s were read"):
        read_audio(damaged[1])


def test_a_count_of_hundreds_of_digits_is_no_length():
    data = encoded("NIST")
    line = b"sample_count -i 800\n"
    room = data.index(b"end_head") + 500
    damaged = data.replace(line, b"sample_count -i " + b"9" * 400 + b"\n")
    damaged = damaged[:room] + damaged[room + len(damaged) - len(data) :]
    link = links_of(damaged)[0]
    assert (link.promised, link.flaw) == (None, "it is cut short")


def test_fields_of_sphere_in_other_columns_are_read():
    data = encoded("NIST")
    link = links_of(data.replace(b"sample_count -i 800 ", b"sample_count  -i 80 "))
    assert len(link) == 1


@pytest.mark.parametrize("tail", [bytes([1]), b"\0", b"\xff\xfb\x90\x64"])
def test_mp3_with_a_few_bytes_behind_its_last_frame(tail):
    data = encoded("MP3")
    waveform = read_audio(data)[0]
    for n_bytes in range(1, 8):
        assert links_of(data + (tail * 7)[:n_bytes])[0].n_timepoints is None
        assert len(read_audio(data + (tail * 7)[: min(n_bytes, 5)])[0]) == len(waveform)


class CountedFile(io.BytesIO):
    """Counts the bytes that are read."""

    n_read = 0

    def read(self, n=-1):
        data = super().read(n)
        self.n_read += len(data)
        return data


N_BYTES = 1 << 18
PATTERNS = {
    "first pages of Ogg": ("OGG", b"OggS\0\2" + bytes(21)),
    "FLAC streams": ("FLAC", b"fLaC"),
    "blocks of FLAC metadata": (b"fLaC\0\0\0\x22" + bytes(34), bytes(4)),
    "sync words of FLAC": ("FLAC", b"\xff\xf8"),
    "sync words of MPEG": ("MP3", b"\xff"),
    "frames of MPEG": ("MP3", b"\xff\xfb\x90\0"),
    "tags": ("MP3", b"ID3\4\0\0\0\0\0\0"),
    "chunks of WAV": ("WAV", b"abcd\0\0\0\0"),
    "formats of WAV": ("RF64", b"WAVEfmt "),
    "chunks of CAF": (b"caff\0\1\0\0", b"abcd" + bytes(8)),
    "boxes of MP4": (b"\0\0\0\x10ftypM4A \0\0\0\0", b"\0\0\0\x08free"),
    "frames of AAC": (b"", b"\xff\xf1\x50\x40\0\xff\xfc"),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_each_byte_is_looked_at_a_few_times_whatever_it_resembles(name):
    front, pattern = PATTERNS[name]
    front = encoded(front) if isinstance(front, str) else front
    data = front + pattern * (N_BYTES // len(pattern))
    file = CountedFile(data)
    opened = open_source(memoryview(b""))
    opened.raw, opened.n_bytes = file, len(data)
    find_links(opened, ByteReader(opened))
    assert file.n_read < 8 * len(data)


def test_thousands_of_joined_recordings_are_refused():
    with pytest.raises(AudioReadError, match="it holds more than 4096 joined recordings; split it"):
        read_audio(b"\0\0\0\x08ftyp" * 5000)


@pytest.mark.parametrize("start", [1e9, 1e15, 1e200, 1e308])
@pytest.mark.parametrize("format", ["WAV", "OGG", "MP3"])
def test_a_start_beyond_every_number_is_not_within_the_recording(format, start):
    with pytest.raises(ValueError, match=r"is not within the recording, which is 0\.050 s long; choose an earlier"):
        read_audio(encoded(format), start=start, end=1.7e308)
