"""Late parts of MP3 are bit for bit those of the whole, and mpg123 has nothing to complain about."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
import soundfile

from sklearn_audio.files import _sndfile, read_audio
from sklearn_audio.files._mpeg_jump import shortened_mpeg
from sklearn_audio.files._sources import open_source

KINDS = ["CONSTANT", "VARIABLE", "AVERAGE"]


@cache
def recording(rate: int, n_channels: int, kind: str, level: float = 0.5) -> bytes:
    """Bursts and quiet, for which encoders save bits up."""
    seconds = np.arange(rate * 12) / rate
    bursts = 0.4 * np.sin(2 * np.pi * (150 + 31 * (seconds % 3)) * seconds) * (np.floor(seconds * 3) % 3 == 0)
    noise = np.random.default_rng(1).normal(scale=0.02, size=(len(seconds), n_channels))
    file = io.BytesIO()
    soundfile.write(
        file,
        bursts[:, None] + noise,
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode=kind,
        compression_level=level,
    )
    return file.getvalue()


@pytest.fixture
def jumps(monkeypatch) -> list[int]:
    """The place at which decoding began, with jumps from two seconds on."""
    seen = []

    def noted(opened, timepoint):
        shorter = shortened_mpeg(opened, timepoint)
        seen.append(shorter[1] if shorter else 0)
        return shorter

    monkeypatch.setattr(_sndfile, "_MPEG_JUMP_SECONDS", 2)
    monkeypatch.setattr(_sndfile, "shortened_mpeg", noted)
    return seen


def check_parts(data, starts, capfd) -> None:
    whole, rate = read_audio(data)
    for start in starts:
        for end in (start + 0.1, None):
            part, _ = read_audio(data, start=start, end=end)
            wanted = whole[round(start * rate) : None if end is None else round(end * rate)]
            np.testing.assert_array_equal(part, wanted)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_late_parts_are_those_of_the_whole(rate, n_channels, kind, jumps, capfd):
    starts = np.random.default_rng(0).uniform(5, 11.8, 4)
    check_parts(recording(rate, n_channels, kind), starts, capfd)
    assert min(jumps) > 0


@pytest.mark.parametrize("level", [0.0, 0.9])
def test_many_and_few_bits(level, jumps, capfd):
    check_parts(recording(44100, 2, "CONSTANT", level), np.linspace(6, 11.9, 7), capfd)
    check_parts(recording(16000, 1, "CONSTANT", level), np.linspace(6, 11.9, 7), capfd)
    assert jumps


def test_a_stream_without_a_frame_of_counts(jumps, capfd):
    data = recording(44100, 1, "CONSTANT")
    first = data.index(b"\xff\xfb")
    check_parts(data[data.index(data[first : first + 2], first + 4) :], [5.0, 8.123, 11.9], capfd)
    assert max(jumps) == 0


def test_a_tag_before_the_stream(jumps, capfd):
    tag = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)
    check_parts(tag + recording(22050, 1, "VARIABLE"), [7.0, 11.0], capfd)
    assert min(jumps) > 0


def test_where_frames_do_not_follow_each_other_nothing_is_left_out():
    data = recording(44100, 1, "CONSTANT")
    middle = len(data) // 2
    for odd in (data[:middle] + b"\0" * 700 + data[middle:], b"\xff\xfc" + data[2:], data[:3], b"RIFF" + data):
        opened = open_source(odd)
        opened.seek(2, 0)
        assert shortened_mpeg(opened, 10 * 44100) is None
        assert opened.tell() == 2
        opened.close()


def test_early_parts_need_no_jump(jumps):
    opened = open_source(recording(44100, 1, "CONSTANT"))
    assert shortened_mpeg(opened, 3000) is None
    opened.close()
    read_audio(recording(44100, 1, "CONSTANT"), start=1.5)
    assert jumps == []
