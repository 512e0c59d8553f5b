"""Warping of the frequency axis: where features move, and what stays."""

import numpy as np
import pytest

from sklearn_audio.augmentation import FrequencyWarp

RNG = np.random.default_rng(0)
FRAMES = RNG.normal(size=(5, 41)).astype(np.float32)


@pytest.mark.parametrize("warp", [0.8, 0.9, 1.1, 1.25])
def test_a_ramp_shows_the_positions(warp):
    ramp = np.arange(41, dtype=np.float32)[None]
    (positions,) = FrequencyWarp(warp).transform(ramp, RNG)
    knee = int(34 * min(1.0, warp))
    np.testing.assert_allclose(positions[: knee + 1], np.arange(knee + 1) / warp, rtol=1e-5)
    assert (np.diff(positions) > 0).all()
    assert positions[[0, -1]].tolist() == [0, 40]


def test_no_warp_changes_nothing():
    np.testing.assert_allclose(FrequencyWarp(1.0).transform(FRAMES, RNG), FRAMES, atol=1e-6)


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_few_features(n_features):
    frames = np.full((4, n_features), 3.0, dtype=np.float32)
    np.testing.assert_allclose(FrequencyWarp(1.2).transform(frames, RNG), frames, rtol=1e-6)


def test_frames_do_not_mix():
    warped = FrequencyWarp(1.1).transform(FRAMES, RNG)
    np.testing.assert_array_equal(FrequencyWarp(1.1).transform(FRAMES[2:3], RNG)[0], warped[2])


def test_waveforms_are_refused():
    with pytest.raises(ValueError, match=r"FrequencyWarp changes frames .*; over waveforms, use SpeedChange"):
        FrequencyWarp().transform(np.zeros(9, np.float32), RNG)


@pytest.mark.parametrize("warp", [0.0, -1.0, (1.2, 0.8), "1.1", (0.0, 1.0)])
def test_impossible_factors(warp):
    with pytest.raises(ValueError, match="warp is a number above 0 or a tuple"):
        FrequencyWarp(warp)
