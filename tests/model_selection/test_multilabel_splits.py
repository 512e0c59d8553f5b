"""Splits of several labels: sizes, shares, groups, seeds, and use by scikit-learn's searches."""

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from sklearn_audio.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit

SPLITTERS = [MultilabelStratifiedKFold(4), MultilabelStratifiedShuffleSplit(4, test_size=0.25, random_state=0)]


@pytest.fixture
def labels():
    """400 clips of 12 labels, on 8 to 160 clips, and clips without any."""
    rng = np.random.default_rng(0)
    return (rng.uniform(size=(400, 12)) < np.geomspace(0.02, 0.4, 12)).astype(np.int64)


def sides(splitter, y, groups=None):
    return list(splitter.split(np.zeros(len(y)), y, groups))


def worst_share(splitter, y, share):
    """The largest distance of a label's share on the test side from what it should be."""
    return np.mean([np.abs(y[test].sum(axis=0) / y.sum(axis=0) - share).max() for _, test in sides(splitter, y)])


def test_folds_part_the_clips(labels):
    splits = sides(MultilabelStratifiedKFold(5), labels)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(400))
    for train, test in splits:
        assert not set(train) & set(test)
        assert len(train) + len(test) == 400
        assert abs(len(test) - 80) <= 4


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_label_is_spread_evenly_over_the_folds(labels, shuffle):
    splitter = MultilabelStratifiedKFold(4, shuffle=shuffle, random_state=0 if shuffle else None)
    counts = np.array([labels[test].sum(axis=0) for _, test in sides(splitter, labels)])  # (n_folds, n_labels)
    rarest = labels.sum(axis=0).argmin()
    assert np.ptp(counts[:, rarest]) <= 1  # dealt out first: as even as can be
    assert worst_share(splitter, labels, 0.25) < 0.3 * worst_share(KFold(4, shuffle=True, random_state=0), labels, 0.25)


def test_a_worked_example():
    # Label 1 is the rarest: its two clips go apart; label 0 then evens out what they left.
    y = np.array([[1, 1], [0, 1], [1, 0], [1, 0], [1, 0], [0, 0]])
    counts = [y[test].sum(axis=0).tolist() for _, test in sides(MultilabelStratifiedKFold(2), y)]
    assert counts == [[2, 1], [2, 1]]
    assert [len(test) for _, test in sides(MultilabelStratifiedKFold(2), y)] == [3, 3]


def test_no_fold_is_empty_where_each_label_is_on_one_clip():
    for _, test in sides(MultilabelStratifiedKFold(5), np.eye(12, dtype=int)):
        assert 2 <= len(test) <= 3


@pytest.mark.parametrize(("test_size", "train_size"), [(0.2, None), (37, None), (None, None), (0.2, 0.5), (None, 300)])
def test_sizes_are_those_of_scikit_learn(labels, test_size, train_size):
    parameters = {"n_splits": 3, "test_size": test_size, "train_size": train_size, "random_state": 0}
    ours = sides(MultilabelStratifiedShuffleSplit(**parameters), labels)
    theirs = sides(ShuffleSplit(**parameters), labels)
    assert [(len(a), len(b)) for a, b in ours] == [(len(a), len(b)) for a, b in theirs]
    for train, test in ours:
        assert len(set(train) | set(test)) == len(train) + len(test)


def test_every_label_keeps_its_share_in_random_splits(labels):
    parameters = {"n_splits": 5, "test_size": 0.25, "random_state": 0}
    stratified = worst_share(MultilabelStratifiedShuffleSplit(**parameters), labels, 0.25)
    assert stratified < 0.3 * worst_share(ShuffleSplit(**parameters), labels, 0.25)


def test_rare_labels_do_not_empty_the_test_side():
    (_, test), *_ = sides(MultilabelStratifiedShuffleSplit(1, test_size=0.1, random_state=0), np.eye(40, dtype=int))
    assert len(test) == 4


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: type(splitter).__name__)
def test_groups_stay_together(labels, splitter):
    groups = np.repeat([f"video{i}" for i in range(100)], 4)
    for train, test in sides(splitter, labels, groups):
        assert not set(groups[train]) & set(groups[test])
        assert len(test) == pytest.approx(100, abs=12)
        shares = labels[test].sum(axis=0) / labels.sum(axis=0)
        assert shares == pytest.approx(0.25, abs=0.13)


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: type(splitter).__name__)
def test_sparse_and_boolean_labels_give_the_same_splits(labels, splitter):
    wanted = sides(splitter, labels)
    for y in (labels.astype(bool), labels.astype(float), labels.tolist()):
        for ours, theirs in zip(sides(splitter, y), wanted, strict=True):
            np.testing.assert_array_equal(ours[1], theirs[1])
    for ours, theirs in zip(splitter.split(np.zeros(400), csr_array(labels)), wanted, strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_seeds(labels):
    def tests(splitter):
        return np.concatenate([test for _, test in sides(splitter, labels)]).tolist()

    for kind in (MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit):
        shuffle = {"shuffle": True} if kind is MultilabelStratifiedKFold else {}
        first, again, other = (tests(kind(3, random_state=seed, **shuffle)) for seed in (1, 1, 2))
        assert first == again != other
    assert tests(MultilabelStratifiedKFold(3)) == tests(MultilabelStratifiedKFold(3))
    one, two, *_ = sides(MultilabelStratifiedShuffleSplit(2, random_state=0), labels)
    assert set(one[1]) != set(two[1])


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: type(splitter).__name__)
def test_in_a_grid_search(labels, splitter):
    groups = np.repeat(np.arange(100), 4)
    X = labels + np.random.default_rng(0).normal(size=labels.shape)
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=splitter, scoring="f1_micro")
    search.fit(X, labels, groups=groups)
    assert search.n_splits_ == splitter.get_n_splits() == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_groups_are_routed_without_being_asked_for(labels):
    groups = np.repeat(np.arange(100), 4)
    with sklearn.config_context(enable_metadata_routing=True):
        for splitter in SPLITTERS:
            scores = cross_val_score(
                KNeighborsClassifier(), labels, labels, cv=splitter, scoring="f1_micro", params={"groups": groups}
            )
            assert len(scores) == 4


def test_parameters_are_shown():
    assert (
        repr(MultilabelStratifiedKFold(3)) == "MultilabelStratifiedKFold(n_splits=3, random_state=None, shuffle=False)"
    )
    assert "test_size=0.2" in repr(MultilabelStratifiedShuffleSplit(test_size=0.2))
    assert clone(SPLITTERS[0], safe=False).n_splits == 4


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: type(splitter).__name__)
@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, "y is None; stratification needs the labels"),
        (np.zeros(8), r"y has shape \(8,\), expected an indicator matrix.*use StratifiedKFold"),
        (np.full((8, 2), 2), "y must hold 0 and 1 only"),
        (csr_array(np.full((8, 2), 2)), "y must hold 0 and 1 only"),
        (np.full((8, 2), np.nan), "y must hold 0 and 1 only"),
        (np.ones((7, 2)), "inconsistent numbers of samples"),
    ],
)
def test_labels_that_cannot_be_stratified(splitter, y, match):
    with pytest.raises(ValueError, match=match):
        next(splitter.split(np.zeros(8), y))


def test_groups_of_another_length(labels):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(SPLITTERS[0].split(np.zeros(400), labels, np.zeros(3)))


@pytest.mark.parametrize("n_splits", [1, 2.5, "4"])
def test_no_number_of_folds(labels, n_splits):
    with pytest.raises(ValueError, match=f"n_splits={n_splits!r} must be a whole number of at least 2"):
        next(MultilabelStratifiedKFold(n_splits).split(np.zeros(400), labels))


def test_more_folds_than_there_is_to_part():
    y = np.eye(4, dtype=int)
    with pytest.raises(ValueError, match="n_splits=5 is more than the number of clips, 4"):
        next(MultilabelStratifiedKFold(5).split(np.zeros(4), y))
    with pytest.raises(ValueError, match="n_splits=3 is more than the number of groups, 2"):
        next(MultilabelStratifiedKFold(3).split(np.zeros(4), y, [0, 0, 1, 1]))
