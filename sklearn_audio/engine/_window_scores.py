"""Any fitted classifier of clips as a function from windows to scores: how it reads, its scores, and its labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_audio.base import Reading
from sklearn_audio.engine._window_values import ClipWindows, WindowGrid, Windowing, WindowRows, window_values
from sklearn_audio.metrics._scorers import stack_scores
from sklearn_audio.validation import AudioClips, check_audio

__all__ = ["class_names", "labels_of", "reading_of", "score_windows", "scores_of", "windowing_of"]

# Where meta-estimators and search keep the estimator that reads X.
_INNER = ("best_estimator_", "estimator_", "estimator", "base_estimator")
_ANY_RATE = 16000  # of clips that are read at their own


def reading_of(estimator: Any) -> Reading:
    """Return how the first step of an estimator reads audio; all unknown if it does not say."""
    step = estimator
    while not hasattr(step, "_reading"):
        if getattr(step, "steps", None):
            step = step.steps[0][1]
            continue
        inner = next((name for name in _INNER if hasattr(step, name)), None)
        if inner is None:
            return Reading()
        step = getattr(step, inner)
    reading: Reading = step._reading()
    return reading


def windowing_of(estimator: Any, X: Any, grid: WindowGrid, *, sample_rate: float | None, **options: Any) -> Windowing:
    """Validate X as what an estimator reads; `sample_rate` is that of bare arrays."""
    reading = reading_of(estimator)
    bare_rate = reading.bare_rate if sample_rate is None else sample_rate
    clips: AudioClips = check_audio(X, reading.rate or _ANY_RATE, bare_rate=bare_rate, channel=reading.channel)
    return Windowing(clips, grid, reading.rate, **options)


def scores_of(estimator: Any) -> Callable[[Any], NDArray[Any]]:
    """Return probabilities, or else decisions, of an estimator as a function of rows, with a column per label."""
    method = next((name for name in ("predict_proba", "decision_function") if hasattr(estimator, name)), None)
    if method is None:
        raise TypeError(
            f"{type(estimator).__name__} has neither predict_proba nor decision_function, so windows have no scores. "
            "Give a classifier."
        )
    check_is_fitted(estimator)

    def score(rows: Any) -> NDArray[Any]:
        found = getattr(estimator, method)(rows)
        scores = stack_scores(found, estimator.classes_) if isinstance(found, list) else np.asarray(found)
        return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores  # the decision between two classes

    return score


def labels_of(estimator: Any, n_columns: int, labels: Any = None) -> NDArray[Any]:
    """Return the names of the columns of the scores: those given, those of the classes, or numbers."""
    if labels is not None:
        names = np.asarray(labels)
        if names.shape != (n_columns,):
            raise ValueError(f"labels has the shape {names.shape}, but {type(estimator).__name__} scores {n_columns}.")
        return names
    names = class_names(estimator) if hasattr(estimator, "classes_") else np.arange(n_columns)
    return names if names.shape == (n_columns,) else np.arange(n_columns)


def class_names(estimator: Any) -> NDArray[Any]:
    """Return the classes, or, where each label has its own, the numbers of the labels."""
    classes = estimator.classes_
    return np.arange(len(classes)) if isinstance(classes, list) else np.asarray(classes)


def score_windows(estimator: Any, windowing: Windowing, batch_size: int) -> Iterator[ClipWindows]:
    """Yield the scores of the windows, clip after clip."""
    score = scores_of(estimator)
    return window_values(lambda windows: score(WindowRows(windows)), windowing, batch_size)
