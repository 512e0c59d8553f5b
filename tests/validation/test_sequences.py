"""Admission of frames and tokens."""

import numpy as np
import pytest

from sklearn_audio import Ragged
from sklearn_audio.validation import check_sequences

FRAMES = [np.arange(10, dtype=np.float64).reshape(5, 2), np.ones((3, 2))]


@pytest.mark.parametrize(
    "X",
    [
        FRAMES,
        tuple(FRAMES),
        np.array(FRAMES, dtype=object),
        Ragged.from_list(FRAMES),
        [frame.tolist() for frame in FRAMES],
    ],
)
def test_forms_of_frames(X):
    ragged = check_sequences(X)
    assert ragged.dtype == np.float32
    assert ragged.lengths.tolist() == [5, 3]
    np.testing.assert_array_equal(ragged[0], FRAMES[0])
    np.testing.assert_array_equal(ragged[1], FRAMES[1])


def test_three_dimensions():
    X = np.arange(24).reshape(2, 3, 4)
    ragged = check_sequences(X)
    assert ragged.lengths.tolist() == [3, 3]
    np.testing.assert_array_equal(np.stack(ragged.to_list()), X)


@pytest.mark.parametrize("X", [np.arange(6.0).reshape(2, 3), [np.arange(3.0), np.arange(3.0, 6.0)]])
def test_rows_of_numbers_are_frames_of_one_number(X):
    ragged = check_sequences(X)
    assert ragged.item_shape == (1,)
    assert [row[:, 0].tolist() for row in ragged] == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("X", [np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]], Ragged.from_list([[1, 2], [3, 4]])])
def test_tokens(X):
    ragged = check_sequences(X, item_ndim=0, dtype=np.int32)
    assert (ragged.item_shape, ragged.dtype) == ((), np.int32)
    assert [row.tolist() for row in ragged] == [[1, 2], [3, 4]]


def test_ragged_of_the_right_type_is_not_copied():
    X = Ragged.from_list([np.ones((3, 2), dtype=np.float32)])
    assert np.shares_memory(check_sequences(X).values, X.values)


@pytest.mark.parametrize(
    ("X", "options", "error", "match"),
    [
        (np.zeros((2, 3, 4, 5)), {}, ValueError, r"has 2 or 3 dimensions, got shape \(2, 3, 4, 5\)"),
        (np.zeros(3), {}, ValueError, r"has 2 or 3 dimensions, got shape \(3,\)"),
        (np.zeros((2, 3, 4)), {"item_ndim": 0}, ValueError, r"has 2 or 3 dimensions, got shape \(2, 3, 4\)"),
        (["dog.wav"], {}, TypeError, r"row 0: expected an array of frames .*, got str of shape \(\)\. Turn recordings"),
        ([FRAMES[0], np.zeros((2, 3, 4))], {}, TypeError, r"row 1: expected an array .* shape \(2, 3, 4\)"),
        ([FRAMES[0], np.zeros((2, 3))], {}, ValueError, r"row 1 has \(3,\) features per frame, row 0 has \(2,\)\."),
        ([FRAMES[0], np.zeros(2)], {}, ValueError, r"row 1 has \(\) features per frame, row 0 has \(2,\)\."),
        ([FRAMES[0], FRAMES[0][:0]], {}, ValueError, r"row 1 has no frames\. Leave it out\."),
        ([np.array([1]), np.array([])], {"item_ndim": 0}, ValueError, r"row 1 has no tokens\. Leave it out\."),
        ([FRAMES[0].astype(complex)], {}, ValueError, "Complex data not supported; frames are real"),
        (Ragged.from_list([FRAMES[0] * 1j]), {}, ValueError, "Complex data not supported; frames are real"),
        (Ragged.from_list([]), {}, ValueError, r"Found array with 0 sample\(s\) .* X has no rows"),
        (FRAMES, {"item_ndim": 0}, ValueError, r"each row must hold tokens .* got items of shape \(2,\)"),
        (Ragged.from_list([np.zeros((2, 3, 4))]), {}, ValueError, r"must hold frames .* got items of shape \(3, 4\)"),
    ],
)
def test_refused(X, options, error, match):
    with pytest.raises(error, match=match):
        check_sequences(X, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused_by_row(value):
    bad = FRAMES[1].copy()
    bad[2, 1] = value
    with pytest.raises(ValueError, match=r"row 1 contains NaN or infinity\. Repair it or leave it out\."):
        check_sequences([FRAMES[0], bad])
    assert check_sequences([FRAMES[0], bad], ensure_finite=False)[1].shape == (3, 2)


def test_sums_that_overflow_are_no_infinities():
    huge = np.full((4, 2), np.finfo(np.float32).max)
    np.testing.assert_array_equal(check_sequences([huge])[0], huge)


FAILED = np.full((1, 2), np.nan)


def test_failed_rows_are_refused_unless_allowed():
    with pytest.raises(ValueError, match="row 1 contains NaN"):
        check_sequences([FRAMES[0], FAILED])
    ragged = check_sequences([FRAMES[0], FAILED, FRAMES[1]], allow_failed=True)
    assert ragged.lengths.tolist() == [5, 1, 3]
    assert np.isnan(ragged[1]).all()
    assert np.isfinite(ragged[0]).all()


@pytest.mark.parametrize(
    "bad",
    [np.full((2, 2), np.nan), np.array([[np.nan, 0.0]]), np.full((1, 2), np.inf), np.array([[np.nan, np.inf]])],
    ids=["two frames", "one number of the frame", "infinity", "NaN and infinity"],
)
def test_what_no_failed_clip_looks_like_is_refused(bad):
    with pytest.raises(ValueError, match="row 1 contains NaN or infinity"):
        check_sequences([FRAMES[0], bad], allow_failed=True)
