"""Thresholds of labels: chosen on clips left out, by F1; what scikit-learn asks of a meta-estimator."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_audio import (
    FrameMLPClassifier,
    Ragged,
)
from sklearn_audio.model_selection import MultilabelStratifiedKFold, MultilabelThresholdClassifierCV

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype(np.float32)
NOISY = X[:, :3] + RNG.normal(scale=0.7, size=(120, 3))
Y = (NOISY > [0, 1, 1.5]).astype(int)  # about one half, one in six and one in fifteen


@parametrize_with_checks(
    [MultilabelThresholdClassifierCV(DecisionTreeClassifier(random_state=0))],
    expected_failed_checks=lambda _: {
        "check_classifier_multioutput": "the check wants predictions at one half; other thresholds are the purpose"
    },
)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_no_other_threshold_has_a_better_f1_on_the_clips_left_out():
    tuned = MultilabelThresholdClassifierCV(KNeighborsClassifier(15)).fit(X, Y)
    proba = cross_val_predict(KNeighborsClassifier(15), X, Y, cv=MultilabelStratifiedKFold(5), method="predict_proba")
    for i, of_label in enumerate(proba):
        possible = [f1_score(Y[:, i], of_label[:, 1] >= level, zero_division=0) for level in np.linspace(0.01, 1, 100)]
        assert tuned.f1_[i] == pytest.approx(max(possible))
        assert f1_score(Y[:, i], of_label[:, 1] >= tuned.thresholds_[i]) == pytest.approx(tuned.f1_[i])


def test_rare_labels_are_found():
    classifier = KNeighborsClassifier(15)
    tuned = MultilabelThresholdClassifierCV(classifier).fit(X[:80], Y[:80])
    plain = classifier.fit(X[:80], Y[:80])
    assert tuned.thresholds_[2] < 0.5
    scores = [f1_score(Y[80:], model.predict(X[80:]), average="macro", zero_division=0) for model in (plain, tuned)]
    assert scores[1] > scores[0] + 0.05


@pytest.mark.parametrize("kind", [np.asarray, lambda y: pd.DataFrame(y, columns=["a", "b", "c"])])
def test_forests_and_networks_answer_alike(kind):
    rows = Ragged.from_list([np.tile(row, (2 + i % 3, 1)) for i, row in enumerate(X)])
    network = FrameMLPClassifier(hidden_sizes=(8,), max_epochs=2, random_state=0)
    forest = RandomForestClassifier(5, random_state=0)
    for estimator, clips in ((forest, X), (network, rows)):
        tuned = MultilabelThresholdClassifierCV(estimator, cv=3).fit(clips, kind(Y))
        proba = tuned.predict_proba(clips)
        assert proba.shape == Y.shape
        assert ((proba > 0) & (proba < 1)).all()
        np.testing.assert_array_equal(tuned.predict(clips), proba >= tuned.thresholds_)
    assert list(tuned.classes_) == (["a", "b", "c"] if isinstance(kind(Y), pd.DataFrame) else [0, 1, 2])


def test_a_label_that_no_clip_has_keeps_one_half_and_is_never_given():
    labels = Y.copy()
    labels[:, 2] = 0
    tuned = MultilabelThresholdClassifierCV(RandomForestClassifier(5, random_state=0), cv=3).fit(X, labels)
    assert (tuned.thresholds_[2], tuned.f1_[2]) == (0.5, 0.0)
    assert not tuned.predict(X)[:, 2].any()


def test_a_label_that_every_clip_has_is_always_given():
    labels = Y.copy()
    labels[:, 0] = 1
    tuned = MultilabelThresholdClassifierCV(RandomForestClassifier(5, random_state=0), cv=3).fit(X, labels)
    assert tuned.predict(X)[:, 0].all()


def test_folds_keep_groups_together():
    class Watching(KNeighborsClassifier):
        seen: ClassVar[list] = []

        def predict_proba(self, X):
            Watching.seen.append(set(X[:, 0].astype(int)))
            return super().predict_proba(X)

    groups = np.arange(120) % 6
    for cv in (3, GroupKFold(3)):
        Watching.seen.clear()
        MultilabelThresholdClassifierCV(Watching(), cv=cv).fit(groups[:, None] + 0.5, Y, groups=groups)
        assert sorted(group for fold in Watching.seen for group in fold) == [*range(6)]


def test_weights_reach_the_classifier():
    weights = np.where(Y[:, 1] == 1, 20.0, 1.0)
    forest = RandomForestClassifier(20, max_depth=3, random_state=0)
    plain, weighted = (
        MultilabelThresholdClassifierCV(forest).fit(X, Y, sample_weight=w).predict_proba(X)[:, 1].mean()
        for w in (None, weights)
    )
    assert weighted > plain + 0.1


def test_one_column_is_left_to_the_classifier():
    labels = np.where(Y[:, 0] == 1, "on", "off")
    tuned = MultilabelThresholdClassifierCV(LogisticRegression()).fit(X, labels)
    plain = LogisticRegression().fit(X, labels)
    np.testing.assert_array_equal(tuned.predict(X), plain.predict(X))
    np.testing.assert_array_equal(tuned.predict_proba(X), plain.predict_proba(X))
    assert not hasattr(tuned, "thresholds_")


def test_weights_for_a_classifier_that_takes_none():
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight; leave it out"):
        MultilabelThresholdClassifierCV(KNeighborsClassifier()).fit(X, Y, sample_weight=np.ones(120))


def test_a_fit_keeps_nothing_of_the_one_before():
    frame = pd.DataFrame(X, columns=list("abcd"))
    tuned = MultilabelThresholdClassifierCV(KNeighborsClassifier(), cv=3).fit(frame, Y)
    again = tuned.fit(X, Y[:, 0])
    assert set(vars(again)) == {"estimator", "cv", "n_jobs", "estimator_", "classes_", "n_features_in_"}
    wanted = KNeighborsClassifier().fit(X, Y[:, 0])
    np.testing.assert_array_equal(again.predict(X), wanted.predict(X))
    np.testing.assert_array_equal(again.predict_proba(X), wanted.predict_proba(X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        again.fit(X, Y[:5])
    np.testing.assert_array_equal(again.predict(X), wanted.predict(X))
