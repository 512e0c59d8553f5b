"""`learning_curve_few_shot` and `summarize_few_shot`: the table, its draws, and its intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from sklearn_audio import Ragged, learning_curve_few_shot
from sklearn_audio.model_selection import FewShotSplit, summarize_few_shot

RNG = np.random.default_rng(0)
Y = np.repeat(["low", "high"], 16)
X = RNG.normal(size=(32, 3)) + (Y == "high")[:, None]
GROUPS = np.arange(32) // 2
SEEN: list[tuple[int, list[float], list[float]]] = []


class Recorder(ClassifierMixin, BaseEstimator):
    """Notes what it is fitted and scored on."""

    def fit(self, X, y):
        self.classes_, self.rows_ = np.unique(y), sorted(X[:, 0].tolist())
        return self

    def predict(self, X):
        SEEN.append((len(self.rows_), self.rows_, sorted(X[:, 0].tolist())))
        return np.repeat(self.classes_[0], len(X))


def test_table():
    methods = {"1-NN": KNeighborsClassifier(1), "k-NN": lambda n_shots: KNeighborsClassifier(n_shots)}
    table = learning_curve_few_shot(methods, X, Y, n_shots=[5, 1], n_repeats=3, random_state=0)
    assert table.columns.tolist() == [
        *("method", "n_shots", "repeat", "metric", "score", "n_train", "n_test", "fit_seconds", "score_seconds"),
    ]
    assert table["method"].tolist() == ["1-NN"] * 6 + ["k-NN"] * 6
    assert table["n_shots"].tolist() == [1, 1, 1, 5, 5, 5] * 2
    assert table["repeat"].tolist() == [0, 1, 2] * 4
    assert (table["n_train"] == 2 * table["n_shots"]).all()
    assert set(table["n_test"]) == {22}
    assert table["score"].between(0, 1).all()
    # with one neighbour of one clip per class both are the same
    assert table["score"][:3].tolist() == table["score"][6:9].tolist()


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_draws_lie_within_each_other_and_are_those_of_the_splitter(groups):
    SEEN.clear()
    learning_curve_few_shot(Recorder(), X, Y, n_shots=[1, 3], n_repeats=2, groups=groups, random_state=4)
    one_first, one_second, three_first, three_second = SEEN
    for few, many in ((one_first, three_first), (one_second, three_second)):
        assert set(few[1]) < set(many[1])
        assert few[2] == many[2]
    wanted = list(FewShotSplit(3, 2, random_state=4).split(X, Y, groups))
    assert [three_first[1], three_second[1]] == [sorted(X[train, 0].tolist()) for train, _ in wanted]
    assert [three_first[2], three_second[2]] == [sorted(X[test, 0].tolist()) for _, test in wanted]


def test_several_metrics_and_a_ragged():
    ragged = Ragged.from_lengths(X, np.ones(32, dtype=int))
    table = learning_curve_few_shot(
        DummyClassifier(), ragged, Y, n_shots=[2], n_repeats=2, scoring=["accuracy", "f1_macro"], random_state=0
    )
    assert table["method"].unique().tolist() == ["DummyClassifier"]
    assert table["metric"].tolist() == ["accuracy"] * 2 + ["f1_macro"] * 2
    assert table["score"][0] == 0.5


def test_progress_when_asked(capsys):
    options = {"n_shots": [1], "n_repeats": 1, "random_state": 0}
    learning_curve_few_shot(DummyClassifier(), X, Y, **options)
    assert capsys.readouterr().err == ""
    learning_curve_few_shot(DummyClassifier(), X, Y, verbose=1, **options)
    assert "learning curve" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("estimators", "n_shots", "message"),
    [
        ({}, [1], "estimators is empty"),
        (DummyClassifier(), [], "n_shots is empty"),
        (DummyClassifier(), [16], r"class 'high' has 16 clip\(s\), fewer than the 17"),
    ],
)
def test_refused_values(estimators, n_shots, message):
    with pytest.raises(ValueError, match=message):
        learning_curve_few_shot(estimators, X, Y, n_shots=n_shots)


def test_something_that_is_no_estimator():
    with pytest.raises(TypeError, match="estimators holds a str; expected an estimator"):
        learning_curve_few_shot({"a": "1-NN"}, X, Y)


def test_failure_of_an_estimator_is_passed_on():
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        learning_curve_few_shot(KNeighborsClassifier(9), X, Y, n_shots=[1])


def test_summary_is_student_s_interval():
    scores = [0.2, 0.4, 0.9, 0.5]
    table = pd.DataFrame({"method": ["b"] * 4 + ["a"], "n_shots": 2, "score": [*scores, 0.7]})
    summary = summarize_few_shot(table, level=0.9)
    assert summary["method"].tolist() == ["b", "a"]
    low, high = stats.t.interval(0.9, 3, loc=np.mean(scores), scale=stats.sem(scores))
    first = summary.iloc[0]
    assert (first["mean"], first["low"], first["high"]) == pytest.approx((0.5, low, high))
    assert first["std"] == pytest.approx(np.std(scores, ddof=1))
    assert summary["n_repeats"].tolist() == [4, 1]
    assert summary.loc[1, ["std", "low", "high"]].isna().all()


def test_refused_summary():
    table = pd.DataFrame({"method": ["a"], "n_shots": [1]})
    with pytest.raises(ValueError, match=r"lacks the column\(s\) \['score'\]"):
        summarize_few_shot(table)
    with pytest.raises(ValueError, match="level=1 must lie above 0 and below 1"):
        summarize_few_shot(table, level=1)


def test_rows_without_a_metric_are_not_lost():
    several = [
        {"method": "a", "n_shots": 1, "score": 0.5, "metric": "score"},
        {"method": "b", "n_shots": 1, "score": 0.2},
    ]
    assert summarize_few_shot(pd.DataFrame(several))["method"].tolist() == ["a", "b"]
