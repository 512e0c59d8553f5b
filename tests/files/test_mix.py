"""Mixing to one channel, and the level that this costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sklearn_audio.files import MonoMix, all_finite

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal((5000, 6)).astype(np.float32)


@pytest.mark.parametrize("n_channels", [1, 2, 3, 6])
def test_mean_of_the_channels(n_channels):
    block = NOISE[:, :n_channels]
    np.testing.assert_allclose(MonoMix()(block), block.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("channel", [0, 4, np.int64(5)])
def test_one_of_the_channels(channel):
    mix = MonoMix(channel)
    mono = mix(NOISE)
    np.testing.assert_array_equal(mono, NOISE[:, channel])
    assert mono.flags.c_contiguous
    assert mix.loss_db == 0


@pytest.mark.parametrize(
    ("factors", "loss_db"),
    [([1, 1], 0.0), ([1, -1], -math.inf), ([1, 0], -3.0103), ([1, -0.99], -46.0), ([1, 1, 1], 0.0), ([0, 0], 0.0)],
)
def test_loss(factors, loss_db):
    mix = MonoMix()
    for first in range(0, 5000, 1000):
        mix(NOISE[first : first + 1000, :1] * np.array(factors, dtype=np.float32))
    assert mix.loss_db == pytest.approx(loss_db, abs=0.05)


def test_loss_before_anything_and_of_one_channel():
    mix = MonoMix()
    assert mix.loss_db == 0
    mix(NOISE[:, :1])
    assert mix.loss_db == 0


def test_loss_of_what_is_not_finite():
    mix = MonoMix()
    mix(np.array([[np.nan, 1], [3e38, 3e38]], dtype=np.float32))
    assert mix.loss_db == 0


@pytest.mark.parametrize("channel", ["left", -1, 1.0, True, None])
def test_channel_that_is_none(channel):
    with pytest.raises(ValueError, match='channel must be "mean" or an index from 0, got'):
        MonoMix(channel)


def test_channel_that_is_not_there():
    with pytest.raises(ValueError, match="there is no channel 6: the recording has 6 channels; take 0 to 5"):
        MonoMix(6)(NOISE)
    with pytest.raises(ValueError, match="there is no channel 1: the recording has 1 channel; take channel 0"):
        MonoMix(1)(NOISE[:, :1])


@pytest.mark.parametrize("shape", [(0,), (7,), (40, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_values_are_told_from_others_of_any_size(shape, dtype):
    values = np.full(shape, np.finfo(dtype).max, dtype=dtype)
    assert all_finite(values)
    for bad in (np.nan, np.inf, -np.inf):
        if values.size:
            values.flat[-1] = bad
            assert not all_finite(values)
            assert not all_finite(values[::-1])
