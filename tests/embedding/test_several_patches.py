"""`hop` and poolings of two statistics, where every clip is a single patch; segments and vectors in one go."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_audio import ASTEmbedder, EfficientATEmbedder, PANNsEmbedder
from tests.instances import PRETRAINED
from tests.standin import StandInMusiCNN, StandInVGGish

SECONDS = {
    "leenet11": (PANNsEmbedder("leenet11", weights=None, sample_rate=32000), 10, 30),
    "mn04_as": (EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000), 10, 30),
    "vggish": (StandInVGGish(weights=None, sample_rate=16000), 0.96, 0.96),
    "musicnn": (StandInMusiCNN(weights=None, sample_rate=16000), 2.992, 2.992),
    "ast": (ASTEmbedder("tiny224", n_frames=48, stride=(16, 16), weights=None, sample_rate=16000), 0.48, 0.48),
}
ALL = pytest.mark.parametrize("name", SECONDS)


def clip(embedder, seconds):
    n_timepoints = round(seconds * embedder.sample_rate)
    return np.random.default_rng(0).normal(scale=0.1, size=n_timepoints).astype(np.float32)


@ALL
def test_hop_is_refused_where_every_clip_is_one_patch(name):
    embedder, patch, _ = SECONDS[name]
    embedder = clone(embedder).set_params(hop=0.2, pooling=None)
    short = [clip(embedder, 0.3 * patch), clip(embedder, 0.9 * patch)]
    for method in (embedder.fit, embedder.transform, embedder.fit_transform, embedder.segments):
        with pytest.raises(
            ValueError, match=rf"^hop=0.2 has no effect here: .* takes up to {patch:g} s at once\. Leave"
        ):
            method(short)


@pytest.mark.parametrize("name", ["vggish", "ast"])
def test_a_hop_beyond_every_clip_is_refused_as_that(name):
    embedder, patch, _ = SECONDS[name]
    hop = 4 * patch
    with pytest.raises(
        ValueError, match=rf"^hop={hop} has no effect here: .* a second would begin at {hop:g} s\. Leave"
    ):
        clone(embedder).set_params(hop=hop).transform([clip(embedder, 2.5 * patch)])


@ALL
def test_hop_is_taken_where_one_clip_is_longer(name):
    embedder, patch, _ = SECONDS[name]
    embedder = clone(embedder).set_params(hop=patch / 2, pooling=None)
    X = [clip(embedder, 0.5 * patch), clip(embedder, 1.6 * patch)]
    assert embedder.transform(X).lengths[1] > 1
    # once fitted to such clips, a shorter one may come alone
    fitted = pickle.loads(pickle.dumps(embedder.fit(X)))
    assert fitted.transform(X[:1]).lengths.tolist() == [1]
    with pytest.raises(ValueError, match="has no effect"):
        fitted.set_params(hop=patch / 4).transform(X[:1])
    with pytest.raises(ValueError, match="has no effect"):
        clone(embedder).transform(X[:1])


@ALL
@pytest.mark.parametrize("pooling", ["mean_std", "mean_max"])
def test_statistics_of_one_patch_are_defined(name, pooling):
    embedder, _, longest = SECONDS[name]
    embedder = clone(embedder).set_params(pooling=pooling)
    short = [clip(embedder, min(0.9 * longest, 2.0)), clip(embedder, min(0.9 * longest, 0.5))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = np.split(embedder.fit_transform(short), 2, axis=1)
    if name in ("leenet11", "mn04_as"):  # they take the clip whole: these are statistics of its time steps
        least = np.zeros_like(first) if pooling == "mean_std" else first
        assert (second >= least - 1e-6).all()
        assert (second[0] > least[0]).any()  # the first clip has several steps, in both networks
        shortest = embedder.cards[name].patching.shortest / embedder.sample_rate  # has one step
        first, second = np.split(embedder.transform([clip(embedder, shortest)]), 2, axis=1)
    np.testing.assert_array_equal(second, np.zeros_like(first) if pooling == "mean_std" else first)


def test_no_warning_where_a_clip_has_several_patches():
    embedder = StandInVGGish(weights=None, sample_rate=16000, pooling="mean_std")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = embedder.transform([clip(embedder, 0.5), clip(embedder, 3.0)])
    assert (rows[0, 8:] == 0).all()
    assert (rows[1, 8:] > 0).all()


def test_pooling_of_one_statistic_is_silent():
    embedder = StandInVGGish(weights=None, sample_rate=16000)
    for pooling in ("mean", "max", None):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            embedder.set_params(pooling=pooling).transform([clip(embedder, 0.5)])


def test_lengths_come_from_headers_before_anything_is_computed(tmp_path, monkeypatch):
    embedder = StandInVGGish(weights=None, pooling=None, hop=0.48)
    paths = [str(tmp_path / f"{i}.wav") for i in range(3)]
    for path in paths:
        soundfile.write(path, clip(StandInVGGish(sample_rate=16000), 0.9), 16000)
    monkeypatch.setattr("sklearn_audio.engine.PretrainedModel.vectors", lambda *_, **__: pytest.fail("computed"))
    with pytest.raises(ValueError, match=r"hop=0\.48 has no effect"):
        embedder.transform(paths)
    long = [(paths[0], 0.0, 0.5)]
    with pytest.raises(ValueError, match=r"hop=0\.48 has no effect"):
        embedder.transform(long)


def test_recording_that_cannot_be_read_says_so_itself():
    embedder = StandInVGGish(weights=None, pooling=None, hop=0.48)
    with pytest.raises(OSError, match=r"row 0: cannot read 'no/such\.wav'"):
        embedder.transform(["no/such.wav"])


def test_pipeline_fitted_to_long_clips_predicts_a_short_one():
    embedder = StandInVGGish(weights=None, sample_rate=16000, hop=0.48, pooling="mean_std")
    X = [clip(embedder, seconds) for seconds in (2.0, 3.0, 2.5, 0.5)]
    pipeline = make_pipeline(embedder, LogisticRegression()).fit(X, ["a", "b", "a", "b"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pipeline.predict(X[3:]).shape == (1,)


@pytest.mark.parametrize("name", PRETRAINED)
def test_segments_and_vectors_in_one_go(name, monkeypatch):
    embedder = clone(PRETRAINED[name])
    X = [clip(embedder, seconds) for seconds in (0.5, 3.2, 11.0)]
    wanted = clone(embedder).set_params(pooling=None).transform(X)
    table = embedder.segments(X)
    monkeypatch.setattr(type(embedder), "_spans", lambda *_: pytest.fail("decoded twice"))
    again, vectors = embedder.segments(X, return_vectors=True)
    pd.testing.assert_frame_equal(again, table)
    np.testing.assert_array_equal(vectors.values, wanted.values)
    assert again.groupby("clip").size().tolist() == vectors.lengths.tolist()


def test_segments_and_vectors_of_a_clip_that_failed():
    embedder = StandInVGGish(weights=None, sample_rate=16000, on_error="nan")
    with pytest.warns(UserWarning, match="1 clip"):
        table, vectors = embedder.segments(["no/such.wav", clip(embedder, 1.5)], return_vectors=True)
    assert vectors.lengths.tolist() == table.groupby("clip").size().tolist() == [1, 2]
    assert table["start"].isna().tolist() == np.isnan(vectors.values).all(axis=1).tolist() == [True, False, False]
