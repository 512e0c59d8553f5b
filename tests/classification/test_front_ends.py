"""Every trained estimator over audio: the same as over the frames of the front end, in memory or in a file."""

import tempfile

import numpy as np
import pytest
import soundfile
from sklearn.base import clone

from sklearn_audio import (
    BERTClassifier,
    ConvAutoencoder,
    FrameMLPClassifier,
    LSTMClassifier,
    MelSpectrogramTransformer,
    PrototypicalClassifier,
    TokenMeanClassifier,
)
from sklearn_audio.augmentation import Gain
from sklearn_audio.exceptions import AudioReadError

RATE = 8000
RNG = np.random.default_rng(0)
Y = ["low", "high"] * 6
X = [
    (0.3 * np.sin(2 * np.pi * (300, 1500)[i % 2] * np.arange(1600 + 400 * (i % 4)) / RATE)).astype(np.float32)
    + RNG.normal(scale=0.02, size=1600 + 400 * (i % 4)).astype(np.float32)
    for i in range(12)
]
FRAMES = MelSpectrogramTransformer.from_preset("panns_8k").fit_transform(X)
FEW = {"max_epochs": 2, "random_state": 0}
NETWORKS = {
    "lstm": LSTMClassifier(hidden_size=8, **FEW),
    "bert": BERTClassifier(width=8, n_heads=2, feedforward_size=8, options={"max_length": 9}, **FEW),
    "mean": TokenMeanClassifier(embedding_size=8, **FEW),
    "mlp": FrameMLPClassifier(hidden_sizes=(8,), **FEW),
    "autoencoder": ConvAutoencoder(2, n_filters=(4, 8), n_frames=9, **FEW),
    "prototypes": PrototypicalClassifier("timbre", n_support=2, n_query=2, n_episodes=2, n_frames=8, random_state=0),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def over_audio(name, **options):
    return clone(NETWORKS[name]).set_params(**({"front_end": "panns_8k", "sample_rate": RATE} | options))


def answers(estimator, X):
    return estimator.transform(X) if hasattr(estimator, "transform") else estimator.predict_proba(X)


@every_network
def test_audio_gives_what_its_frames_give(name):
    wanted = answers(clone(NETWORKS[name]).fit(FRAMES, Y), FRAMES)
    np.testing.assert_allclose(answers(over_audio(name).fit(X, Y), X), wanted, rtol=1e-3, atol=1e-4)


@every_network
def test_a_large_set_goes_to_a_file_and_chunks_change_nothing(name, tmp_path, monkeypatch):
    wanted = answers(over_audio(name).fit(X, Y), X)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("sklearn_audio.engine.training._row_store._MOST_BYTES_IN_MEMORY", 10_000)
    monkeypatch.setattr("sklearn_audio.classification._audio_input._VALUES_PER_CHUNK", 1 << 11)
    assert np.array_equal(answers(over_audio(name, n_jobs=2).fit(X, Y), X), wanted)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["lstm", "bert", "mean", "mlp"])
def test_waveforms_are_augmented_in_training_only(name):
    fitted = over_audio(name, augmentations=[Gain()]).fit(X, Y)
    assert not np.array_equal(answers(fitted, X), answers(over_audio(name).fit(X, Y), X))
    assert np.array_equal(answers(fitted, X), answers(over_audio(name, augmentations=[Gain()]).fit(X, Y), X))


@every_network
def test_files_and_what_is_refused(name, tmp_path):
    paths = [str(tmp_path / f"{i}.wav") for i in range(12)]
    for path, clip in zip(paths, X, strict=True):
        soundfile.write(path, clip, RATE, subtype="FLOAT")
    fitted = over_audio(name, sample_rate=None).fit(paths, Y)
    assert np.array_equal(answers(fitted, paths), answers(over_audio(name).fit(X, Y), X))
    with pytest.raises(ValueError, match="sample_rate"):
        fitted.fit(X, Y)
    with pytest.raises(AudioReadError, match="row 1"):
        answers(fitted, [paths[0], str(tmp_path / "none.wav")])
    with pytest.raises(ValueError, match="unknown front end 'panns'"):
        over_audio(name, front_end="panns").fit(X, Y)
