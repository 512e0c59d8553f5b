"""FFmpeg reads what libsndfile refuses, whatever the container, and is not asked about what is no recording."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, read_audio
from sklearn_audio.files._content import PROBED_DEMUXERS
from tests.files.encoding import encode_av

FOREIGN = [
    ("wav", "g722", 16000, "WAV"),
    ("wav", "g726", 8000, "WAV"),
    ("wav", "adpcm_yamaha", 16000, "WAV"),
    ("wav", "mp2", 16000, "WAV"),
    ("caf", "alac", 16000, "CAF"),
    ("mpegts", "mp2", 48000, "MPEGTS"),
    ("mpegts", "aac", 48000, "MPEGTS"),
    ("voc", "pcm_u8", 16000, "VOC"),
]


def tone(rate: int) -> np.ndarray:
    return (0.25 * np.sin(2 * np.pi * 500 * np.arange(2 * rate) / rate))[None].astype(np.float32)


@pytest.mark.parametrize(("container", "codec", "rate", "format"), FOREIGN)
def test_what_libsndfile_refuses_is_read_by_ffmpeg(container, codec, rate, format):
    pytest.importorskip("av")
    recording = encode_av(tone(rate), rate, container=container, codec=codec)
    waveform, read_rate = read_audio(recording)
    assert audio_info(recording).format == format
    assert abs(read_rate - rate) < rate / 100  # VOC stores a divisor
    assert abs(len(waveform) / read_rate - 2) < 0.15
    peak = np.abs(np.fft.rfft(waveform)).argmax() * read_rate / len(waveform)
    assert abs(peak - 500) < 5


@pytest.mark.parametrize(("container", "codec", "rate", "format"), FOREIGN)
def test_without_av_the_message_names_the_extra(container, codec, rate, format, monkeypatch):
    pytest.importorskip("av")
    recording = encode_av(tone(rate), rate, container=container, codec=codec)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioReadError, match=r"^row 3: .* may be readable by FFmpeg.*'sklearn-audio\[ffmpeg\]'"):
        read_audio(recording, row=3)


def test_an_ffmpeg_that_crashes_is_not_used(monkeypatch):
    av = pytest.importorskip("av")
    recording = encode_av(tone(16000), 16000, container="voc", codec="pcm_u8")
    monkeypatch.setattr(av, "__version__", "17.0.1")
    with pytest.raises(AudioReadError, match=r"^row 3: .*'av' 17\.0\.1 crashes .*; update it to 17\.1 or newer"):
        read_audio(recording, row=3)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"#EXTM3U\n#EXTINF:10,\n/etc/hostname\n", "it is text"),
        (b"ffconcat version 1.0\nfile a.wav\n", "it is text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is a PNG image"),
        (b"BM" + bytes(200), "no recording in a known format"),
        (b"RIFF\x64\x00\x00\x00WEBPVP8 " + bytes(100), "libsndfile says: .*damaged or of an unknown codec"),
        (bytes(5000), "no recording in a known format"),
    ],
)
def test_ffmpeg_makes_no_sound_of_other_files(content, match):
    pytest.importorskip("av")
    with pytest.raises(AudioReadError, match=match):
        read_audio(content)


def test_samples_that_have_no_array():
    pytest.importorskip("av")
    recording = encode_av(tone(16000), 16000, container="wav", codec="pcm_s64le")
    with pytest.raises(AudioReadError, match=r"libsndfile says: .*damaged or of an unknown codec"):
        read_audio(recording)


def test_damage_says_what_libsndfile_found(shared_data):
    pytest.importorskip("av")
    with pytest.raises(AudioReadError, match="libsndfile says: ") as caught:
        read_audio(shared_data / "formats" / "broken" / "zero_channels.wav")
    assert isinstance(caught.value.__cause__, AudioReadError)  # FFmpeg's


def test_a_file_object_that_fails_in_the_second_reader_is_blamed():
    pytest.importorskip("av")

    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 5000:
                raise RuntimeError("the line is dead")
            return super().read(size)

    recording = encode_av(tone(16000), 16000, container="wav", codec="g722")
    with pytest.raises(AudioReadError, match="the line is dead"):
        read_audio(Failing(recording))


def test_probing_leaves_out_what_takes_anything_for_sound_or_follows_names():
    unsafe = {"hls", "concat", "dash", "sdp", "image2", "tty", "lavfi", "s16le", "gsm"}
    assert not unsafe.intersection(PROBED_DEMUXERS.split(","))
