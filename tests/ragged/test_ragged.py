"""Ragged: rows of unequal length in one flat array."""

import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, train_test_split
from sklearn.pipeline import Pipeline

from sklearn_audio import Ragged, SequencePooling
from sklearn_audio.ragged import RaggedBuilder

item_shapes = st.sampled_from([(), (1,), (3,), (2, 2)])


@st.composite
def rows(draw, min_rows=0, min_length=0):
    shape = draw(item_shapes)
    lengths = draw(st.lists(st.integers(min_length, 6), min_size=min_rows, max_size=8))
    numbers = st.integers(-1000, 1000)
    return [draw(hnp.arrays(np.int64, (length, *shape), elements=numbers)) for length in lengths]


def same(ragged, expected):
    got = ragged.to_list()
    return len(got) == len(expected) and all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


@given(rows())
def test_round_trip_and_reading(parts):
    ragged = Ragged.from_list(parts)
    assert same(ragged, parts)
    assert ragged.shape == (len(parts),)
    assert ragged.ndim == 1
    assert ragged.lengths.tolist() == [len(part) for part in parts]
    assert same(Ragged(ragged.values, ragged.offsets), parts)
    assert same(Ragged.from_lengths(ragged.values, ragged.lengths), parts)


@given(rows(min_rows=1), st.data())
def test_every_index_means_what_it_means_for_a_list(parts, data):
    ragged, n = Ragged.from_list(parts), len(parts)
    row = data.draw(st.integers(-n, n - 1))
    assert np.array_equal(ragged[row], parts[row])
    assert np.array_equal(ragged[np.int32(row)], parts[row])
    chosen = data.draw(st.lists(st.integers(-n, n - 1), max_size=6))
    assert same(ragged[chosen], [parts[i] for i in chosen])
    assert same(ragged[np.array(chosen, dtype=int), ...], [parts[i] for i in chosen])
    keep = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    assert same(ragged[keep], [part for part, kept in zip(parts, keep, strict=True) if kept])
    start, stop = (data.draw(st.one_of(st.none(), st.integers(-n - 1, n + 1))) for _ in range(2))
    cut = slice(start, stop, data.draw(st.sampled_from([None, 1, 2, -1, -2])))
    assert same(ragged[cut], parts[cut])
    assert ragged[...] is ragged


@given(rows(min_rows=1, min_length=1))
def test_pool_equals_the_statistics_of_each_row(parts):
    ragged = Ragged.from_list([part.astype(np.float64) for part in parts])
    for name, function in {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max, "median": np.median}.items():
        np.testing.assert_allclose(ragged.pool(name), [function(part, axis=0) for part in parts], atol=1e-9)
    np.testing.assert_array_equal(ragged.pool("first"), [part[0] for part in parts])
    np.testing.assert_array_equal(ragged.pool("last"), [part[-1] for part in parts])


@given(rows())
def test_padding_mask_and_groups_hold_every_item(parts):
    ragged = Ragged.from_list(parts)
    padded, mask = ragged.to_padded(-7777), ragged.mask()
    assert padded.shape[:2] == mask.shape
    np.testing.assert_array_equal(padded[mask], ragged.values)
    assert (padded[~mask] == -7777).all()
    seen = {}
    for indices, stacked in ragged.group_by_length():
        seen |= {int(i): row for i, row in zip(indices, stacked, strict=True)}
    assert same(ragged, [seen[i] for i in range(len(parts))])


@given(rows(min_rows=1))
def test_builder_in_pieces_equals_whole_rows(parts):
    builder = RaggedBuilder()
    for part in parts:
        for i in range(0, max(1, len(part)), 2):
            builder.extend(part[i : i + 2])
        assert np.array_equal(builder.close_row(), part)
    assert same(Ragged(*builder.finish()), parts)


def test_builder_discards_an_open_row():
    builder = RaggedBuilder((2,), np.float32)
    builder.extend(np.ones((3, 2)))
    builder.discard()
    builder.extend(np.zeros((1, 2)))
    builder.close_row()
    assert same(Ragged(*builder.finish()), [np.zeros((1, 2))])


def test_builder_without_rows():
    assert len(Ragged(*RaggedBuilder().finish())) == 0
    assert Ragged(*RaggedBuilder((4,), np.float32).finish()).item_shape == (4,)
    assert len(RaggedBuilder().close_row()) == 0


def test_contiguous_slices_and_rows_are_views():
    ragged = Ragged.from_list([[1.0, 2.0], [3.0], [4.0, 5.0]])
    assert np.shares_memory(ragged[1:].values, ragged.values)
    assert np.shares_memory(ragged[2], ragged.values)
    assert len(ragged[3:1]) == 0


def test_dense_only_where_lengths_agree():
    equal = Ragged.from_list([[1, 2], [3, 4]])
    np.testing.assert_array_equal(np.asarray(equal), [[1, 2], [3, 4]])
    assert np.array(equal, dtype=np.float32).dtype == np.float32
    assert np.shares_memory(np.asarray(equal, copy=False), equal.values)
    with pytest.raises(ValueError, match=r"rows have 1 to 2 items and make no rectangular array. Use to_padded"):
        np.asarray(Ragged.from_list([[1, 2], [3]]))
    assert np.asarray(Ragged.from_list([])).shape == (0, 0)


def test_map_with_values_concatenate():
    ragged = Ragged.from_list([[3.0, 1.0], [2.0]])
    assert same(ragged.map(np.sort), [[1.0, 3.0], [2.0]])
    assert same(ragged.with_values(-ragged.values), [[-3.0, -1.0], [-2.0]])
    assert same(Ragged.concatenate([ragged, ragged[:1]]), [[3.0, 1.0], [2.0], [3.0, 1.0]])


def test_pool_accumulates_in_float64():
    row = np.full(3_000_000, 0.1, dtype=np.float32)
    assert Ragged.from_list([row]).pool("mean")[0] == np.float32(0.1)


def test_pool_of_integers():
    ragged = Ragged.from_list([[1, 2], [4]])
    assert ragged.pool("mean").tolist() == [1.5, 4.0]
    assert ragged.pool("max").dtype == np.int64


def test_to_padded_cuts_long_rows():
    assert Ragged.from_list([[1, 2, 3], [4]]).to_padded(length=2).tolist() == [[1, 2], [4, 0]]
    assert Ragged.from_list([[1, 2, 3], [4]]).mask(length=1).tolist() == [[True], [True]]


def test_repr_names_the_essentials():
    assert repr(Ragged.from_list([])) == "Ragged(n_rows=0, lengths=none, item_shape=(), dtype=float64)"
    assert "lengths=1..2" in repr(Ragged.from_list([[1, 2], [3]]))
    assert Ragged.from_list([[1, 2], [3]]).nbytes == 3 * 8 + 3 * 8


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Ragged([1, 2], [0, 1]), ValueError, r"offsets must run from 0 to .* values \(2\), got 0 to 1"),
        (lambda: Ragged([1, 2], [0, 2, 1, 2]), ValueError, "offsets must not fall, but do after row 1"),
        (lambda: Ragged([1, 2], [[0, 2]]), ValueError, "offsets must be one-dimensional"),
        (lambda: Ragged(1.0, [0, 1]), ValueError, "values must have at least one dimension"),
        (lambda: Ragged.from_list([[1], 2]), ValueError, "row 1 is a scalar"),
        (lambda: Ragged.from_list([[[1, 2]], [[1]]]), ValueError, r"row 1 has items of shape \(1,\), expected \(2,\)"),
        (lambda: Ragged.from_list([[1]])[1], IndexError, "row 1 is out of bounds: this Ragged has 1 rows"),
        (lambda: Ragged.from_list([[1]])[0, 0], IndexError, "Ragged has one axis, its rows; got 2 indices"),
        (lambda: Ragged.from_list([[1]])[[0.5]], IndexError, "rows must be chosen by integers or booleans"),
        (lambda: Ragged.from_list([[1]])[[True, False]], IndexError, "the boolean index has 2 entries"),
        (
            lambda: Ragged.from_list([[1]]).pool("mode"),
            ValueError,
            "unknown statistic 'mode'; choose one of .* or a percentile",
        ),
        (lambda: Ragged.from_list([[1], []]).pool(), ValueError, "row 1 is empty: the mean of no items is undefined"),
    ],
)
def test_mistakes(make, error, match):
    with pytest.raises(error, match=match):
        make()


# ---- as a citizen of scikit-learn ------------------------------------------------------------------------------------


def sounds(n=40):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return Ragged.from_list([rng.normal(loc=label, size=(rng.integers(3, 9), 2)) for label in y]), y


class Counting(TransformerMixin, BaseEstimator):
    """Doubles the values; a fitted step for Pipeline(memory=...)."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X.with_values(X.values * 2)


def test_train_test_split_keeps_rows_whole():
    X, y = sounds()
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    assert isinstance(train, Ragged)
    assert (len(train), len(test)) == (30, 10)
    assert sorted(np.concatenate([train.values, test.values])[:, 0]) == sorted(X.values[:, 0])
    assert len(y_train) + len(y_test) == 40


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_and_cross_validation(n_jobs, tmp_path):
    X, y = sounds()
    steps = [("double", Counting()), ("pool", SequencePooling()), ("clf", LogisticRegression())]
    pipe = Pipeline(steps, memory=str(tmp_path))
    grid = {"clf__C": [0.1, 1.0], "pool__statistics": ["mean", ("mean", "max")]}
    search = GridSearchCV(pipe, grid, cv=4, n_jobs=n_jobs)
    search.fit(X, y)
    assert search.best_score_ > 0.8
    assert (cross_val_predict(pipe, X, y, cv=4) == y).mean() > 0.8


@pytest.mark.parametrize("dump", [pickle.dumps, None])
def test_pickle_and_memory_map(dump, tmp_path):
    X, _ = sounds()
    if dump:
        loaded = pickle.loads(dump(X))
    else:
        joblib.dump(X, tmp_path / "X.joblib")
        loaded = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
        assert isinstance(loaded.values, np.memmap)
        assert isinstance(loaded[1:3].values, np.memmap)
    assert same(loaded, X.to_list())


def test_hash_depends_on_the_rows_alone():
    X, _ = sounds()
    assert joblib.hash(X[2:5]) == joblib.hash(Ragged.from_list(X.to_list()[2:5]))
    assert joblib.hash(X[2:5]) != joblib.hash(X[2:6])


settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


# ---- labels ----------------------------------------------------------------------------------------------------------


def test_statistics_of_whole_numbers():
    X = Ragged.from_list([np.array([-100, 100], dtype=np.int8), np.array([3], dtype=np.int8)])
    assert X.pool("range").tolist() == [200.0, 0.0]
    assert X.pool("p50").tolist() == [0.0, 3.0]
    assert X.pool("slope").tolist() == [200.0, 0.0]
    assert X.pool("max").dtype == np.int8
    assert Ragged.from_list([np.zeros((3, 2, 2))]).pool("slope").shape == (1, 2, 2)
