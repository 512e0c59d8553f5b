"""Pickles have the version of the library, and one of another version warns."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline

import sklearn_audio
from sklearn_audio import _saved_version
from sklearn_audio._version import __version__
from tests.instances import AUDIO, EMBEDDERS

ESTIMATORS = [getattr(sklearn_audio, name) for name in sklearn_audio.__all__]
ESTIMATORS = [found for found in ESTIMATORS if isinstance(found, type) and issubclass(found, BaseEstimator)]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda found: found.__name__)
def test_every_estimator_has_it(estimator):
    assert issubclass(estimator, _saved_version.VersionedState)


@pytest.mark.parametrize("estimator", [AUDIO["MFCCTransformer"], EMBEDDERS["SpeechEmbedder"]], ids=["mfcc", "speech"])
def test_another_version_warns(estimator, monkeypatch):
    saved = pickle.dumps(make_pipeline(estimator))
    monkeypatch.setattr(_saved_version, "__version__", "9.9")
    name = type(estimator).__name__
    with pytest.warns(UserWarning, match=rf"this {name} was saved by version {__version__} of sklearn-audio, .* 9\.9"):
        loaded = pickle.loads(saved)
    assert repr(loaded[0]) == repr(estimator)


def test_the_same_version_and_copies_are_silent(recwarn):
    estimator = AUDIO["MFCCTransformer"]
    for copied in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator), clone(estimator)):
        np.testing.assert_array_equal(
            copied.fit_transform(np.ones((1, 4000)))[0], estimator.fit_transform(np.ones((1, 4000)))[0]
        )
        assert not hasattr(copied, _saved_version.STATE_VERSION)
    assert len(recwarn) == 0
