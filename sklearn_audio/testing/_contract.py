"""Checks for every estimator of this library, whatever its input."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import MetaEstimatorMixin

from sklearn_audio.ragged import Ragged
from sklearn_audio.testing._fresh_process import outputs_in_fresh_process
from sklearn_audio.testing._probes import assert_same_rows, fit, outputs, probe, rows_of


def check_neighbours(estimator: Any) -> None:
    """A row does not depend, bit for bit, on other rows, their number or order.

    With an inner estimator of vectors it does up to rounding: BLAS results depend on the number of rows.
    """
    X = probe(estimator)
    fitted = fit(estimator, X, len(X))
    wanted = outputs(fitted, X)
    rtol = 1e-5 if isinstance(estimator, MetaEstimatorMixin) else None
    assert_same_rows([outputs(fitted, [clip])[0] for clip in X], wanted, "one by one", rtol=rtol)
    assert_same_rows(outputs(fitted, X[::-1])[::-1], wanted, "in reverse order", rtol=rtol)
    assert_same_rows(outputs(fitted, X[1:4]), wanted[1:4], "a subset", rtol=rtol)
    assert_same_rows(outputs(fitted, X + X), wanted + wanted, "twice as many", rtol=rtol)


def check_repeats(estimator: Any) -> None:
    """Repeated fits and calls give bit-identical results."""
    X = probe(estimator)
    first, second = fit(estimator, X, len(X)), fit(estimator, X, len(X))
    wanted = outputs(first, X)
    assert_same_rows(outputs(second, X), wanted, "a second fit")
    assert_same_rows(outputs(first, X), wanted, "a second call")


def check_input_kept(estimator: Any) -> None:
    """The arrays of X are not written to, and may be read-only."""
    X = probe(estimator)
    before = [clip.copy() for clip in X]
    for clip in X:
        clip.flags.writeable = False
    outputs(fit(estimator, X, len(X)), X)
    assert_same_rows(X, before, "X after the call")


def check_index(estimator: Any) -> None:
    """The index of X is preserved in a `Ragged` and in pandas output, by which scikit-learn joins outputs."""
    clips = probe(estimator)
    X = pd.Series(clips, index=pd.Index([3, 5, 0, 3, 1, 2], name="row"))  # shuffled, and not unique
    fitted = fit(estimator, X, len(X))
    if not hasattr(fitted, "transform"):
        return
    wanted = outputs(fitted, clips)
    contained = hasattr(fitted, "set_output")
    if contained:
        fitted.set_output(transform="pandas")
    for rows in (list(range(len(X))), [4, 1]):
        part = X.iloc[rows]
        output = fitted.transform(part)
        if contained or isinstance(output, Ragged):
            _assert_labelled(output, part.index)
        assert_same_rows(rows_of(output), [wanted[row] for row in rows], "a Series")


def _assert_labelled(output: Any, index: pd.Index) -> None:
    if not isinstance(output, Ragged | pd.DataFrame):
        raise AssertionError(f"a Ragged or, as set_output says, a DataFrame is expected, got {type(output).__name__}.")
    if not index.equals(output.index):
        raise AssertionError(f"X has the index {index}, but the output has {output.index}.")


def check_pickle_in_fresh_process(estimator: Any) -> None:
    """A fitted estimator pickled here gives the same rows in a new process."""
    X = probe(estimator)
    fitted = fit(estimator, X, len(X))
    assert_same_rows(outputs_in_fresh_process(fitted, X), outputs(fitted, X), "a pickle in a new process")


def check_global_random_state(estimator: Any) -> None:
    """The generators of Python, NumPy and torch are unchanged."""
    X = probe(estimator)
    before = _global_states()
    outputs(fit(estimator, X, len(X)), X)
    for name, state in _global_states().items():
        if state != before[name]:
            raise AssertionError(f"the global random state of {name} was changed.")


def _global_states() -> dict[str, Any]:
    numpy_state: Any = np.random.get_state()  # noqa: NPY002 - the legacy generator is under test
    return {
        "Python": random.getstate(),
        "NumPy": (numpy_state[1].tobytes(), *numpy_state[2:]),
        "torch": torch.get_rng_state().tolist(),
    }


def check_quiet(estimator: Any) -> None:
    """Nothing is printed and nothing is written to the working directory."""
    X = probe(estimator)
    before = sorted(os.listdir())
    with _captured_descriptors() as captured:
        outputs(fit(estimator, X, len(X)), X)
    if captured:
        raise AssertionError(f"something was printed: {captured[0][:200]!r}")
    if sorted(os.listdir()) != before:
        raise AssertionError(f"files were written: {sorted(set(os.listdir()) - set(before))}")


@contextlib.contextmanager
def _captured_descriptors() -> Iterator[list[bytes]]:
    """Capture output to the file descriptors 1 and 2, including that of C code."""
    captured: list[bytes] = []
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            with contextlib.redirect_stdout(os.fdopen(os.dup(1), "w")) as out, contextlib.redirect_stderr(out):
                yield captured
                out.close()
        finally:
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)
            file.seek(0)
            captured.extend([content] if (content := file.read()) else [])


CONTRACT_CHECKS = (
    check_neighbours,
    check_repeats,
    check_input_kept,
    check_index,
    check_pickle_in_fresh_process,
    check_global_random_state,
    check_quiet,
)
