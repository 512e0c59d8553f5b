"""Rate conversion: what soxr says, whole or in blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_audio.files import Resampler, resample
from sklearn_audio.files._resample import n_resampled

RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000])
LONG = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(orig=RATES, target=RATES, n=st.integers(0, 5000), scale=st.floats(-4, 4, width=32))
def test_length_and_linearity(orig, target, n, scale):
    one, other = LONG[:n], LONG[5000 : 5000 + n]
    resampled = resample(one, orig, target)
    assert len(resampled) == n_resampled(n, orig, target)
    both = resample(one + np.float32(scale) * other, orig, target)
    np.testing.assert_allclose(both, resampled + np.float32(scale) * resample(other, orig, target), atol=1e-4)


@pytest.mark.parametrize(
    ("orig", "target"), [(48000, 11025), (48000, 44100), (24000, 44100), (96000, 22050), (8000, 11025)]
)
def test_lengths_halfway_between_two_are_those_of_soxr(orig, target):
    step = 2 * orig // math.gcd(2 * orig, target)
    for n in range(step // 2, 80 * step, step // 2):
        assert n_resampled(n, orig, target) == len(resample(LONG[:n], orig, target)), n


@pytest.mark.parametrize(("orig", "target"), [(44100, 16000), (16000, 44100), (48000, 32000), (8000, 16000)])
@pytest.mark.parametrize("block", [997, 4096, 1 << 18, 2_000_000])
def test_blocks_are_joined_bit_for_bit(orig, target, block):
    resampler = Resampler(orig, target)
    firsts = range(0, len(LONG), block)
    parts = [resampler.process(LONG[i : i + block], last=i + block >= len(LONG)) for i in firsts]
    np.testing.assert_array_equal(np.concatenate(parts), soxr.resample(LONG, orig, target, quality="HQ"))


def test_the_last_block_may_be_empty():
    resampler = Resampler(44100, 16000)
    parts = [resampler.process(LONG[:44100]), resampler.process(LONG[:0], last=True)]
    np.testing.assert_array_equal(np.concatenate(parts), resample(LONG[:44100], 44100, 16000))


def test_a_tone_stays_the_tone():
    def tone(rate):
        return np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)

    np.testing.assert_allclose(resample(tone(44100), 44100, 16000)[500:-500], tone(16000)[500:-500], atol=1e-5)


def test_equal_rates_cost_nothing():
    assert resample(LONG, 16000, 16000) is LONG


def test_lists_and_doubles_become_float32():
    assert resample([0.0] * 100, 8000, 16000.0).dtype == np.float32


@pytest.mark.parametrize("rate", [0, -8000, np.nan, np.inf, "16000", None, True])
def test_rate_that_is_none(rate):
    with pytest.raises(ValueError, match="a sample rate must be a positive number of Hz, got"):
        resample(LONG[:10], rate, 16000)
    with pytest.raises(ValueError, match="a sample rate must be a positive number of Hz, got"):
        Resampler(16000, rate)


def test_more_than_one_dimension():
    with pytest.raises(ValueError, match=r"a waveform has shape \(n_timepoints,\), got \(5, 2\)"):
        resample(np.zeros((5, 2)), 44100, 16000)


def test_a_clip_of_one_timepoint_does_not_vanish():
    assert resample(np.array([0.5]), 44100, 16000).tolist() == [0.5]
    assert resample(np.empty(0), 44100, 16000).tolist() == []
    assert Resampler(44100, 8000).process(np.array([0.25], dtype=np.float32), last=True).tolist() == [0.25]
