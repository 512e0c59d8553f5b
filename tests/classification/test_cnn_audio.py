"""`CNNClassifier` over audio: front ends, waveforms, augmentation of waveforms, sets larger than memory."""

import pickle
import tempfile
import tracemalloc

import numpy as np
import pytest
import soundfile
import torch
from sklearn.utils import get_tags
from skorch.callbacks import Callback
from torch import nn

from sklearn_audio import CNNClassifier, MelSpectrogramTransformer
from sklearn_audio.augmentation import AddNoise, Gain, RandomCrop
from sklearn_audio.datasets import load_audio_table
from sklearn_audio.dsp import preset
from sklearn_audio.exceptions import AudioReadError
from tests.tiny_network import TinyNetwork

RATE = 8000
RNG = np.random.default_rng(0)
Y = np.array(["low", "high"])[np.arange(16) % 2]


def tone(i, seconds):
    time = np.arange(int(seconds * RATE)) / RATE
    wave = 0.3 * np.sin(2 * np.pi * (300 + 20 * i if i % 2 else 1500 + 40 * i) * time)
    return (wave + RNG.normal(scale=0.02, size=len(time))).astype(np.float32)


X = [tone(i, 0.2 + 0.05 * (i % 5)) for i in range(16)]


class WaveNetwork(nn.Module):
    """Takes waveforms: one convolution, and the mean of what it finds."""

    waveforms = True
    shortest = 64

    def __init__(self, n_outputs, n_features):
        super().__init__()
        self.conv = nn.Conv1d(1, 16, 64, stride=16)
        self.head = nn.Linear(16, n_outputs)

    def forward(self, waveforms):
        return self.head(torch.relu(self.conv(waveforms[:, None])).mean(dim=2))


def classifier(architecture=TinyNetwork, **options):
    defaults = {"front_end": "panns_8k", "sample_rate": RATE, "max_epochs": 6, "lr": 0.03, "random_state": 0}
    return CNNClassifier(architecture, **(defaults | options))


def fit(architecture=TinyNetwork, **options):
    return classifier(architecture, **options).fit(X, Y)


def waves(**options):
    return fit(WaveNetwork, **({"front_end": None} | options))


def same_weights(one, other):
    states = one.network_.state_dict(), other.network_.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("options", [{}, {"n_frames": 12}, {"n_frames": 12, "windows": {"take": "all", "hop": 6}}])
def test_audio_is_frames_computed_on_the_way(options, n_jobs):
    over_audio = fit(n_jobs=n_jobs, **options)
    frames = MelSpectrogramTransformer.from_preset("panns_8k").fit_transform(X)
    over_frames = classifier(front_end=None, sample_rate=None, **options).fit(frames, Y)
    assert same_weights(over_audio, over_frames)
    assert np.array_equal(over_audio.predict_proba(X), over_frames.predict_proba(frames))
    assert over_audio.score(X, Y) > 0.9


def test_a_front_end_of_ones_own_and_learned_compression():
    front_end = preset("panns_8k", n_mels=20, hop_length=160)
    fitted = fit(front_end=front_end, options={"log_compression": "learned"})
    assert fitted.network_.input.mean.shape == (20,)
    powers = MelSpectrogramTransformer.from_preset("panns_8k", n_mels=20, hop_length=160, log=None).fit_transform(X)
    compressed = np.log(np.exp(7) * powers.values + np.log1p(np.e))
    np.testing.assert_allclose(fitted.network_.input.mean.numpy(), compressed.mean(axis=0), rtol=1e-4)


def test_waveform_networks_take_waveforms():
    fitted = waves(max_epochs=20)
    assert fitted.n_frames_ == max(map(len, X))
    assert fitted.score(X, Y) > 0.9
    read = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(read.predict_proba(X), fitted.predict_proba(X))
    # two seconds are windows side by side, the last one to the end
    long, n = tone(1, 2.0), fitted.n_frames_
    starts = [*range(0, len(long) - n, n), len(long) - n]
    windows = fitted.predict_proba([long[start : start + n] for start in starts])
    np.testing.assert_allclose(fitted.predict_proba([long])[0], windows.mean(axis=0), rtol=1e-12)


def test_waveforms_are_resampled_to_the_rate_of_the_network():
    fitted = waves(max_epochs=1)
    pairs = [(np.repeat(clip, 2), 2 * RATE) for clip in X]
    assert np.abs(fitted.predict_proba(pairs) - fitted.predict_proba(X)).max() < 0.05


@pytest.mark.parametrize("name", ["leenet11", pytest.param("res1dnet31", marks=pytest.mark.slow)])
def test_published_waveform_networks(name):
    fitted = fit(name, front_end=None, max_epochs=1)
    assert fitted.n_frames_ == max(map(len, X)) if name == "leenet11" else 20476
    assert np.isfinite(fitted.predict_proba(X[:2])).all()


def test_waveforms_are_neither_masked_nor_mixed_by_default():
    assert same_weights(
        fit("leenet11", front_end=None, max_epochs=1),
        fit("leenet11", front_end=None, max_epochs=1, mixup=0.0, spec_augment=None),
    )


def test_longest_waveform_by_default():
    fitted = classifier(WaveNetwork, front_end=None, max_epochs=1).fit([tone(i, 11.0) for i in range(4)], Y[:4])
    assert fitted.n_frames_ == 10 * RATE


@pytest.mark.parametrize("options", [{}, {"n_frames": 12}, {"n_frames": 12, "windows": "all"}])
def test_waveforms_change_in_every_epoch_with_any_number_of_threads(options):
    changes = [Gain(), AddNoise(), RandomCrop(1500)]
    changed = fit(augmentations=changes, **options)
    assert same_weights(changed, fit(augmentations=changes, n_jobs=2, **options))
    assert not same_weights(changed, fit(augmentations=changes, random_state=1, **options))
    assert not same_weights(changed, fit(**options))
    assert changed.n_frames_ == fit(max_epochs=1, **options).n_frames_
    assert changed.score(X, Y) > 0.8
    # what normalises is computed without augmentation
    plain = fit(**options).network_.input
    torch.testing.assert_close(changed.network_.input.mean, plain.mean, rtol=0, atol=2)


def test_waveform_networks_are_augmented_too():
    assert same_weights(waves(augmentations=[Gain()]), waves(augmentations=[Gain()], n_jobs=2))
    assert not same_weights(waves(augmentations=[Gain()]), waves())


@pytest.mark.parametrize(
    "options", [{}, {"n_frames": 12}, {"n_frames": 12, "windows": "all", "augmentations": [Gain()]}]
)
def test_waveforms_can_be_mixed_in_place_of_frames(options):
    mixed = fit(mixup={"alpha": 0.5, "on": "waveforms"}, **options)
    assert same_weights(mixed, fit(mixup={"alpha": 0.5, "on": "waveforms"}, n_jobs=2, **options))
    assert not same_weights(mixed, fit(mixup=0.5, **options))
    assert mixed.score(X, Y) > 0.8
    # a network over waveforms has nothing else to mix
    assert same_weights(waves(mixup={"alpha": 0.5, "on": "waveforms"}), waves(mixup=0.5))
    assert not same_weights(waves(mixup=0.5), waves())


def test_waveforms_are_mixed_by_their_loudness():
    loudly, plain = {"alpha": 0.5, "loudness": True}, {"alpha": 0.5}
    assert not same_weights(waves(mixup=loudly), waves(mixup=plain))
    assert same_weights(waves(mixup=loudly), waves(mixup=loudly))
    frames = {"front_end": "panns_8k", "n_frames": 16, "max_epochs": 1}
    loudly, plain = (fit(mixup=mixup | {"on": "waveforms"}, **frames) for mixup in (loudly, plain))
    assert not same_weights(loudly, plain)


def test_waveforms_of_several_labels_can_be_mixed():
    y = np.stack([Y == "low", np.arange(16) % 3 == 0], axis=1).astype(int)
    mixed = classifier(mixup={"alpha": 0.5, "on": "waveforms"}, max_epochs=20).fit(X, y)
    assert mixed.predict_proba(X).shape == (16, 2)
    assert (mixed.predict(X)[:, 0] == y[:, 0]).mean() > 0.8


def test_validation_is_not_augmented():
    def loud(waveform):
        return waveform * 1e6

    options = {"validation_fraction": 0.25, "max_epochs": 1, "lr": 1e-12, "weight_decay": 0.0}
    plain, changed = fit(**options), fit(augmentations=[loud], **options)
    assert plain.history_["train_loss"][0] != pytest.approx(changed.history_["train_loss"][0], rel=1e-3)
    assert plain.history_["valid_loss"][0] == pytest.approx(changed.history_["valid_loss"][0], rel=1e-3)


def test_effects_of_others_run_on_waveforms_and_repeat():
    calls = []

    def effect(samples, sample_rate):
        calls.append((samples.ndim, sample_rate))
        return samples * np.random.uniform(0.5, 1)  # noqa: NPY002

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = fit(augmentations=[effect], max_epochs=2, n_jobs=2)
    assert same_weights(first, fit(augmentations=[effect], max_epochs=2))
    assert set(calls) == {(1, RATE)}
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_an_effect_that_fails_surfaces():
    def broken(waveform):
        raise RuntimeError("no such effect")

    with pytest.raises(RuntimeError, match="no such effect"):
        fit(augmentations=[broken])


@pytest.mark.parametrize("options", [{}, {"augmentations": [Gain()]}, {"n_frames": 8, "windows": "all"}])
def test_a_large_set_goes_to_a_file_and_changes_nothing(options, tmp_path, monkeypatch):
    wanted = fit(**options)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("sklearn_audio.engine.training._row_store._MOST_BYTES_IN_MEMORY", 10_000)
    for n_jobs in (None, 2):
        assert same_weights(fit(n_jobs=n_jobs, **options), wanted)
    assert not list(tmp_path.iterdir())


def test_memory_is_bounded_while_a_large_set_is_trained_on(tmp_path, monkeypatch):
    """Twenty clips of 24 s are 15 MB of waveforms."""
    monkeypatch.setattr("sklearn_audio.engine.training._row_store._MOST_BYTES_IN_MEMORY", 1 << 20)
    monkeypatch.setattr("sklearn_audio.classification._audio_input._VALUES_PER_CHUNK", 1 << 18)
    paths = [tmp_path / f"{i}.wav" for i in range(20)]
    for i, path in enumerate(paths):
        soundfile.write(path, tone(i, 24.0), RATE)
    y = Y[np.arange(20) % 16]
    options = {"front_end": None, "n_frames": RATE, "max_epochs": 2, "batch_size": 4}
    classifier(WaveNetwork, **options).fit(paths[:4], y[:4])  # what is loaded once
    tracemalloc.start()
    try:
        fitted = classifier(WaveNetwork, **options).fit(paths, y)
        fitted.predict_proba(paths)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 7e6


def test_prediction_goes_in_chunks(monkeypatch):
    fitted = fit(max_epochs=1)
    wanted = fitted.predict_proba(X)
    monkeypatch.setattr("sklearn_audio.classification._audio_input._VALUES_PER_CHUNK", 100)
    assert np.array_equal(fitted.predict_proba(X), wanted)


@pytest.mark.parametrize("options", [{}, {"augmentations": [Gain(), AddNoise()]}, {"normalize": "clip"}])
def test_silence_and_clips_of_a_moment(options):
    fitted = fit(max_epochs=1, **options)
    odd = [np.zeros(RATE, np.float32), np.array([0.5], np.float32), np.zeros(1, np.float32)]
    assert np.isfinite(fitted.predict_proba(odd)).all()
    with pytest.warns(UserWarning, match="equal, as in silence"):
        silent = classifier(max_epochs=1, **options).fit([np.zeros(900, np.float32)] * 4, Y[:4])
    assert np.isfinite(silent.predict_proba(odd)).all()


def test_training_continues():
    fitted = classifier(max_epochs=2, warm_start=True, augmentations=[Gain()])
    assert fitted.fit(X, Y).fit(X[:8], Y[:8]).n_iter_ == 4
    parts = classifier()
    for start in (0, 8):
        parts.partial_fit(X[start : start + 8], Y[start : start + 8], classes=["high", "low"])
    assert parts.predict(X).shape == (16,)


def test_tags_tell_what_x_is():
    for audio, frames in [(classifier(), CNNClassifier()), (CNNClassifier("leenet11"), CNNClassifier("no such"))]:
        assert get_tags(audio).input_tags.string
        assert not get_tags(frames).input_tags.string
    assert not get_tags(CNNClassifier()).classifier_tags.poor_score


def test_clips_that_cannot_be_read():
    with pytest.raises(ValueError, match=r"row 0 is an array without a sample rate.*sample_rate"):
        fit(sample_rate=None)
    with pytest.raises(AudioReadError, match=r"row 1.*missing\.wav"):
        classifier().fit([X[0], "missing.wav"], Y[:2])
    with pytest.raises(ValueError, match=r"row 1.*NaN"):
        fit(max_epochs=1, n_jobs=2).predict([X[0], np.full(10, np.nan)])


class Killer(Callback):
    """Ends the third epoch in its middle, once."""

    armed = True

    def on_batch_end(self, net, training=None, **kwargs):
        if training and Killer.armed and len(net.history) == 3 and len(net.history[-1, "batches"]) == 2:
            Killer.armed = False
            raise RuntimeError("killed")


@pytest.mark.parametrize(
    "options",
    [
        {"n_frames": 12},
        {"n_frames": 12, "windows": "all", "augmentations": [Gain(), AddNoise()], "n_jobs": 2},
        {"mixup": {"alpha": 0.5, "on": "waveforms"}},
    ],
)
def test_a_fit_that_was_killed_goes_on_with_the_same_windows_and_changes(options, tmp_path, monkeypatch):
    options |= {"batch_size": 4, "callbacks": [Killer()]}
    monkeypatch.setattr(Killer, "armed", False)
    wanted = fit(**options)
    monkeypatch.setattr(Killer, "armed", True)
    with pytest.raises(RuntimeError, match="killed"):
        fit(checkpoint_dir=tmp_path, **options)
    continued = fit(checkpoint_dir=tmp_path, **options)
    assert continued.n_iter_ == 6
    assert same_weights(continued, wanted)


@pytest.mark.slow
def test_hears_digits(shared_data):
    digits = load_audio_table(shared_data / "digits" / "labels.csv")
    rows = np.random.default_rng(0).permutation(len(digits.data))[:600]
    paths, y = np.asarray(digits.data)[rows], np.asarray(digits.target)[rows]
    front_end = preset("panns_8k", n_mels=32, hop_length=160)
    network = CNNClassifier("cnn4", front_end=front_end, n_frames=32, max_epochs=20, random_state=0)
    network.set_params(options={"dropout": 0.2})
    network.fit(paths[:500], y[:500])
    assert network.score(paths[500:], y[500:]) > 0.5


def test_the_front_end_of_a_network_on_waveforms_and_frames_is_that_of_their_rate():
    def front_end(rate):
        return CNNClassifier("wavegram_logmel_cnn14", sample_rate=rate)._log_mel()

    assert [front_end(rate) for rate in (None, 32000, 8000)] == [
        preset(name) for name in ("panns_32k", "panns_32k", "panns_8k")
    ]
    with pytest.raises(ValueError, match="sample_rate=22050, but architecture 'wavegram_logmel_cnn14' computes frames"):
        CNNClassifier("wavegram_logmel_cnn14", sample_rate=22050).fit(X, Y)


@pytest.mark.slow
def test_a_network_on_waveforms_and_frames_trains_and_is_pickled():
    options = {"sample_rate": 8000, "max_epochs": 1, "batch_size": 4, "random_state": 0}
    clips = [np.tile(clip, 8) for clip in X[:8]]
    fitted = CNNClassifier("wavegram_logmel_cnn14", **options).fit(clips, Y[:8])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(clips), fitted.predict_proba(clips))
