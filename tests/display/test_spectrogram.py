"""`SpectrogramDisplay`: levels, edges, bounded memory, and figures of any width."""

import sys
import tracemalloc

import librosa
import numpy as np
import pytest
import soundfile

from sklearn_audio import SpectrogramDisplay

RATE = 16000
rng = np.random.default_rng(0)
NOISE = rng.normal(size=2 * RATE).astype(np.float32)


def test_mel_levels_are_those_of_librosa(pyplot):
    display = SpectrogramDisplay.from_clip((NOISE, RATE))
    powers = librosa.feature.melspectrogram(y=NOISE, sr=RATE, n_fft=1024, hop_length=256, n_mels=128)
    np.testing.assert_allclose(display.levels, librosa.power_to_db(powers, ref=np.max).T, atol=1e-3)
    assert len(display.times) == len(display.levels) + 1
    assert (display.times[0], display.times[1]) == (0.0, 128 / RATE)  # a frame is centred on its time
    assert display.times[-1] == 2.0
    centres = librosa.mel_frequencies(130, fmin=0, fmax=RATE / 2)[1:-1]
    assert ((display.frequencies[:-1] < centres) & (centres < display.frequencies[1:])).all()
    assert (display.frequencies[0], display.frequencies[-1]) == (0.0, RATE / 2)
    assert display.ax_.get_yscale() == "function"


def test_stft_levels_are_those_of_librosa(pyplot):
    display = SpectrogramDisplay.from_clip((NOISE, RATE), kind="stft", top_db=30.0)
    powers = np.abs(librosa.stft(NOISE, n_fft=1024, hop_length=256)) ** 2
    np.testing.assert_allclose(display.levels, librosa.power_to_db(powers, ref=np.max, top_db=30).T, atol=1e-3)
    part = SpectrogramDisplay.from_clip((NOISE, RATE), kind="stft", fmin=1000, fmax=2000)
    assert part.levels.shape[1] == 65
    np.testing.assert_allclose(part.frequencies[[0, -1]], [1000 - 7.8125, 2000 + 7.8125])
    assert part.ax_.get_ylim() == tuple(part.frequencies[[0, -1]])


@pytest.mark.parametrize("n_seconds", [0.001, 1, 40])
def test_columns_are_means_of_frames(n_seconds, pyplot):
    wave = np.resize(NOISE, int(n_seconds * RATE))
    every = SpectrogramDisplay.from_clip((wave, RATE), max_columns=10**6, top_db=200)
    display = SpectrogramDisplay.from_clip((wave, RATE), max_columns=50, top_db=200)
    n = len(every.levels)
    m = 1 if n < 100 else 2 ** int(np.ceil(np.log2((n + 1) / 100)))
    assert len(display.levels) == -(-n // m) < 100
    powers = 10 ** (every.levels.astype(np.float64) / 10)
    means = [powers[i : i + m].mean(axis=0) for i in range(0, n, m)]
    np.testing.assert_allclose(display.levels, 10 * np.log10(means / np.max(means)), atol=1e-3)
    assert (np.diff(display.times) > 0).all()


def test_memory_does_not_grow_with_the_length(tmp_path, pyplot):
    peaks = []
    for n_seconds in (60, 600):
        soundfile.write(tmp_path / "long.wav", np.resize(NOISE, n_seconds * RATE), RATE)
        SpectrogramDisplay.from_clip(tmp_path / "long.wav")
        tracemalloc.start()
        SpectrogramDisplay.from_clip(tmp_path / "long.wav")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_times_of_a_part_are_those_of_the_recording(tmp_path, pyplot):
    soundfile.write(tmp_path / "a.wav", NOISE, RATE)
    display = SpectrogramDisplay.from_clip((tmp_path / "a.wav", 0.5, 1.5))
    assert (display.times[0], display.times[-1]) == (0.5, 1.5)
    assert display.ax_.get_xlim() == (0.5, 1.5)


def test_silence_is_dark(pyplot):
    assert set(SpectrogramDisplay.from_clip((np.zeros(RATE), RATE)).levels.ravel()) == {-80.0}


@pytest.mark.parametrize(("width", "height"), [(12, 4), (3.5, 2.4)])
@pytest.mark.parametrize("kind", ["mel", "stft"])
@pytest.mark.parametrize("rate", [8000, 96000])
def test_nothing_is_cut(width, height, kind, rate, pyplot, is_legible):
    figure, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    display = SpectrogramDisplay.from_clip((NOISE, rate), kind=kind, ax=ax)
    assert display.figure_ is figure
    assert is_legible(figure)
    assert display.colorbar_ is not None
    assert SpectrogramDisplay.from_clip((NOISE, rate), colorbar=False, cmap="Greys").colorbar_ is None


def test_parameters_that_make_no_sense(pyplot):
    def refused(words, error=ValueError, **options):
        with pytest.raises(error, match=words):
            SpectrogramDisplay.from_clip((NOISE, RATE), **options)

    refused("n_mels=40 has no effect with kind='stft'", kind="stft", n_mels=40)
    refused("fmin=0 and fmax=9000 do not fit; need 0 <= fmin < fmax <= 8000", fmax=9000)
    refused("fmin=9000 and fmax=None do not fit", fmin=9000, kind="stft")
    refused("'max_columns' parameter", max_columns=1)
    with pytest.raises(ValueError, match="array without a sample rate"):
        SpectrogramDisplay.from_clip(NOISE)
    assert SpectrogramDisplay.from_clip(NOISE, sample_rate=RATE).times[-1] == 2.0


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="SpectrogramDisplay needs the package 'matplotlib"):
        SpectrogramDisplay.from_clip((NOISE, RATE))
