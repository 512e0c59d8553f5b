"""`ConvAutoencoder`: vectors that clips can be rebuilt from, learned without labels."""

import pickle
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_audio import (
    CNNClassifier,
    ConvAutoencoder,
    GradientAccumulation,
    MelSpectrogramTransformer,
    WeightAveraging,
)
from sklearn_audio.classification._trained_network import TrainingData
from sklearn_audio.datasets import make_sound_events
from sklearn_audio.nets import Cnn4
from sklearn_audio.testing._probes import assert_same_rows

RNG = np.random.default_rng(0)
# waves along time and along the features, in three ways, of unequal length, in dB
TIME, FEATURE = np.mgrid[:24, :20]
SHAPES = [np.sin(TIME / (2 + kind)) + np.cos(FEATURE / (5 - kind)) for kind in range(3)]
KINDS = np.arange(24) % 3
X = [
    (15 * SHAPES[kind][: 18 + i % 7] - 40 + RNG.normal(scale=2, size=(18 + i % 7, 20))).astype(np.float32)
    for i, kind in enumerate(KINDS)
]


def autoencoder(**options):
    given = {"n_channels": 4, "n_filters": (4, 8, 8), "max_epochs": 20, "lr": 0.02, "batch_size": 12, "random_state": 0}
    return ConvAutoencoder(**(given | options))


@pytest.fixture(scope="module")
def fitted():
    return autoencoder().fit(X)


def same_weights(one, other):
    states = one.network_.state_dict(), other.network_.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def error_of_the_mean_frame():
    mean = np.concatenate(X).mean(axis=0)
    return np.mean([np.square(clip - mean).mean() for clip in X])


def test_it_rebuilds_better_than_the_mean_frame(fitted):
    assert -fitted.score(X) < 0.2 * error_of_the_mean_frame()
    assert autoencoder(max_epochs=1, lr=1e-6).fit(X).score(X) < fitted.score(X)


def test_vectors_tell_what_was_not_labelled(fitted):
    found = KMeans(3, n_init=5, random_state=0).fit_predict(fitted.transform(X))
    assert adjusted_rand_score(KINDS, found) > 0.9


def test_shapes(fitted):
    assert fitted.n_frames_ == 24
    vectors = fitted.transform(X)
    assert vectors.shape == (24, 4 * 3 * 3)
    assert vectors.dtype == np.float32
    rebuilt = fitted.inverse_transform(vectors)
    assert rebuilt.shape == (24, 24, 20)
    assert rebuilt.dtype == np.float32
    assert fitted.n_features_in_ == 20


def test_the_vector_alone_decides_the_reconstruction(fitted):
    rebuilt = fitted.inverse_transform(fitted.transform(X))
    for clip, answer in zip(X, rebuilt, strict=True):
        padded = torch.zeros(1, 24, 20)
        padded[0, : len(clip)] = torch.from_numpy(clip)
        with torch.no_grad():
            wanted = fitted.network_(padded, torch.tensor([len(clip)]))[0].numpy()
        np.testing.assert_allclose(answer, wanted, rtol=0, atol=1e-3)


def test_the_score_is_the_error_of_the_reconstruction(fitted):
    rebuilt = fitted.inverse_transform(fitted.transform(X))
    errors = [np.square(answer[: len(clip)] - clip).mean() for clip, answer in zip(X, rebuilt, strict=True)]
    np.testing.assert_allclose(fitted.score(X), -np.mean(errors), rtol=1e-4)


def test_the_score_is_in_the_units_of_x(fitted):
    louder = autoencoder().fit([clip * 10 for clip in X])
    np.testing.assert_allclose(louder.score([clip * 10 for clip in X]), 100 * fitted.score(X), rtol=0.1)


def test_rows_do_not_depend_on_their_neighbours(fitted):
    wanted = list(fitted.transform(X))
    assert_same_rows([fitted.transform([clip])[0] for clip in X], wanted, "one by one")
    assert_same_rows(list(fitted.transform(X[::-1])[::-1]), wanted, "in reverse")
    vectors = fitted.transform(X)
    rebuilt = list(fitted.inverse_transform(vectors))
    assert_same_rows([fitted.inverse_transform(row[None])[0] for row in vectors], rebuilt, "rebuilt one by one")


def test_fit_repeats_to_the_bit_and_another_seed_is_another_network(fitted):
    assert same_weights(fitted, autoencoder().fit(X))
    assert not same_weights(autoencoder(max_epochs=1).fit(X), autoencoder(max_epochs=1, random_state=1).fit(X))
    assert np.array_equal(autoencoder().fit_transform(X), fitted.transform(X))


def test_labels_change_nothing():
    assert same_weights(autoencoder(max_epochs=2).fit(X), autoencoder(max_epochs=2).fit(X, KINDS))


def test_long_clips_are_averaged_over_their_pieces(fitted):
    long = np.concatenate([X[0][:18], X[1][:18]])
    halves = fitted.transform([long[:18], long[18:]])
    np.testing.assert_allclose(fitted.transform([long])[0], halves.mean(axis=0), rtol=0, atol=1e-5)
    np.testing.assert_allclose(fitted.score([long]), fitted.score([long[:18], long[18:]]), rtol=1e-6)


@pytest.mark.parametrize(("truncation", "kept"), [("head", slice(None, 24)), ("tail", slice(-24, None))])
def test_an_end_of_long_clips_can_be_kept(fitted, truncation, kept):
    long = np.concatenate([X[0], X[1], X[2]])
    one_end = clone(fitted).set_params(truncation=truncation, max_epochs=1, n_frames=24).fit(X)
    assert np.array_equal(one_end.transform([long]), one_end.transform([long[kept]]))


def test_fit_cuts_long_clips_to_pieces_that_weigh_as_much_as_others():
    short = autoencoder(n_frames=10, max_epochs=1)
    assert short.fit(X).n_frames_ == 10
    rows = short._read_rows([X[0][:10], X[0][:18]], reset=False)
    data = short._dataset(TrainingData(rows, np.zeros((2, 1)), np.ones(2)), np.arange(2))
    assert data.weights.tolist() == [1.5, 0.75, 0.75]


def test_what_is_normalised_is_undone():
    scaled = [clip * np.linspace(0.1, 100, 20, dtype=np.float32) + 500 for clip in X]
    rebuilt = autoencoder().fit(scaled)
    answers = rebuilt.inverse_transform(rebuilt.transform(scaled))
    mean, deviation = np.concatenate(scaled).mean(axis=0), np.concatenate(scaled).std(axis=0)
    assert (np.abs(answers.mean(axis=(0, 1)) - mean) < deviation).all()
    raw = autoencoder(normalize=None, max_epochs=1).fit(X).network_.input
    assert raw.mean.tolist() == [0.0] * 20
    assert raw.scale.tolist() == [1.0] * 20


def test_a_constant_feature_is_rebuilt():
    constant = [np.column_stack([clip, np.full(len(clip), 7.0, np.float32)]) for clip in X]
    assert np.isfinite(autoencoder(max_epochs=2).fit(constant).score(constant))


def test_silence_is_warned_of():
    with pytest.warns(UserWarning, match="are equal, as in silence, so ConvAutoencoder") as warned:
        autoencoder(max_epochs=1).fit([np.full((8, 3), -80.0, np.float32)] * 4)
    assert warned[0].filename == __file__


def test_history_and_early_stopping():
    watched = autoencoder(max_epochs=60, lr=0.05, lr_schedule=None, early_stopping=True, patience=3).fit(X)
    assert watched.history_.columns.tolist() == ["epoch", "train_loss", "valid_loss", "lr", "seconds"]
    assert watched.n_iter_ == len(watched.history_) < 60
    assert watched.history_["valid_loss"].argmin() == watched.n_iter_ - 4
    plain = autoencoder(max_epochs=2).fit(X)
    assert plain.history_.columns.tolist() == ["epoch", "train_loss", "lr", "seconds"]
    assert plain.n_parameters_ == sum(p.numel() for p in plain.network_.parameters())


def test_the_best_epoch_is_kept():
    watched = autoencoder(lr=0.05, lr_schedule=None, validation_fraction=0.25, early_stopping=True, patience=3).fit(X)
    data = watched.history_["valid_loss"]
    assert data.iloc[-1] > data.min()
    again = autoencoder(lr=0.05, lr_schedule=None, validation_fraction=0.25, max_epochs=int(data.argmin()) + 1).fit(X)
    assert same_weights(watched, again)


def test_groups_are_kept_whole(monkeypatch):
    seen = []
    dataset = ConvAutoencoder._dataset

    def watched(self, data, chosen):
        seen.append([data.rows[row] for row in chosen])
        return dataset(self, data, chosen)

    monkeypatch.setattr(ConvAutoencoder, "_dataset", watched)
    groups = np.arange(24) // 4
    marked = [np.full((4, 2), group, dtype=np.float32) for group in groups]
    autoencoder(max_epochs=1, validation_fraction=0.3).fit(marked, groups=groups)
    one, other = ({float(clip[0, 0]) for clip in clips} for clips in seen)
    assert len(one) + len(other) == 6
    assert not one & other


def test_plateau_lowers_the_rate():
    slow = autoencoder(max_epochs=30, lr=1e-9, lr_schedule="plateau", patience=2, n_filters=(2,)).fit(X)
    assert slow.history_["lr"].iloc[-1] < 1e-9


def test_training_continues(fitted):
    twice = autoencoder(max_epochs=2, warm_start=True, lr_schedule=None)
    assert twice.fit(X).n_iter_ == 2
    assert twice.fit(X).n_iter_ == 4
    assert twice.history_["epoch"].tolist() == [1, 2, 3, 4]
    losses = twice.history_["train_loss"]
    assert losses[2] < losses[1]
    with pytest.raises(ValueError, match="X has 3 features per frame"):
        twice.fit([clip[:, :3] for clip in X])


def test_a_pickle_holds_arrays_only(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.transform(X), fitted.transform(X))
    assert not again.network_.training
    assert b"torch._utils" not in pickle.dumps(fitted)


def test_a_pickle_of_another_device_computes_here(fitted):
    moved = pickle.loads(pickle.dumps(fitted)).set_params(device="cuda:7")
    with pytest.warns(RuntimeWarning, match="device='cuda:7', on which this network was trained, is not available"):
        vectors = moved.transform(X)
    assert np.array_equal(vectors, fitted.transform(X))


def test_a_grid_ranks_by_the_error():
    search = GridSearchCV(autoencoder(), {"max_epochs": [1, 12]}, cv=2, refit=False).fit(X)
    assert search.best_params_ == {"max_epochs": 12}
    assert (search.cv_results_["mean_test_score"] < 0).all()


def test_names_and_tables(fitted):
    names = fitted.get_feature_names_out()
    assert names[:2].tolist() == ["convautoencoder0", "convautoencoder1"]
    table = clone(fitted).set_params(max_epochs=1).set_output(transform="pandas").fit_transform(X)
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == names.tolist()


def test_in_a_pipeline_with_recordings():
    sounds = make_sound_events(n_clips=8, random_state=0)
    mel = MelSpectrogramTransformer(sample_rate=16000, n_mels=20, hop_length=1024)
    pipe = make_pipeline(mel, autoencoder(max_epochs=2), KMeans(2, random_state=0)).fit(sounds.data)
    assert pipe.predict(sounds.data).shape == (8,)


def test_the_encoder_has_the_names_of_cnn4():
    fitted = ConvAutoencoder(2, max_epochs=1, random_state=0).fit(X)
    encoder, classifier = fitted.encoder_, Cnn4(3, 20, 24).eval()
    state = encoder.state_dict()
    assert {name for name in classifier.state_dict() if name.startswith("encoder.")} == set(state)
    classifier.load_state_dict(classifier.state_dict() | state)
    frames = torch.from_numpy(np.stack([clip[:18] for clip in X]))
    assert torch.equal(encoder(frames), classifier.encoder(frames))
    assert not any(module.training for module in encoder.modules())


def test_a_classifier_starts_from_the_encoder(fitted):
    trained = ConvAutoencoder(2, max_epochs=1, random_state=0).fit(X)
    classifier = CNNClassifier("cnn4", options={"encoder": trained}, max_epochs=1, lr=1e-12, random_state=0).fit(
        X, KINDS
    )
    mine, theirs = trained.encoder_.state_dict(), classifier.network_.state_dict()
    weights = [name for name in mine if name.endswith("0.weight")]
    assert len(weights) == 4
    for name in weights:
        (copied,) = (value for key, value in theirs.items() if key.endswith(name))
        torch.testing.assert_close(copied, mine[name], rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="cnn4"):
        CNNClassifier("cnn4", options={"encoder": fitted}, max_epochs=1).fit(X, KINDS)


class Fails(Callback):
    """Ends a fit in the middle of an epoch, as long as it is told to."""

    at: ClassVar[int] = 0

    def on_batch_begin(self, net, training=None, **kwargs):
        if training and len(net.history) == self.at:
            raise RuntimeError("the machine went down")


def test_a_fit_that_was_killed_continues(tmp_path, monkeypatch):
    options = {"max_epochs": 4, "validation_fraction": 0.2, "callbacks": [Fails()]}
    monkeypatch.setattr(Fails, "at", 3)
    with pytest.raises(RuntimeError, match="went down"):
        autoencoder(checkpoint_dir=tmp_path, **options).fit(X)
    monkeypatch.setattr(Fails, "at", 0)
    autoencoder(checkpoint_dir=tmp_path, **options).fit(X[1:])
    assert len(list(tmp_path.iterdir())) == 1
    resumed = autoencoder(checkpoint_dir=tmp_path, **options).fit(X)
    assert same_weights(resumed, autoencoder(**options).fit(X))
    assert resumed.n_iter_ == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_weights_can_be_averaged(kind):
    averaged = autoencoder(max_epochs=8, callbacks=[WeightAveraging(kind)]).fit(X)
    assert not same_weights(averaged, autoencoder(max_epochs=8).fit(X))
    assert np.isfinite(averaged.score(X))


def test_batches_can_share_a_step():
    assert not same_weights(
        autoencoder(max_epochs=1, callbacks=[GradientAccumulation(2)]).fit(X), autoencoder(max_epochs=1).fit(X)
    )


@pytest.mark.parametrize("n_filters", [(), (8, 0), (8, 1.5), (-4,)])
def test_channels_must_be_numbers_above_zero(n_filters):
    with pytest.raises(ValueError, match=r"n_filters=.*: give one or more whole numbers above 0"):
        autoencoder(n_filters=n_filters).fit(X)


def test_watching_needs_clips_to_watch():
    with pytest.raises(ValueError, match="validation_fraction must not be 0"):
        autoencoder(early_stopping=True, validation_fraction=0).fit(X)


def test_vectors_of_another_length_are_refused(fitted):
    with pytest.raises(ValueError, match="X has vectors of 3 values, but those of this autoencoder have 36"):
        fitted.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        fitted.inverse_transform(np.full((2, 36), np.nan))


def test_frames_of_another_width_are_refused(fitted):
    # as wide an array as frames are is no array of frames
    with pytest.raises(ValueError, match="X has frames of 1 features, but ConvAutoencoder was fitted on frames of 20"):
        fitted.transform(np.zeros((2, 20)))


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "score"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(autoencoder(), method)(X)
    with pytest.raises(AttributeError):
        _ = autoencoder().encoder_


def test_a_loss_that_is_no_number_names_the_epoch():
    with pytest.raises(ValueError, match=r"the loss became (nan|inf) in epoch"):
        autoencoder(lr=1e30, optimizer="sgd", gradient_clip=None, lr_schedule=None, normalize=None).fit(X)


def test_noise_is_added_in_training_alone():
    noisy = autoencoder(noise=0.5).fit(X)
    assert same_weights(noisy, autoencoder(noise=0.5).fit(X))
    assert not same_weights(noisy, autoencoder().fit(X))
    assert noisy.score(X) == noisy.score(X) > -error_of_the_mean_frame()
    assert noisy.history_["train_loss"].iloc[-1] > autoencoder().fit(X).history_["train_loss"].iloc[-1]
    restored = pickle.loads(pickle.dumps(noisy))
    assert restored.network_.noise == 0.5
    np.testing.assert_array_equal(restored.transform(X), noisy.transform(X))


def test_noise_below_zero():
    with pytest.raises(ValueError, match="'noise' parameter of ConvAutoencoder must be a float"):
        autoencoder(noise=-1.0).fit(X)
