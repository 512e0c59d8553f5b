import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_audio.model_selection import select_to_label

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]


class Scores(ClassifierMixin, BaseEstimator):
    """A fitted estimator whose probabilities are the clips."""

    classes_ = np.arange(3)
    n_features_in_ = 3

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.asarray(X)


ROWS = np.array([[0.5, 0.49, 0.01], [0.4, 0.3, 0.3], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0], [0.1, 0.6, 0.3]])


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ("uncertainty", [1, 0, 4, 2, 3]),
        ("margin", [0, 1, 4, 2, 3]),
        ("entropy", [1, 4, 0, 2, 3]),
        ("top", [3, 2, 4]),
    ],
)
def test_order_of_probabilities(strategy, wanted):
    assert select_to_label(Scores(), ROWS, len(wanted), strategy, random_state=0).tolist() == wanted


def test_order_of_several_labels():
    rows = np.array([[0.9, 0.9, 0.8], [0.5, 0.0, 0.0], [0.3, 0.3, 0.3], [0.0, 0.0, 0.0]])
    assert select_to_label(Scores(), rows, 4, random_state=0).tolist() == [1, 2, 0, 3]
    assert select_to_label(Scores(), rows, 4, "entropy", random_state=0).tolist() == [2, 0, 1, 3]


def test_decisions_have_margins_and_no_entropy():
    machine = LinearSVC().fit(X, Y)
    best = np.sort(machine.decision_function(X), axis=1)
    wanted = np.argsort(best[:, -1] - best[:, -2])[:9]
    assert select_to_label(machine, X, 9, "margin").tolist() == wanted.tolist()
    with pytest.raises(ValueError, match="LinearSVC has no predict_proba, which strategy='entropy' needs"):
        select_to_label(machine, X, 9, "entropy")


def test_a_coreset_covers_the_clips():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    rows = select_to_label(pipeline, X, 12, "coreset", random_state=0)
    assert rows.tolist() == select_to_label(pipeline[0], X, 12, "coreset", random_state=0).tolist()
    assert len(set(rows)) == 12
    scaled = pipeline[0].transform(X)
    distances = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    for i in range(1, 12):
        assert rows[i] == distances[:, rows[:i]].min(axis=1).argmax()
    assert sorted(select_to_label(pipeline, np.zeros((6, 2)), 6, "coreset")) == list(range(6))


def test_groups_take_turns():
    groups = np.array(["big"] * 60 + ["mid"] * 15 + ["small"] * 5)
    model = LogisticRegression().fit(X, Y)
    rows = select_to_label(model, X, 12, groups=groups, random_state=0)
    assert [np.count_nonzero(groups[rows] == name) for name in ("big", "mid", "small")] == [4, 4, 4]
    rows = select_to_label(model, X, 40, groups=groups, random_state=0)
    assert [np.count_nonzero(groups[rows] == name) for name in ("big", "mid", "small")] == [20, 15, 5]
    alone = select_to_label(model, X[60:75], 5, random_state=0) + 60
    assert [row for row in rows if groups[row] == "mid"][:5] == alone.tolist()


@pytest.mark.parametrize("strategy", ["uncertainty", "top", "coreset", "random"])
def test_a_seed_gives_the_same_rows(strategy):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    rows = [select_to_label(model, X, 20, strategy, random_state=seed).tolist() for seed in (0, 0, 1)]
    assert rows[0] == rows[1]
    assert len(set(rows[0])) == 20
    assert (rows[0] == rows[2]) == (strategy in ("uncertainty", "top"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "n=0 must be a whole number from 1 to 80"),
        ((81,), "n=81 must be a whole number from 1 to 80"),
        ((2.0,), "n=2.0 must be a whole number"),
        ((3, "margins"), "unknown strategy 'margins'; did you mean 'margin'"),
        ((3, "margin", [0, 1]), "inconsistent numbers of samples"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        select_to_label(LogisticRegression().fit(X, Y), X, *arguments)


def test_estimators_without_scores_or_vectors():
    with pytest.raises(NotFittedError):
        select_to_label(LogisticRegression(), X, 3)
    with pytest.raises(TypeError, match="has neither predict_proba nor decision_function"):
        select_to_label(StandardScaler().fit(X), X, 3)
    with pytest.raises(TypeError, match="LogisticRegression gives no vectors, which strategy='coreset' needs"):
        select_to_label(LogisticRegression().fit(X, Y), X, 3, "coreset")
    rows = ROWS.copy()
    rows[3] = np.nan
    with pytest.raises(ValueError, match="row 3 has scores that are NaN or infinite"):
        select_to_label(Scores(), rows, 2)
