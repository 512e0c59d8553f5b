"""Patches vote on their clips."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import BaseCrossValidator, GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from sklearn_audio import PatchVotingClassifier, Ragged

RNG = np.random.default_rng(0)
CLIPS = [RNG.normal(loc=i % 3, size=(2 + i % 4, 5)) for i in range(18)]
LABELS = np.array(["a", "b", "c"])[np.arange(18) % 3]


def fitted(voting="soft", estimator=None):
    return PatchVotingClassifier(estimator or LogisticRegression(), voting=voting).fit(CLIPS, LABELS)


class Scripted(DummyClassifier):
    """Gives the numbers of a patch as its probabilities."""

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return self.classes_[np.argmax(X, axis=1)]


PATCHES = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.1, 0.9, 0.0]])


@pytest.mark.parametrize(
    ("voting", "wanted"),
    [
        ("soft", [1.3, 1.7, 0.0]),
        ("hard", [2, 1, 0]),
        ("max", [0.6, 0.9, 0.0]),
        ("log", [0.036 ** (1 / 3), 0.144 ** (1 / 3), 0.0]),
    ],
)
def test_votes(voting, wanted):
    classifier = PatchVotingClassifier(Scripted(), voting=voting).fit([PATCHES] * 3, ["a", "b", "c"])
    np.testing.assert_allclose(classifier.predict_proba([PATCHES])[0], np.array(wanted) / sum(wanted), atol=1e-12)
    assert classifier.predict([PATCHES]) == [["a", "b", "c"][int(np.argmax(wanted))]]


def test_a_draw_goes_to_the_first_class():
    classifier = PatchVotingClassifier(Scripted(), voting="hard").fit([PATCHES] * 3, ["a", "b", "c"])
    draw = np.array([[0.0, 0.1, 0.9], [0.0, 0.9, 0.1]])
    assert classifier.predict([draw]) == ["b"]


@pytest.mark.parametrize("voting", ["soft", "log", "hard", "max"])
def test_probabilities(voting):
    classifier = fitted(voting)
    votes = classifier.predict_proba(CLIPS)
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    assert (classifier.predict(CLIPS) == LABELS).mean() > 0.7
    np.testing.assert_array_equal(classifier.predict(CLIPS), classifier.classes_[votes.argmax(axis=1)])


def test_every_patch_weighs_the_same():
    plain = LogisticRegression().fit(
        np.concatenate(CLIPS).astype(np.float32), np.repeat(LABELS, [len(clip) for clip in CLIPS])
    )
    np.testing.assert_array_equal(fitted().estimator_.coef_, plain.coef_)


def test_weights_of_clips_reach_their_patches():
    weights = np.arange(18) % 2
    got = PatchVotingClassifier(LogisticRegression()).fit(CLIPS, LABELS, sample_weight=weights)
    wanted = PatchVotingClassifier(LogisticRegression()).fit(CLIPS[1::2], LABELS[1::2])
    np.testing.assert_allclose(got.estimator_.coef_, wanted.estimator_.coef_, atol=1e-4)


class Watched(BaseCrossValidator):
    """Keeps the groups it was given."""

    seen: list = []  # noqa: RUF012 - clones share it

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2

    def split(self, X, y=None, groups=None):
        self.seen.append(np.asarray(groups))
        return GroupKFold(2).split(X, y, groups)


@pytest.mark.parametrize("groups", [None, np.arange(18) // 3])
def test_a_search_inside_is_given_the_clips_as_groups(groups):
    Watched.seen.clear()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=Watched())
    PatchVotingClassifier(search).fit(CLIPS, LABELS, groups=groups)
    clips = np.arange(18) if groups is None else groups
    np.testing.assert_array_equal(Watched.seen[0], np.repeat(clips, [len(clip) for clip in CLIPS]))


def test_a_two_dimensional_array_is_clips_of_one_patch():
    X = np.stack([clip[0] for clip in CLIPS])
    classifier = PatchVotingClassifier(LogisticRegression()).fit(X, LABELS)
    np.testing.assert_allclose(classifier.predict_proba(X), LogisticRegression().fit(X, LABELS).predict_proba(X))


def test_ragged_and_lists_agree():
    np.testing.assert_array_equal(
        fitted().predict_proba(CLIPS), fitted().predict_proba(Ragged.from_list(CLIPS, dtype=np.float32))
    )


@pytest.mark.parametrize(
    ("scaler", "wanted"), [(PCA(50, whiten=True), 218), (StandardScaler(), 220)], ids=["pca", "scaler"]
)
def test_genres_of_real_patches(shared_data, scaler, wanted):
    data = {}
    for part in ("train", "test"):
        stored = np.load(shared_data / "gtzan_taggram" / f"{part}.npz")
        data[part] = Ragged(stored["values"], stored["offsets"]), stored["labels"]
    classifier = PatchVotingClassifier(make_pipeline(scaler, SVC(C=1)), voting="hard").fit(*data["train"])
    X, labels = data["test"]
    assert (classifier.predict(X) == labels).sum() == wanted


def test_hard_votes_need_no_probabilities():
    assert fitted("hard", LinearSVC()).predict_proba(CLIPS).shape == (18, 3)


@pytest.mark.parametrize("voting", ["soft", "log", "max"])
def test_other_votes_do(voting):
    classifier = PatchVotingClassifier(LinearSVC(), voting=voting)
    assert not hasattr(classifier, "predict_proba")
    match = f"voting='{voting}' needs probabilities, and LinearSVC has no predict_proba; use voting='hard'"
    with pytest.raises(ValueError, match=match):
        classifier.fit(CLIPS, LABELS)


def test_weights_that_the_estimator_does_not_take():
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight; leave it out"):
        PatchVotingClassifier(KNeighborsClassifier()).fit(CLIPS, LABELS, sample_weight=np.ones(18))


def test_labels_must_be_as_many_as_clips():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PatchVotingClassifier(LogisticRegression()).fit(CLIPS, LABELS[:-1])


def test_unknown_voting():
    with pytest.raises(ValueError, match="'voting' parameter of PatchVotingClassifier must be a str among"):
        PatchVotingClassifier(LogisticRegression(), voting="mean").fit(CLIPS, LABELS)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(PatchVotingClassifier(LogisticRegression()), method)(CLIPS)
