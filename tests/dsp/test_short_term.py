"""The classic short-term features: golden values of pyAudioAnalysis, known signals, degenerate clips, blocks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sklearn_audio.dsp import _short_term, short_term_feature_names, short_term_features
from sklearn_audio.dsp._clip_level import clip_level

GOLDEN = Path(__file__).parents[1] / "parity" / "golden" / "short_term_features.npz"
RATE = 16000


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def synthetic(golden):
    return torch.from_numpy(golden["synthetic_clip"] / 32768.0)


def column(features, name):
    return features[:, short_term_feature_names().index(name)]


def assert_golden(golden, case, waveform, atol):
    window, hop = golden[f"{case}/frame"]
    features = short_term_features(waveform, int(golden[f"{case}/sample_rate"]), window=window, hop=hop)
    assert features.shape == (golden[f"{case}/n_frames"], 68)
    assert features.dtype == waveform.dtype
    np.testing.assert_allclose(features[golden[f"{case}/rows"]].numpy(), golden[f"{case}/features"], rtol=0, atol=atol)


# ---- pyAudioAnalysis -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", ["synthetic", "synthetic_odd"])
def test_equals_original_on_synthetic_clip(golden, synthetic, case, dtype):
    assert_golden(golden, case, synthetic.to(dtype), atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", ["digit", "environment", "music"])
def test_equals_original_on_recordings(golden, shared_data, case, dtype):
    samples, rate = soundfile.read(shared_data / str(golden[f"{case}/path"]), dtype="int16")
    assert rate == golden[f"{case}/sample_rate"]
    assert_golden(golden, case, torch.from_numpy(samples / 32768.0).to(dtype), atol=1e-4)


# ---- names and groups ------------------------------------------------------------------------------------------------


def test_names():
    names = short_term_feature_names()
    assert len(names) == len(set(names)) == 68
    assert names[:8] == [
        "zero_crossing_rate",
        "energy",
        "energy_entropy",
        "spectral_centroid",
        "spectral_spread",
        "spectral_entropy",
        "spectral_flux",
        "spectral_rolloff",
    ]
    assert names[8] == "mfcc_1"
    assert names[20:23] == ["mfcc_13", "chroma_1", "chroma_2"]
    assert names[32:34] == ["chroma_12", "chroma_std"]
    assert names[34:] == [f"delta_{name}" for name in names[:34]]


@pytest.mark.parametrize("deltas", [True, False])
@pytest.mark.parametrize("groups", [("time",), ("spectral",), ("mfcc",), ("chroma",), ["chroma", "time"], "spectral"])
def test_groups_choose_columns_of_all(synthetic, groups, deltas):
    everything = dict(zip(short_term_feature_names(), short_term_features(synthetic, RATE).T, strict=True))
    chosen = short_term_features(synthetic, RATE, groups=groups, deltas=deltas)
    names = short_term_feature_names(groups, deltas)
    torch.testing.assert_close(chosen, torch.stack([everything[name] for name in names], dim=1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("groups", [("time", "pitch"), (), ("time", "time"), "harmonic"])
def test_groups_are_checked(synthetic, groups):
    with pytest.raises(ValueError, match=r"must name one or more of \['time', 'spectral', 'mfcc', 'chroma'\]"):
        short_term_feature_names(groups)
    with pytest.raises(ValueError, match="each at most once"):
        short_term_features(synthetic, RATE, groups=groups)


# ---- known signals ---------------------------------------------------------------------------------------------------


def test_alternating_signs():
    square = torch.tensor([0.5, -0.5], dtype=torch.float64).repeat(4000)
    features = short_term_features(square, 8000)
    torch.testing.assert_close(column(features, "zero_crossing_rate"), torch.ones(39, dtype=torch.float64))
    torch.testing.assert_close(column(features, "energy"), torch.ones(39, dtype=torch.float64))
    even_energy = torch.full((39,), np.log2(10), dtype=torch.float64)
    torch.testing.assert_close(column(features, "energy_entropy"), even_energy)


def test_tone_in_the_middle_of_a_bin():
    # 440 Hz is bin 22 of frames of 400 timepoints at 8 kHz
    tone = torch.sin(2 * torch.pi * 440 / 8000 * torch.arange(8000, dtype=torch.float64))
    features = short_term_features(tone, 8000)
    one = torch.ones(39, dtype=torch.float64)
    torch.testing.assert_close(column(features, "spectral_centroid"), one * 23 / 200)
    torch.testing.assert_close(column(features, "spectral_rolloff"), one * 22 / 200)
    torch.testing.assert_close(column(features, "spectral_spread"), one * 0, atol=1e-6, rtol=0)
    torch.testing.assert_close(column(features, "spectral_entropy"), one * 0, atol=1e-6, rtol=0)


def test_flux_of_a_change_of_tone():
    time = torch.arange(4000, dtype=torch.float64)
    tones = torch.cat([torch.sin(2 * torch.pi * hertz / 8000 * time) for hertz in (440, 880)])
    flux = column(short_term_features(tones, 8000, hop=0.05), "spectral_flux")
    assert flux[0] == 0
    # two spectra of one bin each, at distance sqrt(2)
    torch.testing.assert_close(flux[10], torch.tensor(2.0, dtype=torch.float64), atol=1e-6, rtol=0)
    assert flux[1:10].max() < 1e-12
    assert flux[11:].max() < 1e-12


def test_deltas_are_differences(synthetic):
    features = short_term_features(synthetic, RATE)
    assert torch.equal(features[0, 34:], torch.zeros(34, dtype=torch.float64))
    torch.testing.assert_close(features[1:, 34:], features[:-1, :34].neg() + features[1:, :34])


def test_offset_and_scale_do_not_matter(synthetic):
    expected = short_term_features(synthetic, RATE)
    torch.testing.assert_close(short_term_features(3 * synthetic - 0.5, RATE), expected, rtol=0, atol=1e-6)


def test_clip_level():
    values = np.random.default_rng(0).normal(0.25, 0.1, 100)
    level = clip_level(torch.from_numpy(values).split(7))
    np.testing.assert_allclose(level, (values.mean(), np.abs(values - values.mean()).max()), rtol=1e-12)
    normalized = level.normalize(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose((normalized.mean(), np.abs(normalized).max()), (0, 1), atol=1e-8)


# ---- frames and blocks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_timepoints", "n_frames"), [(1, 1), (799, 1), (800, 1), (1199, 1), (1200, 2), (1599, 2), (1600, 3)]
)
def test_number_of_frames(n_timepoints, n_frames):
    waveform = torch.sin(torch.arange(n_timepoints) * 0.3)
    assert short_term_features(waveform, RATE).shape == (n_frames, 68)


def test_durations_are_cut_to_timepoints():
    # 0.57 s at 100 Hz are 57 timepoints although 0.57 * 100 is 56.99999999999999; 0.579 s are 57 as well
    waveform = torch.sin(torch.arange(57.0))
    assert len(short_term_features(waveform, 100, window=0.57, hop=0.01)) == 1
    assert len(short_term_features(waveform, 100, window=0.569, hop=0.01)) == 2
    assert len(short_term_features(waveform, 100, window=0.579, hop=0.019)) == 1


@pytest.mark.parametrize("block_frames", [1, 2, 5])
@pytest.mark.parametrize("hop", [0.01, 0.05, 0.08])
def test_blocks_do_not_show(monkeypatch, synthetic, block_frames, hop):
    whole = short_term_features(synthetic, RATE, hop=hop)
    monkeypatch.setattr(_short_term, "_BLOCK_FRAMES", block_frames)
    monkeypatch.setattr(_short_term, "_PIECE_TIMEPOINTS", 1000)
    torch.testing.assert_close(short_term_features(synthetic, RATE, hop=hop), whole, rtol=0, atol=1e-9)


def test_long_frames_go_in_small_blocks(monkeypatch, synthetic):
    sizes = []
    original = _short_term._time_features
    monkeypatch.setattr(_short_term, "_BLOCK_TIMEPOINTS", 2400)
    monkeypatch.setattr(_short_term, "_time_features", lambda frames: sizes.append(frames.shape) or original(frames))
    short_term_features(synthetic, RATE)
    assert sizes == [(3, 800)] * 7 + [(2, 800)]


def test_leaves_the_waveform_as_it_was(synthetic):
    before = synthetic.clone()
    short_term_features(synthetic, RATE)
    assert torch.equal(synthetic, before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cuda_equals_cpu(synthetic, dtype):
    waveform = synthetic.to(dtype)
    on_device = short_term_features(waveform.cuda(), RATE)
    assert on_device.is_cuda
    torch.testing.assert_close(on_device.cpu(), short_term_features(waveform, RATE), rtol=0, atol=2e-5)


# ---- degenerate clips ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "clip",
    [
        torch.zeros(4000),
        torch.full((4000,), 0.1),
        torch.cat([torch.zeros(3000), torch.tensor([1.0, -1.0]), torch.zeros(3000)]),
        torch.tensor([0.3]),
        torch.tensor([0.0]),
        torch.tensor([0.3, -0.2]),
    ],
    ids=["silence", "constant", "click", "one timepoint", "one zero", "two timepoints"],
)
@pytest.mark.parametrize("rate", [8000, 22050])
def test_degenerate_clips_are_finite(clip, rate, dtype):
    assert torch.isfinite(short_term_features(clip.to(dtype), rate)).all()


def test_silence():
    features = short_term_features(torch.zeros(4000, dtype=torch.float64), 8000)
    expected = np.zeros(68)
    # log10 of the float64 epsilon in all 40 bands: the orthonormal transform of a constant
    expected[short_term_feature_names().index("mfcc_1")] = np.log10(np.finfo(float).eps) * np.sqrt(40)
    np.testing.assert_allclose(features.numpy(), np.tile(expected, (len(features), 1)), atol=1e-9)


def test_short_clip_is_filled_with_its_mean(synthetic):
    clip = synthetic[500:700]
    filled = torch.cat([clip, clip.mean().repeat(600)])
    torch.testing.assert_close(short_term_features(clip, RATE), short_term_features(filled, RATE), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("rate", "window"), [(4000, 0.05), (2000, 0.05), (8000, 0.01), (100, 0.02), (10, 10.0)])
def test_frames_the_original_refuses(rate, window):
    waveform = torch.from_numpy(np.random.default_rng(0).standard_normal(5 * int(window * rate)))
    features = short_term_features(waveform, rate, window=window, hop=window)
    assert features.shape == (5, 68)
    assert torch.isfinite(features).all()


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "waveform", [torch.zeros(2, 8000), torch.zeros(0), torch.zeros(8000, dtype=torch.int16), torch.tensor(0.5)]
)
def test_waveform_is_checked(waveform):
    with pytest.raises(ValueError, match=r"waveform must be a tensor of floats of shape \(n_timepoints,\)"):
        short_term_features(waveform, RATE)


@pytest.mark.parametrize("frame", [{"window": 0.0001}, {"hop": 0.00001}, {"window": -1.0}])
def test_frame_is_checked(synthetic, frame):
    with pytest.raises(ValueError, match="need at least 2 and 1"):
        short_term_features(synthetic, RATE, **frame)
