"""Scorers in searches, over classifiers that give their probabilities in every form there is."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_audio.metrics import (
    d_prime,
    d_prime_scorer,
    lwlrap,
    lwlrap_scorer,
    mean_average_precision,
    mean_average_precision_scorer,
)
from sklearn_audio.model_selection import MultilabelStratifiedKFold
from sklearn_audio.preprocessing import MelSpectrogramTransformer, SequencePooling

SCORERS = {
    mean_average_precision_scorer: mean_average_precision,
    d_prime_scorer: d_prime,
    lwlrap_scorer: lwlrap,
}
every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.__name__)

# What a grid searches over, and how a reference reads the numbers of each label: (n_clips, n_labels).
ARRAYS = [
    (KNeighborsClassifier(), {"n_neighbors": [3, 9]}),
    (RandomForestClassifier(10, random_state=0), {"max_depth": [2, 5]}),
    (MultiOutputClassifier(LogisticRegression()), {"estimator__C": [0.1, 1]}),
    (OneVsRestClassifier(LogisticRegression()), {"estimator__C": [0.1, 1]}),
    (OneVsRestClassifier(LinearSVC()), {"estimator__C": [0.1, 1]}),
    (ClassifierChain(LogisticRegression()), {"order": [None, [2, 0, 1]]}),
    (RidgeClassifier(), {"alpha": [0.1, 1]}),
    (MLPClassifier((4,), solver="lbfgs", max_iter=10000, random_state=0), {"alpha": [1, 10]}),
]


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5))
    y = (X[:, :3] + 0.8 * rng.normal(size=(120, 3)) > 0.4).astype(np.int64)
    return X, y


@every_scorer
@pytest.mark.parametrize(("classifier", "grid"), ARRAYS, ids=lambda value: str(value)[:40])
def test_in_a_grid_search(problem, scorer, classifier, grid):
    X, y = problem
    search = GridSearchCV(classifier, grid, scoring=scorer, cv=MultilabelStratifiedKFold(3), error_score="raise")
    search.fit(X, y)
    by_chance = {mean_average_precision_scorer: y.mean(), d_prime_scorer: 0.0, lwlrap_scorer: 0.5}[scorer]
    assert search.best_score_ > by_chance + 0.15
    assert search.score(X, y) == scorer(search, X, y)


@every_scorer
def test_lists_of_arrays_and_arrays_score_alike(problem, scorer):
    X, y = problem
    listed = MultiOutputClassifier(LogisticRegression()).fit(X, y)
    stacked = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    assert isinstance(listed.predict_proba(X), list)
    wanted = SCORERS[scorer](y, stacked.predict_proba(X))
    assert scorer(listed, X, y) == pytest.approx(wanted)
    assert scorer(stacked, X, y) == wanted
    assert scorer(stacked, X, csr_array(y)) == wanted
    assert scorer(make_pipeline(StandardScaler(with_mean=False, with_std=False), listed).fit(X, y), X, y) == wanted


@every_scorer
def test_two_labels_are_not_taken_for_two_classes(problem, scorer):
    X, y = problem
    classifier = OneVsRestClassifier(LogisticRegression()).fit(X, y[:, :2])
    assert classifier.classes_.tolist() == [0, 1]
    assert scorer(classifier, X, y[:, :2]) == SCORERS[scorer](y[:, :2], classifier.predict_proba(X))


@every_scorer
def test_a_label_that_training_clips_all_have_or_all_lack(problem, scorer):
    X, y = problem
    trained = np.column_stack([y[:, 0], np.zeros(120, dtype=int), np.ones(120, dtype=int)])
    classifier = RandomForestClassifier(20, max_depth=3, random_state=0).fit(X, trained)
    assert [len(values) for values in classifier.classes_] == [2, 1, 1]
    first = classifier.predict_proba(X)[0][:, 1]
    wanted = SCORERS[scorer](y, np.column_stack([first, np.zeros(120), np.ones(120)]))
    assert scorer(classifier, X, y) == wanted


def test_labels_that_no_clip_has_by_partial(problem):
    X, y = problem
    y[:, 2] = 0
    classifier = KNeighborsClassifier().fit(X, y)
    skipping = mean_average_precision_scorer(classifier, X, y)
    assert partial(mean_average_precision_scorer, empty_labels="zero")(classifier, X, y) == pytest.approx(
        skipping * 2 / 3
    )


def test_several_at_once_beside_those_of_scikit_learn(problem):
    X, y = problem
    scoring = {scorer.__name__: scorer for scorer in SCORERS}
    scoring |= {name: name for name in ("f1_micro", "f1_macro")}
    found = cross_validate(KNeighborsClassifier(), X, y, scoring=scoring, cv=3, error_score="raise")
    assert all(np.isfinite(found[f"test_{name}"]).all() for name in scoring)


def test_on_recordings_in_two_processes(shared_data):
    table = pd.read_csv(shared_data / "multilabel" / "labels.csv")[:48]
    y = table[["dog_bark", "rain", "sea_waves", "speech", "music"]].to_numpy()
    X = [str(shared_data / "multilabel" / path) for path in table["path"]]
    model = make_pipeline(MelSpectrogramTransformer(n_mels=32), SequencePooling(), StandardScaler())
    vectors = model.fit_transform(X)
    search = GridSearchCV(
        RandomForestClassifier(30, random_state=0),
        {"max_depth": [2, None]},
        scoring={scorer.__name__: scorer for scorer in SCORERS},
        refit="mean_average_precision_scorer",
        cv=MultilabelStratifiedKFold(3),
        n_jobs=2,
        error_score="raise",
    ).fit(vectors, y)
    chance = cross_validate(DummyClassifier(), vectors, y, scoring=mean_average_precision_scorer, cv=search.cv)
    assert search.best_score_ > chance["test_score"].mean() + 0.1


def test_splits_by_group_pass_through(problem):
    X, y = problem
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [3, 9]}, scoring=lwlrap_scorer, cv=GroupKFold(3))
    search.fit(X, y, groups=np.arange(120) // 4)
    assert 0.5 < search.best_score_ <= 1


@every_scorer
def test_classifiers_without_numbers_to_rank_by(problem, scorer):
    X, y = problem
    with pytest.raises(TypeError, match="MultiOutputClassifier has neither predict_proba nor decision_function"):
        scorer(MultiOutputClassifier(LinearSVC()).fit(X, y), X, y)


@every_scorer
def test_classifiers_of_one_label(problem, scorer):
    X, y = problem
    with pytest.raises(ValueError, match=r"decision_function of LinearSVC gave the shape \(120,\)"):
        scorer(LinearSVC().fit(X, y[:, 0]), X, y)
