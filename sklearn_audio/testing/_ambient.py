"""The check that process settings change no result, and are not changed."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
import torch

from sklearn_audio.testing._probes import assert_same_rows, fit, outputs, probe
from sklearn_audio.testing._refusals import FAILURES

_Rows = list[npt.NDArray[Any]]


def check_ambient_state(estimator: Any) -> None:
    """Settings of the process and the thread change no result, bit for bit, and are left unchanged.

    All are set at once; only if that fails, each is set alone to find the culprit.
    """
    X = probe(estimator)
    wanted = outputs(fit(estimator, X, len(X)), X)
    try:
        _compare(estimator, X, wanted, "all settings at once", _all_at_once)
    except AssertionError:
        for name, setting in _SETTINGS.items():
            _compare(estimator, X, wanted, name, setting)
        raise


def check_thread_count(estimator: Any) -> None:
    """Torch's number of threads changes rows only by rounding, and is left unchanged, also for new threads.

    Training is not compared, as it amplifies rounding differences.
    """
    torch.get_num_threads()  # fixes the value of this thread, so that later settings do not affect it
    X = probe(estimator)
    fitted = fit(estimator, X, len(X))
    wanted = outputs(fitted, X)

    def compare() -> None:
        with _more_threads():
            before = _thread_counts()
            got = outputs(fitted, X)
            after = _thread_counts()
        assert_same_rows(got, wanted, "torch.set_num_threads", rtol=1e-4)
        if after != before:
            raise AssertionError(f"torch's threads, here and in new threads, were {before} and are {after}.")

    # set in a thread of its own, whose settings end with it
    _in_a_new_thread(compare)


def _compare(
    estimator: Any, X: Any, wanted: _Rows, name: str, setting: Callable[[], AbstractContextManager[None]]
) -> None:
    with setting():
        before = _state()
        try:
            got = outputs(fit(estimator, X, len(X)), X)
        except FAILURES as error:
            raise AssertionError(f"{name}: it raised {type(error).__name__}: {error}") from error
        changed = [what for what, value in _state().items() if value != before[what]]
    assert_same_rows(got, wanted, name)
    if changed:
        raise AssertionError(f"{name}: left changed: {', '.join(changed)}.")


def _state() -> dict[str, Any]:
    """Return all settings that could be left changed."""
    of_numpy: Any = np.random.get_state()  # noqa: NPY002 - the legacy generator is under test
    return {
        "torch's default type": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "inference mode": torch.is_inference_mode_enabled(),
        "gradients": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "the generator of Python": random.getstate(),
        "the generator of NumPy": (of_numpy[1].tobytes(), *of_numpy[2:]),
        "the generator of torch": torch.get_rng_state().numpy().tobytes(),
        "torch's threads, here and in new threads": _thread_counts(),
        "scikit-learn's configuration": sklearn.get_config(),
        "the errors of NumPy": np.geterr(),
    }


def _thread_counts() -> tuple[int, int]:
    return torch.get_num_threads(), _in_a_new_thread(torch.get_num_threads)


def _in_a_new_thread(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


@contextmanager
def _default_type() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _more_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _other_generators() -> Iterator[None]:
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])


@contextmanager
def _closed_streams() -> Iterator[None]:
    closed = io.StringIO()
    closed.close()
    with contextlib.redirect_stdout(closed), contextlib.redirect_stderr(closed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python has nowhere to show them
        yield


_SETTINGS: dict[str, Callable[[], Any]] = {
    "torch.set_default_dtype": _default_type,
    "torch.set_default_device": partial(torch.device, "meta"),
    "torch.autocast": partial(torch.autocast, "cpu", torch.bfloat16),
    "torch.inference_mode": torch.inference_mode,
    "torch.no_grad": torch.no_grad,
    "other states of the global generators": _other_generators,
    "sklearn.set_config(transform_output='pandas')": partial(sklearn.config_context, transform_output="pandas"),
    "numpy.seterr(all='raise')": partial(np.errstate, all="raise"),
    "closed streams": _closed_streams,
}


@contextmanager
def _all_at_once() -> Iterator[None]:
    with ExitStack() as stack:
        for setting in _SETTINGS.values():
            stack.enter_context(setting())
        yield


AMBIENT_CHECKS = (check_ambient_state, check_thread_count)
