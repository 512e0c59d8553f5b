"""Checks of the state of an estimator after a failed fit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from skorch.callbacks import Callback

from sklearn_audio.testing._probes import assert_same_rows, fit, outputs, probe, targets, with_rate

_FAILURES = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
_ABSENT = object()
_LEARNING = ("fit", "partial_fit", "fit_transform", "adapt")


class _Interrupting:
    """A row whose reading is interrupted."""

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise KeyboardInterrupt

    def __len__(self) -> NoReturn:
        raise KeyboardInterrupt


class _Interruption(ValueError):
    """Error raised by a callback."""


class _InterruptingCallback(Callback):
    """Raises after the first training step."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> NoReturn:
        raise _Interruption


def check_failed_fit(estimator: Any) -> None:
    """A failed or interrupted fit leaves the estimator unchanged, fitted or not."""
    X = probe(estimator)
    fitted, unfitted = fit(estimator, X, len(X)), with_rate(estimator)
    wanted = outputs(fitted, X)
    for what, bad_X, bad_y in _bad_fits(estimator, X):
        for method in filter(partial(_learns, estimator), _LEARNING):
            if not _fails(unfitted, method, bad_X, bad_y, what):
                unfitted = with_rate(estimator)
            elif not _fails(fitted, method, bad_X, bad_y, what):
                fitted = fit(estimator, X, len(X))
    if "callbacks" in estimator.get_params(deep=False):
        for one in (unfitted, fitted):
            _interrupt_training(one, X)
    assert_same_rows(outputs(fitted, X), wanted, "a good fit after others that failed")


def _learns(estimator: Any, method: str) -> bool:
    """Whether the estimator has the method, other than scikit-learn's inherited `fit_transform`."""
    return not getattr(getattr(estimator, method, None), "__module__", "sklearn.").startswith("sklearn.")


def _interrupt_training(estimator: Any, X: list[npt.NDArray[Any]]) -> None:
    """Raise from a callback, also with a warm start, if the estimator has it."""
    for options in ({"callbacks": [_InterruptingCallback()]}, {"warm_start": True}):
        if options.keys() <= estimator.get_params(deep=False).keys():
            estimator.set_params(**options)
        for method in filter(partial(_learns, estimator), _LEARNING):
            if not _fails(estimator, method, X, targets(len(X)), "a callback that raises"):
                raise AssertionError(f"{method} ends as if nothing had happened, though a callback raised.")


def _bad_fits(estimator: Any, X: list[npt.NDArray[Any]]) -> Iterator[tuple[str, Any, Any]]:
    y = targets(len(X))
    last = X[-1].copy()
    last[0] = np.nan if last.dtype.kind == "f" else -1
    yield "a last row of NaN, or of a negative token", [*X[:-1], last], y
    yield "a last row that is interrupted", [*X[:-1], _Interrupting()], y
    if is_classifier(estimator):
        yield "a label too few", X, y[:-1]
        yield "labels of one class", X, y[:1].repeat(len(X))
        yield "no labels", X, None


def _fails(estimator: Any, method: str, X: Any, y: Any, what: str) -> bool:
    """Call a method that may fail; if it does, all attributes must be unchanged."""
    before = dict(vars(estimator))
    try:
        getattr(estimator, method)(X, y)
        return False
    except (*_FAILURES, KeyboardInterrupt):
        pass
    after = vars(estimator)
    changed = [name for name in {**before, **after} if before.get(name, _ABSENT) is not after.get(name, _ABSENT)]
    if changed:
        raise AssertionError(f"{what}: {method} fails and leaves another {', '.join(changed)} behind.")
    return True


FAILURE_CHECKS = (check_failed_fit,)
