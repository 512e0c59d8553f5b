"""`AugmentedClassifier`: what is trained on, what votes, refusals."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_audio import AugmentedClassifier, CNNClassifier, MFCCTransformer, SequencePooling
from sklearn_audio.augmentation import SpeedChange, Transform

RNG = np.random.default_rng(0)
X = [RNG.normal(loc=i % 2, size=(3 + i % 4, 3)).astype(np.float32) for i in range(12)]
Y = np.array(["calm", "loud"] * 6)


@dataclass(frozen=True)
class Add(Transform):
    """Adds a random number."""

    def change(self, array, rng, sample_rate=None):
        return array + np.float32(rng.integers(1, 1000))


class Remembers(KNeighborsClassifier):
    """Stores what it is fitted on, and what it is asked."""

    def fit(self, X, y, groups=None):
        self.seen_, self.given_ = [row[0, 0] for row in X], (list(y), groups)
        return super().fit([row.mean(axis=0) for row in X], y)

    def predict_proba(self, X):
        self.asked_ = [*getattr(self, "asked_", []), [row[0, 0] for row in X]]
        return super().predict_proba([row.mean(axis=0) for row in X])


def remembers(**options):
    return AugmentedClassifier(Remembers(1), [Add()], **({"random_state": 0} | options))


def pipeline(**options):
    model = make_pipeline(SequencePooling(), LogisticRegression())
    return AugmentedClassifier(model, [Add()], **({"random_state": 0} | options))


def test_trained_on_the_clips_and_their_copies():
    inner = remembers(n_copies=3).fit(X, Y, groups=range(12)).estimator_
    first = [row[0, 0] for row in X]
    np.testing.assert_array_equal(inner.seen_[:12], first)
    changes = np.subtract(inner.seen_[12:], first * 3).round()
    assert len(inner.seen_) == 48
    assert len(set(changes.tolist())) > 30  # every copy of every clip has a change of its own
    labels, groups = inner.given_
    assert labels == Y.tolist() * 4
    assert groups.tolist() == list(range(12)) * 4


def test_clips_are_the_groups_of_a_search_inside():
    assert remembers(n_copies=1).fit(X, Y).estimator_.given_[1].tolist() == list(range(12)) * 2
    inner = make_pipeline(SequencePooling(), LogisticRegression())
    search = GridSearchCV(inner, {"logisticregression__C": [0.1, 1.0]}, cv=GroupKFold(3))
    assert AugmentedClassifier(search, [Add()], random_state=0).fit(X, Y).estimator_.n_splits_ == 3


def test_probabilities_are_averaged_over_the_same_changes_of_every_clip():
    model = remembers(n_copies=0, n_votes=2).fit(X, Y)
    got = model.predict_proba(X[:5])
    asked = np.array(model.estimator_.asked_)
    assert asked.shape == (3, 5)
    changes = (asked[1:] - asked[0]).round()
    assert (changes == changes[:, :1]).all()
    assert changes[0, 0] != changes[1, 0]
    model.estimator_.asked_ = []
    np.testing.assert_array_equal(model.predict_proba(X[3:5]), got[3:])
    assert model.predict(X[:5]).tolist() == model.classes_[got.argmax(axis=1)].tolist()


def test_without_copies_it_is_the_classifier():
    plain = make_pipeline(SequencePooling(), LogisticRegression()).fit(X, Y)
    model = pipeline(n_copies=0).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    assert model.predict(X).tolist() == plain.predict(X).tolist()


def test_a_seed_repeats_the_fit():
    first, again, other = (pipeline(random_state=seed).fit(X, Y).predict_proba(X) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_audio():
    clips = [np.sin(np.arange(4000) * (0.2 + 0.4 * (i % 2))).astype(np.float32) for i in range(8)]
    words = make_pipeline(MFCCTransformer(8000), SequencePooling(n_parts=2), LogisticRegression(max_iter=1000))
    model = AugmentedClassifier(words, [SpeedChange((0.9, 1.1))], sample_rate=8000, random_state=0)
    labels = ["low", "high"] * 4
    assert model.fit(clips, labels).predict(clips).tolist() == labels
    assert clone(model).fit([(clip, 8000) for clip in clips], labels).score(clips, labels) == 1


def test_a_network_with_several_labels():
    Y = np.array([[1, 0], [1, 1], [0, 1]] * 4)
    network = CNNClassifier("timbre", n_frames=8, max_epochs=2, random_state=0)
    model = AugmentedClassifier(network, [Add()], n_votes=1, random_state=0).fit(X, Y)
    assert model.predict(X).shape == (12, 2)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)


def test_what_needs_probabilities_is_refused_without_them():
    inner = make_pipeline(SequencePooling(), LinearSVC())
    assert not hasattr(AugmentedClassifier(inner, []), "predict_proba")
    with pytest.raises(ValueError, match="n_votes=2 averages probabilities, and Pipeline has no predict_proba; set"):
        AugmentedClassifier(inner, [], n_votes=2).fit(X, Y)


def test_refusals():
    with pytest.raises(ValueError, match="needs clips of at least 2 classes"):
        pipeline().fit(X, ["calm"] * 12)
    with pytest.raises(TypeError, match=r"augmentations\[0\] is 3; give an instance"):
        AugmentedClassifier(LogisticRegression(), [3]).fit(X, Y)
    with pytest.raises(InvalidParameterError, match="'n_copies' parameter of AugmentedClassifier must be an int"):
        pipeline(n_copies=-1).fit(X, Y)


def test_a_failed_fit_leaves_the_classifier_as_it_was(monkeypatch):
    def fails(self, X, y, groups=None):
        raise KeyboardInterrupt

    model = remembers(n_votes=1).fit(X, Y)
    before = model.predict_proba(X)
    monkeypatch.setattr(Remembers, "fit", fails)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(random_state=1).fit(X, Y)
    assert np.array_equal(model.predict_proba(X), before)
    fresh = remembers()
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, Y)
    assert not hasattr(fresh, "estimator_")
