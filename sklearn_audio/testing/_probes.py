"""Input clips of the checks, and comparison of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils import get_tags

from sklearn_audio.ragged import Ragged

_DEFAULT_RATE = 16000


def takes_audio(estimator: Any) -> bool:
    """Whether the estimator takes recordings (else frames or tokens)."""
    return bool(get_tags(estimator).input_tags.string)


def takes_tokens(estimator: Any) -> bool:
    """Whether the estimator takes tokens only."""
    return bool(get_tags(estimator).input_tags.categorical)


def bare_rate(estimator: Any) -> int:
    """Rate of the arrays passed to the estimator."""
    # the rate of a front end stands in for the parameter
    rate = getattr(estimator, "_rate", getattr(estimator, "sample_rate", None))
    return _DEFAULT_RATE if rate is None else int(rate)


def with_rate(estimator: Any) -> Any:
    """Clone the estimator and, if it takes recordings, set the rate of arrays."""
    copy = clone(estimator)
    if takes_audio(copy) and copy.get_params(deep=False).get("sample_rate", 0) is None:
        copy.set_params(sample_rate=_DEFAULT_RATE)
    return copy


def waveforms(estimator: Any, n_clips: int = 6) -> list[npt.NDArray[np.float32]]:
    """Tones and noises of unequal length at the estimator's rate, reproducible."""
    rate, rng = bare_rate(estimator), np.random.default_rng(7)
    clips = []
    for i in range(n_clips):
        time = np.arange(int(rate * (0.3 + 0.13 * ((i * 5) % n_clips)))) / rate
        tone = 0.4 * np.sin(2 * np.pi * (220.0 * (1 + i % 2 * 2) + 11 * i) * time)
        clips.append((tone + rng.normal(scale=0.05, size=len(time))).astype(np.float32))
    return clips


def frames(n_clips: int = 6, n_features: int = 4) -> list[npt.NDArray[np.float32]]:
    """Frames of unequal length, reproducible."""
    rng = np.random.default_rng(8)
    return [rng.normal(loc=i % 2, size=(5 + 3 * i, n_features)).astype(np.float32) for i in range(n_clips)]


def tokens(n_clips: int = 6, n_tokens: int = 5) -> list[npt.NDArray[np.int32]]:
    """Tokens of unequal number, reproducible; every token occurs in every clip."""
    rng = np.random.default_rng(9)
    return [rng.permutation(np.arange(5 + 3 * i) % n_tokens).astype(np.int32) for i in range(n_clips)]


def probe(estimator: Any) -> list[npt.NDArray[Any]]:
    """Clips of the kind that the estimator takes."""
    if takes_audio(estimator):
        return waveforms(estimator)
    return tokens() if takes_tokens(estimator) else frames()


def targets(n_clips: int) -> npt.NDArray[Any]:
    """Two alternating classes, like the probes."""
    return np.array(["even", "odd"])[np.arange(n_clips) % 2]


def fit(estimator: Any, X: Any, n_clips: int) -> Any:
    """Fit a clone on X."""
    return with_rate(estimator).fit(X, targets(n_clips))


def outputs(fitted: Any, X: Any) -> list[npt.NDArray[Any]]:
    """Return one array per clip, from `transform`, `predict_proba` or `predict`."""
    for method in ("transform", "predict_proba", "predict"):
        if hasattr(fitted, method):
            return rows_of(getattr(fitted, method)(X))
    raise TypeError(f"{type(fitted).__name__} has none of transform, predict_proba and predict.")


def rows_of(result: Any) -> list[npt.NDArray[Any]]:
    """Return one array per row of a `Ragged` or of a table in any container."""
    if isinstance(result, Ragged):
        return result.to_list()
    return [np.asarray(row) for row in (result.toarray() if hasattr(result, "toarray") else np.asarray(result))]


def assert_same_rows(
    got: list[npt.NDArray[Any]], wanted: list[npt.NDArray[Any]], what: str, *, rtol: float | None = None
) -> None:
    """Raise an AssertionError that names the first differing row; bit-exact without `rtol`."""
    if len(got) != len(wanted):
        raise AssertionError(f"{what}: {len(got)} rows came out, {len(wanted)} were expected.")
    for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
        if a.shape != b.shape:
            raise AssertionError(f"{what}: row {i} has shape {a.shape}, expected {b.shape}.")
        scale = 1.0 if rtol is None or b.size == 0 else max(1.0, float(np.abs(b).max()))
        same = np.array_equal(a, b) if rtol is None else np.allclose(a, b, rtol=0, atol=rtol * scale)
        if not same:
            raise AssertionError(f"{what}: row {i} differs from the expected one.")
