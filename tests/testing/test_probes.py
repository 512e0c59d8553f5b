"""The clips of the checks, the reading of outputs, and the messages of failures."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from sklearn_audio import AudioLoader, SequencePooling
from sklearn_audio.testing._probes import assert_same_rows, bare_rate, fit, frames, outputs, takes_audio, waveforms


class Labels(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[[len(x) % 2 for x in X]]


class Probabilities(Labels):
    def predict_proba(self, X):
        return np.eye(2)[[len(x) % 2 for x in X]]


def test_outputs_of_transformers_and_classifiers():
    X = frames()
    assert [str(row) for row in outputs(fit(Labels(), X, len(X)), X)] == ["odd", "even"] * 3
    assert outputs(fit(Probabilities(), X, len(X)), X)[0].tolist() == [0, 1]
    assert outputs(fit(SequencePooling(), X, len(X)), X)[0].shape == (8,)
    assert [row.shape for row in outputs(AudioLoader(), [np.zeros(3), np.zeros(2)])] == [(3,), (2,)]


def test_outputs_of_nothing():
    with pytest.raises(TypeError, match="BaseEstimator has none of transform, predict_proba and predict"):
        outputs(BaseEstimator(), [])


class Rated(BaseEstimator, TransformerMixin):
    def __init__(self, sample_rate=None):
        self.sample_rate = sample_rate

    def fit(self, X, y=None):
        return self


class OfRecordings(Rated):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


def test_a_rate_is_given_where_the_estimator_has_none():
    assert bare_rate(OfRecordings()) == fit(OfRecordings(), [], 0).sample_rate == 16000
    assert bare_rate(OfRecordings(8000)) == fit(OfRecordings(8000), [], 0).sample_rate == 8000
    assert bare_rate(SequencePooling()) == 16000


def test_an_estimator_of_frames_is_given_no_rate():
    assert fit(Rated(), [], 0).sample_rate is None


def test_probes_are_reproducible_and_of_unequal_length():
    for make in (lambda: waveforms(AudioLoader(8000)), frames):
        first, second = make(), make()
        assert_same_rows(first, second, "probes")
        assert len({len(row) for row in first}) == len(first)
    assert takes_audio(AudioLoader())
    assert not takes_audio(SequencePooling())


@pytest.mark.parametrize(
    ("got", "options", "match"),
    [
        ([np.zeros(3)], {}, "x: 1 rows came out, 2 were expected"),
        ([np.zeros(3), np.zeros(2)], {}, r"x: row 1 has shape \(2,\), expected \(3,\)"),
        ([np.zeros(3), np.full(3, 1e-9)], {}, "x: row 1 differs from the expected one"),
        ([np.zeros(3), np.full(3, 1e-3)], {"rtol": 1e-4}, "x: row 1 differs"),
    ],
)
def test_rows_that_are_not_the_same(got, options, match):
    with pytest.raises(AssertionError, match=match):
        assert_same_rows(got, [np.zeros(3)] * 2, "x", **options)


def test_rows_that_are_the_same():
    assert_same_rows([np.zeros(0), np.full(3, 1e-5)], [np.zeros(0), np.zeros(3)], "x", rtol=1e-4)
