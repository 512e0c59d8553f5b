"""`FewShotSplit`: what is drawn, what is kept apart, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import cross_validate
from sklearn.neighbors import KNeighborsClassifier

from sklearn_audio import FewShotSplit, Ragged

Y = np.repeat(["ape", "bee", "cat"], [6, 8, 7])
SPEAKERS = np.tile(np.arange(6), 20)
WORDS = np.repeat(np.arange(20), 6)


def rows(splitter, y=Y, groups=None):
    return list(splitter.split(np.zeros(len(y)), y, groups))


def test_each_class_gives_the_shots_and_the_rest_is_for_test():
    splits = rows(FewShotSplit(2, 7, random_state=0))
    assert len(splits) == 7
    for train, test in splits:
        assert Y[train].tolist() == ["ape"] * 2 + ["bee"] * 2 + ["cat"] * 2
        assert sorted([*train, *test]) == list(range(len(Y)))
        assert (np.diff(test) > 0).all()
    assert len({tuple(train) for train, _ in splits}) > 3
    drawn = np.unique(np.concatenate([train for train, _ in rows(FewShotSplit(2, 40, random_state=0))]))
    assert len(drawn) == len(Y)


def test_queries_are_so_many_of_each_class():
    for train, test in rows(FewShotSplit(3, 4, n_queries=2, random_state=0)):
        assert Y[test].tolist() == ["ape"] * 2 + ["bee"] * 2 + ["cat"] * 2
        assert not set(train) & set(test)


def test_same_seed_gives_the_same_and_generators_go_on():
    first, second = (rows(FewShotSplit(2, 3, random_state=5)) for _ in range(2))
    assert all(
        np.array_equal(a, b) for one, other in zip(first, second, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert not np.array_equal(first[0][0], rows(FewShotSplit(2, 3, random_state=6))[0][0])
    splitter = FewShotSplit(2, 1, random_state=np.random.RandomState(0))
    assert not np.array_equal(rows(splitter)[0][0], rows(splitter)[0][0])


def test_fewer_shots_are_among_more():
    for (few, _), (many, _) in zip(
        rows(FewShotSplit(2, 5, random_state=1)), rows(FewShotSplit(5, 5, random_state=1)), strict=True
    ):
        assert np.array_equal(few.reshape(3, 2), many.reshape(3, 5)[:, :2])


def test_groups_are_never_on_both_sides():
    for n_shots in (1, 2, 4):
        for train, test in rows(FewShotSplit(n_shots, 10, random_state=0), WORDS, SPEAKERS):
            assert np.bincount(WORDS[train]).tolist() == [n_shots] * 20
            assert set(WORDS[test]) == set(range(20))
            assert not set(SPEAKERS[train]) & set(SPEAKERS[test])


def test_test_clips_are_those_of_all_groups_that_gave_no_shot():
    groups = np.arange(len(Y)) // 2
    for train, test in rows(FewShotSplit(1, 10, random_state=0), groups=groups):
        wanted = np.flatnonzero(~np.isin(groups, groups[train]))
        assert np.array_equal(test, wanted)


def test_share_of_groups_is_refused_without_groups():
    with pytest.raises(
        ValueError, match=r"^held_out=0\.5 has no effect here: it needs groups, but groups=None\. Leave"
    ):
        next(FewShotSplit(1, held_out=0.5).split(np.zeros(8), np.tile([0, 1], 4)))


def test_more_groups_are_held_out_for_a_class_that_has_few():
    # "rare" is in two groups of twenty; one of them must be for test
    y = np.array(["often"] * 40 + ["rare"] * 4)
    groups = np.concatenate([np.repeat(np.arange(20), 2), [18, 18, 19, 19]])
    for train, test in rows(FewShotSplit(2, 20, held_out=0.05, random_state=0), y, groups):
        assert (y[test] == "rare").any()
        assert not set(groups[train]) & set(groups[test])


def test_it_serves_cross_validate():
    X = Ragged.from_lengths(np.zeros((len(Y), 2)), np.ones(len(Y), dtype=int))
    X = X.with_values(X.values + np.unique(Y, return_inverse=True)[1][:, None])
    model = KNeighborsClassifier(1)
    scores = cross_validate(model, X.values, Y, groups=np.arange(len(Y)), cv=FewShotSplit(1, 4, random_state=0))
    assert scores["test_score"].tolist() == [1.0] * 4
    assert FewShotSplit(1, 4).get_n_splits() == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_shots": 0}, "n_shots=0 must be a whole number of at least 1"),
        ({"n_shots": 1.5}, "n_shots=1.5 must be"),
        ({"n_repeats": 0}, "n_repeats=0 must be"),
        ({"n_queries": 0}, "n_queries=0 must be"),
        ({"held_out": 1.0}, "held_out=1.0 must lie above 0 and below 1"),
        ({"n_shots": 6}, r"class 'ape' has 6 clip\(s\), fewer than the 7 that 6 shot\(s\) and 1 for test take"),
        ({"n_shots": 5, "n_queries": 3}, r"class 'ape' has 6 clip\(s\), fewer than the 8 that 5 shot\(s\) and 3"),
    ],
)
def test_refused_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        rows(FewShotSplit(**options))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "it needs y; got None"),
        (np.eye(4, dtype=int), "it is multilabel-indicator"),
        ([0.5, 1.5, 2.5], "it is continuous"),
        (["a", "a"], "y holds one class, 'a'"),
    ],
)
def test_refused_targets(y, message):
    with pytest.raises(ValueError, match=message):
        list(FewShotSplit(1).split(np.zeros(4), y))


def test_class_of_one_group():
    y, groups = ["a"] * 6 + ["b"] * 6, [0] * 6 + [1, 2, 3] * 2
    with pytest.raises(ValueError, match=r"class 'a' has 6 clips in 1 group\(s\), which do not give 2 shot\(s\) and 1"):
        rows(FewShotSplit(2, random_state=0), np.array(y), groups)


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(FewShotSplit(1).split(np.zeros(4), ["a", "b", "a"]))
