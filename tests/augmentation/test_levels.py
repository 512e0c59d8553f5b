"""Gain and noise, in decibels."""

import numpy as np
import pytest

from sklearn_audio.augmentation import AddNoise, Gain

TONE = 0.3 * np.sin(np.arange(16000) / 9).astype(np.float32)


def decibels(signal, noise):
    return 10 * np.log10(np.mean(np.square(signal, dtype=float)) / np.mean(np.square(noise, dtype=float)))


@pytest.mark.parametrize("snr", [-5.0, 0.0, 12.5, 40.0])
def test_the_ratio_is_hit(snr):
    noisy = AddNoise(snr).transform(TONE, np.random.default_rng(0))
    assert decibels(TONE, noisy - TONE) == pytest.approx(snr, abs=0.1)


def test_the_ratio_of_frames_is_that_of_their_deviations():
    frames = np.random.default_rng(0).normal(loc=[-80.0, 0.0], scale=4.0, size=(500, 2)).astype(np.float32)
    noisy = AddNoise(20.0).transform(frames, np.random.default_rng(1))
    assert decibels(frames - frames.mean(axis=0), noisy - frames) == pytest.approx(20.0, abs=0.1)


def test_ratios_are_spread_over_the_range():
    rng = np.random.default_rng(0)
    ratios = [decibels(TONE, AddNoise((5.0, 25.0)).transform(TONE, rng) - TONE) for _ in range(200)]
    assert 5 <= min(ratios) < 7
    assert 23 < max(ratios) <= 25.1
    assert np.mean(ratios) == pytest.approx(15, abs=1.5)


def test_noise_is_white_and_centred():
    noise = AddNoise(0.0).transform(TONE, np.random.default_rng(0)) - TONE
    assert abs(noise.mean()) < 0.02 * noise.std()
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.03


def test_silence_stays_silent():
    assert not AddNoise(10.0).transform(np.zeros(100, np.float32), np.random.default_rng(0)).any()


@pytest.mark.parametrize("gain", [-6.0, 0.0, 20.0])
def test_gain(gain):
    louder = Gain(gain).transform(TONE, np.random.default_rng(0))
    assert decibels(louder, TONE) == pytest.approx(gain, abs=1e-4)
    np.testing.assert_allclose(louder, TONE * 10 ** (gain / 20), rtol=1e-6)


def test_gain_refuses_frames():
    with pytest.raises(ValueError, match=r"Gain changes waveforms \(n_timepoints,\), got frames of shape \(5, 2\)"):
        Gain().transform(np.zeros((5, 2), np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("span", ["loud", (1.0,), (3.0, 1.0), [1.0, 2.0], None, np.inf, True])
@pytest.mark.parametrize(("transform", "name"), [(Gain, "gain"), (AddNoise, "snr")])
def test_what_is_no_range_is_refused(transform, name, span):
    with pytest.raises(ValueError, match=rf"{name} is a number or a tuple \(lowest, highest\) of two, got"):
        transform(span)
