"""Rates that no sound has are refused, and memory is bounded whatever the ratio of two rates."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
import soxr

from sklearn_audio import AudioLoader
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import Resampler, audio_info, is_rate, read_audio, resample


def encode(format="WAV", rate=16000) -> bytearray:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).uniform(-0.5, 0.5, 4000), rate, format=format)
    return bytearray(file.getvalue())


def with_rate(format, rate) -> bytes:
    """A file whose header gives another rate."""
    data = encode(format)
    if format == "WAV":
        data[24:28] = struct.pack("<I", rate)
    else:  # AU
        at = data.index(struct.pack(">I", 16000))
        data[at : at + 4] = struct.pack(">I", rate)
    return bytes(data)


@pytest.mark.parametrize("format", ["WAV", "AU"])
@pytest.mark.parametrize("rate", [1, 2, 99, 10_000_001, 2_000_000_000])
def test_a_header_with_a_rate_that_no_sound_has(format, rate):
    data = with_rate(format, rate)
    match = rf"row 0: cannot read <\d+ bytes>: its header gives a sample rate of {rate} Hz, and one lies between 100 Hz"
    with pytest.raises(AudioReadError, match=match):
        AudioLoader().transform([data])
    with pytest.raises(AudioReadError, match=r"row 3: .* replace the file or give its samples as"):
        audio_info(data, row=3)
    with pytest.warns(UserWarning, match="1 clip.* could not be used"):
        assert np.isnan(AudioLoader(on_error="nan").transform([data])[0]).all()


def test_the_lowest_and_the_highest_rate():
    assert len(read_audio(with_rate("WAV", 100), sample_rate=16000)[0]) == 640_000
    assert len(read_audio(with_rate("WAV", 10_000_000), sample_rate=16000)[0]) == 6


@pytest.mark.parametrize("rate", [100, 16000, 44100.5, 10_000_000, np.float32(8000), np.int64(48000)])
def test_rates(rate):
    assert is_rate(rate)


@pytest.mark.parametrize(
    "rate", [True, 0, 1e-3, 99.99, 10_000_001, 1 << 2000, float("nan"), float("inf"), "8000", None]
)
def test_no_rates(rate):
    assert not is_rate(rate)


@pytest.mark.parametrize(("orig", "target"), [(100, 192_000), (8000, 10_000_000), (100, 1_000_000), (101, 16000)])
def test_pieces_are_bounded_and_joined_the_same(orig, target):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 2_000_000 * orig // target).astype(np.float32)
    resampler = Resampler(orig, target)
    middle = len(samples) // 2
    pieces = [*resampler.feed(samples[:middle]), *resampler.feed(samples[middle:], last=True)]
    assert max(map(len, pieces)) <= 1 << 20
    assert min(map(len, pieces)) > 0
    np.testing.assert_array_equal(np.concatenate(pieces), soxr.resample(samples, orig, target, quality="HQ"))


def test_an_empty_end():
    resampler = Resampler(44100, 16000)
    pieces = [*resampler.feed(np.zeros(1000, np.float32)), *resampler.feed(np.zeros(0, np.float32), last=True)]
    assert sum(map(len, pieces)) == len(resample(np.zeros(1000), 44100, 16000))


@pytest.mark.parametrize("rate", [True, 0, 1, 99, 10_000_001, 1 << 40])
def test_parameters(rate):
    with pytest.raises(ValueError, match="'sample_rate' parameter of AudioLoader must be an int in the range"):
        AudioLoader(sample_rate=rate).fit([np.zeros(100)])
