"""Random frequency responses and the reverberation of small rooms, against closed forms."""

import numpy as np
import pytest
from scipy.signal import lfilter

from sklearn_audio.augmentation import FilterAugment, RoomReverb

RATE = 16000
RNG = np.random.default_rng(0)
FRAMES = np.zeros((5, 60), np.float32)


def rng(seed=0):
    return np.random.default_rng(seed)


def edges(changed):
    """Positions at which the gain changes."""
    return np.flatnonzero(np.diff(changed))


@pytest.mark.parametrize("n_bands", [1, 3, 20])
def test_bands_of_frames(n_bands):
    changed = FilterAugment(bands=(n_bands, n_bands), steps=True).transform(FRAMES, rng())
    assert (changed == changed[0]).all()
    assert len(np.unique(changed[0])) == n_bands
    assert np.diff([0, *edges(changed[0]) + 1, 60]).min() >= 60 // 20 - 1
    assert -6 <= changed.min() <= changed.max() <= 6


def test_gains_of_frames_are_linear_between_the_edges_of_bands():
    changed = FilterAugment(bands=(4, 4)).transform(np.zeros((1, 4001)), rng(1))[0]
    bends = np.flatnonzero(np.abs(np.diff(changed, 2)) > 1e-9)
    assert len({bend // 5 for bend in bends}) == 3
    assert np.ptp(changed) > 1


def test_number_of_bands_is_drawn():
    counts = {len(np.unique(FilterAugment(steps=True).transform(FRAMES, rng(seed))[0])) for seed in range(50)}
    assert counts == {3, 4, 5, 6}


def test_a_decibel_in_units_of_the_frames():
    decibels, natural = (FilterAugment(decibel=unit).transform(FRAMES, rng()) for unit in (1.0, np.log(10) / 10))
    assert natural == pytest.approx(decibels * np.log(10) / 10, rel=1e-5)
    constant = FilterAugment(3.0).transform(FRAMES, rng())
    assert (constant == 3.0).all()
    assert FilterAugment().transform(np.zeros((4, 1)), rng()).shape == (4, 1)


def test_a_tone_is_amplified_by_the_gain_of_its_band():
    """The gain of a frequency of a waveform is that of the feature at its place on the mel scale."""
    frequencies = np.array([200, 1000, 2500, 5000, 7800])
    time = np.arange(RATE) / RATE
    tones = np.sin(2 * np.pi * frequencies[:, None] * time)
    changed = FilterAugment().transform(tones.sum(axis=0), rng(3), sample_rate=RATE)
    found = 20 * np.log10(2 / RATE * np.abs(np.fft.rfft(changed)[frequencies]))
    mel = 2595 * np.log10(1 + frequencies / 700) / (2595 * np.log10(1 + RATE / 2 / 700))
    gains = FilterAugment().transform(np.zeros((1, 100_001)), rng(3))[0]
    assert found == pytest.approx(gains[np.round(mel * 100_000).astype(int)], abs=1e-3)


def test_a_constant_gain_changes_the_level_only():
    waveform = RNG.normal(size=1001).astype(np.float32)
    changed = FilterAugment(-20.0).transform(waveform, rng(), sample_rate=RATE)
    assert changed == pytest.approx(waveform / 10, abs=1e-6)
    assert changed.dtype == np.float32


def response(seed=0, n=RATE, **options):
    click = np.zeros(n)
    click[0] = 1
    return RoomReverb(**options).transform(click, rng(seed), sample_rate=RATE)


def test_energies_of_direct_sound_and_reverberation():
    for ratio in (-3.0, 0.0, 12.0):
        heard = response(ratio=ratio, decay=0.2)
        assert heard[0] == pytest.approx(1)
        assert -10 * np.log10((heard[1:] ** 2).sum()) == pytest.approx(ratio)


@pytest.mark.parametrize("decay", [0.1, 0.4])
def test_reverberation_falls_by_60_decibels_in_its_time(decay):
    energy = sum(response(seed, decay=decay)[1:] ** 2 for seed in range(60))
    n = round(decay * RATE)
    assert not response(decay=decay)[n + 1 :].round(12).any()
    level = 10 * np.log10(energy[:n].reshape(20, -1).mean(axis=1))
    slope = np.polyfit((np.arange(20) + 0.5) / 20, level, 1)[0]
    assert slope == pytest.approx(-60, abs=1)


def test_a_clip_is_convolved_with_the_response_and_keeps_its_length():
    waveform = RNG.normal(size=3000)
    heard = RoomReverb().transform(waveform, rng(5), sample_rate=RATE)
    assert heard == pytest.approx(lfilter(response(5, 3000), [1.0], waveform), abs=1e-9)
    assert not np.array_equal(heard, RoomReverb().transform(waveform, rng(6), sample_rate=RATE))


@pytest.mark.parametrize("transform", [FilterAugment(), RoomReverb()])
def test_a_rate_is_needed(transform):
    with pytest.raises(ValueError, match=r"needs the rate of a waveform; give transform\(..., sample_rate=...\), or"):
        transform.transform(np.ones(100), rng())


def test_reverberation_is_for_waveforms():
    with pytest.raises(ValueError, match=r"RoomReverb changes waveforms .*; over frames, use a change of the waveform"):
        RoomReverb().transform(FRAMES, rng(), RATE)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (FilterAugment, {"bands": (4, 2)}, r"ints from 1 to 20, in order; got \(4, 2\)"),
        (FilterAugment, {"bands": (0, 2)}, r"ints from 1 to 20, in order; got \(0, 2\)"),
        (FilterAugment, {"bands": (1, 21)}, "ints from 1 to 20"),
        (FilterAugment, {"bands": 3}, r"bands is a tuple \(fewest, most\) of two ints, got 3"),
        (FilterAugment, {"bands": (1.5, 3)}, "bands is an int of 0 or more, got 1.5"),
        (FilterAugment, {"gain": (3, 1)}, "gain is a number or a tuple"),
        (FilterAugment, {"decibel": 0.0}, "decibel is a number above 0"),
        (RoomReverb, {"decay": 0.0}, "decay is a number above 0"),
        (RoomReverb, {"ratio": "loud"}, "ratio is a number or a tuple"),
        (RoomReverb, {"p": 2}, "p is a probability"),
    ],
)
def test_refused_parameters(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
