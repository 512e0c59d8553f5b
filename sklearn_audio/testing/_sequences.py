"""Checks of estimators that take frames, and of those that take tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_audio.ragged import Ragged
from sklearn_audio.testing._probes import assert_same_rows, fit, frames, outputs, tokens
from sklearn_audio.testing._refusals import expect_refusal


def check_forms_of_frames(estimator: Any) -> None:
    """Lists, object arrays and Ragged give the same rows; so does a 3-D array where lengths agree."""
    X = frames()
    fitted = fit(estimator, X, len(X))
    wanted = outputs(fitted, X)
    for name, form in {
        "Ragged": Ragged.from_list(X),
        "object array": np.array([*X, None], dtype=object)[:-1],
        "tuple": tuple(X),
        "float64": [row.astype(np.float64) for row in X],
    }.items():
        assert_same_rows(outputs(fitted, form), wanted, f"X as {name}")
    stacked = np.stack([row[:5] for row in X])
    assert_same_rows(outputs(fitted, stacked), outputs(fitted, list(stacked)), "a 3-D array against a list")


def check_refused_frames(estimator: Any) -> None:
    """NaN, empty rows, other widths, complex numbers and paths are refused by row."""
    X = frames()
    fitted = fit(estimator, X, len(X))
    good, bad = X[0], X[1].copy()
    bad[0, 0] = np.nan
    for name, row, match in [
        ("NaN", bad, "row 1.*NaN"),
        ("a row without frames", good[:0], "row 1"),
        ("another number of features", good[:, :2], "row 1"),
        ("a path", "dog.wav", "row 1"),
        ("complex numbers", good.astype(np.complex64), "[Cc]omplex"),
    ]:
        expect_refusal(lambda row=row: outputs(fitted, [good, row]), name, match)  # type: ignore[misc]
    expect_refusal(lambda: outputs(fitted, [row[:, :2] for row in X]), "a narrower X", "features")


def check_forms_of_tokens(estimator: Any) -> None:
    """Lists, object arrays and Ragged of any type of whole numbers give the same rows; so does a 2-D array."""
    X = tokens()
    fitted = fit(estimator, X, len(X))
    wanted = outputs(fitted, X)
    for name, form in {
        "Ragged": Ragged.from_list(X),
        "object array": np.array([*X, None], dtype=object)[:-1],
        "plain lists": [row.tolist() for row in X],
        "int64": [row.astype(np.int64) for row in X],
        "float64": [row.astype(np.float64) for row in X],
    }.items():
        assert_same_rows(outputs(fitted, form), wanted, f"X as {name}")
    stacked = np.stack([row[:5] for row in X])
    fitted_on_array = fit(estimator, stacked, len(X))
    wanted = outputs(fit(estimator, list(stacked), len(X)), list(stacked))
    assert_same_rows(outputs(fitted_on_array, stacked), wanted, "a 2-D array against a list")


def check_refused_tokens(estimator: Any) -> None:
    """Padding, fractions, empty rows, frames and paths are refused by row."""
    X = tokens()
    fitted = fit(estimator, X, len(X))
    for name, row, match in [
        ("padding with -1", np.array([1, -1]), "row 1"),
        ("a fraction", np.array([0.5, 1.0]), "row 1"),
        ("NaN", np.array([np.nan, 1.0]), "row 1"),
        ("a row without tokens", X[0][:0], "row 1"),
        ("a path", "dog.wav", "row 1"),
    ]:
        expect_refusal(lambda row=row: outputs(fitted, [X[0], row]), name, match)  # type: ignore[misc]
    expect_refusal(lambda: outputs(fitted, frames()), "frames", "tokens of shape")


SEQUENCE_CHECKS = (check_forms_of_frames, check_refused_frames)
TOKEN_CHECKS = (check_forms_of_tokens, check_refused_tokens)
