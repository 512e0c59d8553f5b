"""`SpectrogramTransformer`: librosa's magnitudes of both transforms."""

import warnings

import librosa
import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_audio import SpectrogramTransformer
from sklearn_audio.validation import _audio

RATE = 22050


def noise(n, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


CLIPS = [noise(40_000, 1), noise(30_000, 2)]


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({}, {"n_fft": 1024, "hop_length": 512}),
        ({"n_fft": 512, "hop_length": 100}, None),
        ({"n_fft": 512, "win_length": 300, "hop_length": 128}, None),
        ({"n_fft": 511, "hop_length": 128}, None),
        ({"window": "hamming", "n_fft": 1024, "hop_length": 512}, None),
        ({"center": False, "n_fft": 1024, "hop_length": 512}, None),
        ({"pad_mode": "reflect", "n_fft": 1024, "hop_length": 512}, None),
    ],
)
def test_stft_equals_librosa(params, options):
    wanted = np.abs(librosa.stft(CLIPS[0].astype(np.float64), **(params if options is None else options))).T
    got = SpectrogramTransformer(**params).transform(CLIPS)[0]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * wanted.max())


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({}, {}),
        ({"hop_length": 256, "n_bins": 60, "bins_per_octave": 24, "fmin": 110.0}, None),
        ({"pad_mode": "reflect"}, None),
        ({"window": "hamming"}, None),
    ],
)
def test_cqt_equals_librosa(params, options):
    wanted = np.abs(librosa.cqt(CLIPS[0], sr=RATE, **(params if options is None else options))).T
    got = SpectrogramTransformer(kind="cqt", **params).transform(CLIPS[:1])[0]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * wanted.max())


@pytest.mark.parametrize("kind", ["stft", "cqt"])
def test_power_and_decibels(kind):
    magnitudes = SpectrogramTransformer(kind=kind).transform(CLIPS[:1])[0]
    powers = SpectrogramTransformer(kind=kind, power=2.0).transform(CLIPS[:1])[0]
    np.testing.assert_allclose(powers, magnitudes**2, rtol=1e-5)
    for params, wanted in [
        ({}, librosa.amplitude_to_db(magnitudes.astype(np.float64), top_db=80.0)),
        ({"power": 2.0}, librosa.power_to_db(powers.astype(np.float64), top_db=80.0)),
        ({"top_db": 10.0}, librosa.amplitude_to_db(magnitudes.astype(np.float64), top_db=10.0)),
    ]:
        decibels = SpectrogramTransformer(kind=kind, log="db", **params).transform(CLIPS[:1])[0]
        np.testing.assert_allclose(decibels, wanted, atol=2e-3)


@pytest.mark.parametrize("kind", ["stft", "cqt"])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_silence_is_at_the_floor_of_librosa(kind, power):
    silence = [np.zeros(3000, dtype=np.float32)]
    assert librosa.amplitude_to_db(np.zeros(1)) == librosa.power_to_db(np.zeros(1)) == -100
    frames = SpectrogramTransformer(kind=kind, power=power, log="db").transform(silence)[0]
    np.testing.assert_allclose(frames, -100, atol=1e-4)


@pytest.mark.parametrize("n", [1, 511, 512, 3000])
def test_short_clips_of_cqt_warn_of_nothing(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames = SpectrogramTransformer(kind="cqt").transform([noise(n)])[0]
    assert frames.shape == (1 + n // 512, 84)
    assert np.isfinite(frames).all()


@pytest.mark.parametrize("kind", ["stft", "cqt"])
def test_threads_and_blocks_change_no_bit(monkeypatch, kind):
    transformer = SpectrogramTransformer(kind=kind)
    wanted = transformer.transform(CLIPS).values
    np.testing.assert_array_equal(transformer.set_params(n_jobs=2).transform(CLIPS).values, wanted)
    monkeypatch.setattr(_audio, "_BLOCK_TIMEPOINTS", 7000)
    np.testing.assert_array_equal(transformer.transform(CLIPS).values, wanted)


def test_names():
    names = SpectrogramTransformer(n_fft=4).get_feature_names_out()
    assert names.tolist() == ["stft_0", "stft_1", "stft_2"]
    assert SpectrogramTransformer(kind="cqt", n_bins=2).get_feature_names_out().tolist() == ["cqt_0", "cqt_1"]


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"kind": "cwt"}, "'kind' parameter of SpectrogramTransformer must be a str among .* Got 'cwt'"),
        ({"log": "ln"}, "'log' parameter of SpectrogramTransformer must be None or a str among {'db'}.*Got 'ln'|'log'"),
        ({"n_bins": 0}, r"'n_bins' parameter of SpectrogramTransformer must be an int in the range \[1, inf\)"),
        ({"fmin": 0}, "'fmin' parameter of SpectrogramTransformer"),
        ({"window": "kaiser"}, "'window' parameter of SpectrogramTransformer must be a str among .* Got 'kaiser'"),
        ({"device": 0}, "'device' parameter of SpectrogramTransformer must be an instance of 'str'"),
    ],
)
def test_parameters(params, match):
    with pytest.raises(InvalidParameterError, match=match):
        SpectrogramTransformer(**params).fit(CLIPS)
