"""Index and feature names of Ragged: they stay with their rows and columns."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from sklearn_audio import Ragged
from sklearn_audio.validation import check_sequences

PARTS = [np.arange(6.0).reshape(3, 2), np.ones((1, 2)), np.zeros((2, 2)), np.full((1, 2), np.nan)]


def labelled():
    return Ragged.from_list(PARTS).with_labels(index=["d", "a", "a", "c"], feature_names=["left", "right"])


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        (slice(1, 3), ["a", "a"]),
        (slice(None, None, -1), ["c", "a", "a", "d"]),
        ([3, 0, 0], ["c", "d", "d"]),
        ([True, False, False, True], ["d", "c"]),
        ((np.array([2, 3]), Ellipsis), ["a", "c"]),
        ([], []),
        (Ellipsis, ["d", "a", "a", "c"]),
    ],
)
def test_labels_stay_with_their_rows(key, wanted):
    part = labelled()[key]
    assert part.index.tolist() == wanted
    assert part.feature_names.tolist() == ["left", "right"]


def test_labels_stay_through_sorting_copies_and_splits(tmp_path):
    X = labelled()
    order = np.argsort(X.lengths, kind="stable")
    assert X[order].index.tolist() == ["a", "c", "a", "d"]
    first, second = train_test_split(X, shuffle=False, test_size=1)
    assert (first.index.tolist(), second.index.tolist()) == (["d", "a", "a"], ["c"])
    joblib.dump(X, tmp_path / "X.joblib")
    for copied in (pickle.loads(pickle.dumps(X)), joblib.load(tmp_path / "X.joblib"), X[:]):
        assert copied.equals(X)
    assert joblib.hash(X) == joblib.hash(labelled())
    assert joblib.hash(X) != joblib.hash(X.with_labels(index=[0, 1, 2, 3]))


def test_a_pickle_of_before_labels_loads():
    X = labelled()
    old = Ragged.__new__(Ragged)
    old.__dict__.update(values=X.values, offsets=X.offsets)
    loaded = pickle.loads(pickle.dumps(old))
    assert loaded.index is None
    assert loaded.feature_names is None
    assert loaded[[1, 0]].equals(Ragged.from_list(PARTS)[[1, 0]])


def test_other_values_keep_the_labels_of_rows_only():
    X = labelled()
    for other in (X.with_values(X.values * 2), X.map(lambda row: row[:1])):
        assert other.index is X.index
        assert other.feature_names is None


def test_a_series_gives_its_index():
    series = pd.Series(PARTS, index=[3, 1, 2, 0])
    assert Ragged.from_list(series).index.tolist() == [3, 1, 2, 0]
    assert check_sequences(series, ensure_finite=False).index.tolist() == [3, 1, 2, 0]
    assert Ragged.from_list(PARTS).index is None


def test_labels_of_joined_rows():
    X = labelled()
    both = Ragged.concatenate([X[:2], X[2:]])
    assert both.equals(X)
    half = Ragged.concatenate([X, Ragged.from_list(PARTS)])
    assert half.index is None
    assert half.feature_names is None
    mixed = Ragged.concatenate([X, X.with_labels(index=[1, 2, 3, 4], feature_names=["left", "right"])])
    assert mixed.index.tolist() == ["d", "a", "a", "c", 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"part 1 has other features .*'up' where 'right' is expected"):
        Ragged.concatenate([X, X.with_labels(feature_names=["left", "up"])])


@pytest.mark.parametrize(
    "other",
    [
        Ragged.from_list(PARTS),
        labelled().with_labels(index=["d", "a", "a", "c"]),
        labelled().with_labels(index=["d", "a", "a", "b"], feature_names=["left", "right"]),
        labelled().with_labels(index=["d", "a", "a", "c"], feature_names=["left", "up"]),
        labelled()[:3],
        Ragged(labelled().values.astype(np.float32), labelled().offsets, index=list("daac")),
        PARTS,
    ],
)
def test_what_differs_is_not_equal(other):
    assert not labelled().equals(other)
    assert labelled().equals(labelled())


def test_labels_must_fit():
    X = Ragged.from_list(PARTS)
    with pytest.raises(ValueError, match="index has 3 labels for 4 rows"):
        X.with_labels(index=[1, 2, 3])
    with pytest.raises(ValueError, match="feature_names has 1 names for items of 2 values"):
        X.with_labels(feature_names=["left"])
    assert Ragged.from_list([[1], [2]]).with_labels(feature_names=["token"]).feature_names.tolist() == ["token"]


def test_an_index_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"index has 3 labels for 4 rows; give one per row, or None\."):
        Ragged.from_list(PARTS).with_labels(index=[1, 2, 3])
