import librosa
import numpy as np
import pytest
import torch

from sklearn_audio import AcousticFeatures
from sklearn_audio.dsp._short_term import frame_geometry
from sklearn_audio.preprocessing._prosody import PROSODY, Prosody, _perturbation

RATE = 16000
OPTIONS = {"fmin": 75.0, "fmax": 600.0, "sr": RATE, "frame_length": 800, "hop_length": 400, "center": False}


def pulses(periods, heights):
    """Smooth bumps at the ends of periods (timepoints), which may lie between timepoints."""
    places = np.cumsum(np.r_[100.0, periods])
    t = np.arange(round(places[-1]) + 100.0)
    bumps = (height * np.exp(-0.5 * ((t - place) / 8) ** 2) for place, height in zip(places, heights, strict=True))
    return np.sum(list(bumps), axis=0).astype(np.float32)


def prosody(wave, **options):
    geometry = frame_geometry(RATE, options.get("window", 0.05), 0.025)
    tracker = Prosody(RATE, geometry, (75.0, 600.0))
    return dict(zip(PROSODY, tracker.frames([torch.from_numpy(wave)]).T, strict=True))


def glide():
    """A harmonic sound that rises from 120 to 240 Hz, then noise, then silence."""
    t = np.arange(RATE) / RATE
    phase = 2 * np.pi * (120 * t + 60 * t**2)
    voice = sum(np.sin(k * phase) / k for k in range(1, 6))
    noise = np.random.default_rng(0).normal(scale=0.3, size=RATE // 2)
    return np.r_[voice, noise, np.zeros(RATE // 2)].astype(np.float32)


@pytest.fixture(scope="module")
def glided():
    return glide(), AcousticFeatures(RATE, groups=["prosody"], deltas=False).transform([glide()])[0]


def test_pitch_equals_librosa(glided):
    wave, features = glided
    expected = np.stack(librosa.pyin(wave, fill_na=0.0, **OPTIONS), axis=1)
    np.testing.assert_array_equal(features[:, :3], expected.astype(np.float32))


def test_nothing_is_nan_and_unvoiced_frames_are_zero(glided):
    features = glided[1]
    is_voiced = features[:, 1] == 1
    assert np.isfinite(features).all()
    assert is_voiced[:38].all()
    assert not is_voiced[-10:].any()
    assert (features[~is_voiced][:, [0, 1, 3, 4]] == 0).all()


def test_pitch_of_the_glide_is_that_of_its_phase(glided):
    middles = 0.025 * np.arange(1, 37)
    np.testing.assert_allclose(glided[1][:36, 0], 120 + 120 * middles, rtol=0.02)


def test_jitter_and_shimmer_are_those_of_the_pulses():
    # periods of 100 and 104 timepoints, peaks of 1 and 0.9: differences of 4 of 102, and 0.1 of 0.95
    found = prosody(pulses(np.tile([100.0, 104.0], 40), np.resize([1.0, 0.9], 81)))
    inner = slice(3, -3)
    assert (found["voiced"][inner] == 1).all()
    np.testing.assert_allclose(found["jitter"][inner], 4 / 102, rtol=0.02)
    np.testing.assert_allclose(found["shimmer"][inner], 0.1 / 0.95, rtol=0.03)


def test_differences_below_a_timepoint_count():
    found = prosody(pulses(np.tile([100.2, 100.8], 40), np.ones(81)))
    np.testing.assert_allclose(found["jitter"][3:-3], 0.6 / 100.5, rtol=0.1)
    np.testing.assert_allclose(found["shimmer"][3:-3], 0, atol=1e-3)


def test_a_voice_that_is_upside_down_has_the_same_jitter():
    wave = pulses(np.tile([100.0, 104.0], 40), np.ones(81))
    np.testing.assert_allclose(prosody(-wave)["jitter"], prosody(wave)["jitter"], rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 104, 100], 4 / (304 / 3)),
        ([100, 100, 160, 100, 104], 2 / 112.8),  # neither difference from 160 counts
        ([100, 160], 0),
        ([100], 0),
        ([], 0),
    ],
)
def test_adjacent_values_are_compared_if_they_are_near(values, expected):
    assert _perturbation(np.array(values, dtype=float), 1.3) == pytest.approx(expected)


def test_a_pure_tone_has_neither():
    found = prosody(np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32))
    assert (found["voiced"] == 1).all()
    assert max(found["jitter"].max(), found["shimmer"].max()) < 1e-3


@pytest.mark.parametrize("clip", [np.zeros(4000), np.full(300, 0.5), np.ones(1)], ids=["silence", "short", "one"])
def test_clips_without_a_voice_give_finite_zeros(clip):
    features = AcousticFeatures(RATE, groups=["prosody"], deltas=False).transform([clip.astype(np.float32)])[0]
    assert np.isfinite(features).all()
    assert (features[:, [0, 1, 3, 4]] == 0).all()


def test_columns_stand_where_their_group_is_named():
    wave = glide()[:8000]
    joined = AcousticFeatures(RATE, groups=["time", "prosody", "spectral"])
    features = joined.transform([wave])[0]
    names = joined.get_feature_names_out().tolist()
    assert names[3:8] == list(PROSODY)
    assert names[16:21] == [f"delta_{name}" for name in PROSODY]
    alone = AcousticFeatures(RATE, groups=["prosody"]).transform([wave])[0]
    np.testing.assert_array_equal(features[:, [*range(3, 8), *range(16, 21)]], alone)
    others = AcousticFeatures(RATE, groups=["time", "spectral"]).transform([wave])[0]
    np.testing.assert_array_equal(features[:, [*range(3), *range(8, 16), *range(21, 26)]], others)


def test_long_clips_are_tracked_minute_by_minute(monkeypatch):
    wave = glide()
    whole = prosody(wave)
    monkeypatch.setattr("sklearn_audio.preprocessing._prosody._SECONDS", 1)
    parts = prosody(wave)
    assert len(parts["f0"]) == len(whole["f0"])
    np.testing.assert_array_equal(parts["f0"][:36], whole["f0"][:36])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"f0_range": (75.0,)}, r"f0_range=\(75.0,\) must be two frequencies in Hz"),
        ({"f0_range": ("low", "high")}, "must be two frequencies in Hz"),
        ({"f0_range": (600.0, 75.0)}, "must increase, between 0 and half the rate, 8000 Hz"),
        ({"f0_range": (75.0, 9000.0)}, "must increase, between 0 and half the rate, 8000 Hz"),
        ({"window": 0.02}, r"needs a window of more than two periods of the lowest pitch, 0.0267 s, got 0.02 s"),
        (
            {"groups": ["time"], "f0_range": (60.0, 600.0)},
            r'f0_range=.* has no effect here: it needs the group "prosody"',
        ),
    ],
)
def test_invalid_ranges_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AcousticFeatures(RATE, **{"groups": ["prosody"], **options}).fit([np.zeros(RATE)])
