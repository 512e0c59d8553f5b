"""`compare`: methods on the same folds, with features that learn nothing computed once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from sklearn_audio._names import check_name
from sklearn_audio._progress import progress_bar
from sklearn_audio._sklearn import safe_indexing
from sklearn_audio.base import AudioEstimator

__all__ = ["compare"]

_N_FOLDS = 5
_CHUNK = 64  # clips whose frames are in memory together
_TABLES = ("method", "fold", "group")


class _Fold(NamedTuple):
    train: NDArray[np.int64]
    test: NDArray[np.int64]


class Features(NamedTuple):
    """Rows for the remaining steps of a method, and the seconds that they took."""

    rows: Any
    seconds: float


def compare(
    methods: Mapping[str, Any],
    X: Any,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    cv: Any = None,
    scoring: Any = None,
    *,
    per: Literal["method", "fold", "group"] = "method",
    verbose: int = 0,
) -> pd.DataFrame:
    """Compare classifiers by cross-validation on the same folds.

    The scores are those of `sklearn.model_selection.cross_validate`. The first steps of a pipeline that learn nothing,
    such as spectrograms, statistics over time and pretrained embeddings, are computed once for all folds, and once for
    all methods that start with the same steps.

    Parameters
    ----------
    methods : dict of str to estimator
        Classifiers or pipelines by name. They are cloned.
    X : sequence of clips
        Paths, arrays, ...; whatever all methods take.
    y : array-like of shape (n_clips,) or (n_clips, n_labels)
        Labels.
    groups : array-like of shape (n_clips,), default=None
        Speakers, sites, sessions, ..., each of which is in one fold.
    cv : int, splitter or iterable of splits, default=None
        Folds. None: 5 stratified folds, which keep groups together; fewer if there are fewer groups.
    scoring : str or callable, default=None
        Score, greater is better. None: that of each method, mostly the accuracy.
    per : {"method", "fold", "group"}, default="method"
        Rows of the result: methods, from the best to the worst; methods and folds; or methods and groups, where the
        held-out clips of a group are scored together.
    verbose : int, default=0
        1: show the progress in fits.

    Returns
    -------
    DataFrame
        Per method: columns "method", "mean" and "std" (standard deviation over folds) of the scores, "n_folds",
        "feature_time", "fit_time" and "score_time" (seconds; the last two are means over folds, and methods that share
        features have the same "feature_time"). Per fold: "method", "fold", "score", "fit_time", "score_time", "n_train"
        and "n_test". Per group: "method", "group", "score" and "n_clips".

    Raises
    ------
    TypeError, ValueError
        If `methods` is no dict of estimators, or empty, `per` is unknown, or "group" without `groups`; and whatever the
        methods raise, with the name of the method as a note.

    See Also
    --------
    learning_curve_few_shot : Scores by the number of clips per class.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_audio import MFCCTransformer, SequencePooling
    >>> from sklearn_audio.model_selection import compare
    >>> rng = np.random.default_rng(0)
    >>> hisses = list(rng.normal(size=(6, 8000)))
    >>> hums = [np.sin(0.1 * np.arange(8000) + phase) for phase in range(6)]
    >>> mfcc = make_pipeline(
    ...     MFCCTransformer(16000), SequencePooling(), LogisticRegression()
    ... )
    >>> table = compare(
    ...     {"mfcc": mfcc, "guess": DummyClassifier()},
    ...     hisses + hums,
    ...     ["hiss"] * 6 + ["hum"] * 6,
    ...     cv=3,
    ... )
    >>> table[["method", "mean", "n_folds"]]
      method  mean  n_folds
    0   mfcc   1.0        3
    1  guess   0.5        3
    """
    _check(methods, per, groups)
    check_consistent_length(X, y, groups)
    folds = _folds(X, y, groups, cv)
    features = dict[str, Features]()
    rows = list[dict[str, Any]]()
    with progress_bar(total=len(methods) * len(folds), unit=" fits", shown=verbose > 0) as bar:
        for name, method in methods.items():
            try:
                n_steps, found = shared_steps(method, X, features)
                rest = Pipeline(method.steps[n_steps:]) if n_steps else method
                for number, fold in enumerate(folds):
                    scored = _scored(rest, found.rows, np.asarray(y), fold, scoring, groups if per == "group" else None)
                    rows += [{"method": name, "fold": number, **row, "feature_time": found.seconds} for row in scored]
                    bar.update()
            except Exception as error:
                error.add_note(f"raised by the method {name!r}")
                raise
    return _table(pd.DataFrame(rows), per)


def _check(methods: Any, per: str, groups: Any) -> None:
    check_name("value of per", per, _TABLES)
    if not isinstance(methods, Mapping):
        raise TypeError(f"methods must be a dict of estimators by name, got {type(methods).__name__}.")
    if not methods:
        raise ValueError("methods is empty; give at least one estimator.")
    for name, method in methods.items():
        if isinstance(method, type) or not hasattr(method, "fit"):
            raise TypeError(f"the method {name!r} is not an estimator: {method!r}.")
    if per == "group" and groups is None:
        raise ValueError("per='group' needs groups.")


def _folds(X: Any, y: Any, groups: Any, cv: Any) -> list[_Fold]:
    if cv is None and groups is not None:
        n_folds = min(_N_FOLDS, len(np.unique(np.asarray(groups))))
        several = type_of_target(y).startswith("multilabel")
        cv = GroupKFold(n_folds) if several else StratifiedGroupKFold(n_folds)
    splitter = check_cv(_N_FOLDS if cv is None else cv, y, classifier=True)
    return [_Fold(train, test) for train, test in splitter.split(X, y, groups)]


def shared_steps(method: Any, X: Any, known: dict[str, Features]) -> tuple[int, Features]:
    """Return the number of first steps that learn nothing, and their output for all clips."""
    steps = [step for _, step in method.steps] if isinstance(method, Pipeline) else []
    n_steps = next((i for i, step in enumerate(steps[:-1]) if not _learns_nothing(step)), max(len(steps) - 1, 0))
    key = str(joblib.hash(steps[:n_steps]))
    if n_steps and key not in known:
        started = time.perf_counter()
        rows = _transformed(steps[:n_steps], X)
        known[key] = Features(rows, time.perf_counter() - started)
    if not n_steps or known[key].rows is None:
        return 0, Features(X, 0.0)
    return n_steps, known[key]


def _learns_nothing(step: Any) -> bool:
    if not isinstance(step, AudioEstimator) or not hasattr(step, "transform"):
        return False
    return step._learns_widths_only or not get_tags(step).requires_fit


def _transformed(steps: list[Any], X: Any) -> Any:
    """Apply steps to a few clips at a time; None unless the rows are a table, as others might not fit in memory."""
    n_clips = X.shape[0] if hasattr(X, "shape") else len(X)
    first, *others = map(clone, steps)
    first.fit(X)
    parts: list[Any] = []
    for start in range(0, n_clips, _CHUNK):
        part = first.transform(safe_indexing(X, np.arange(start, min(start + _CHUNK, n_clips))))
        for step in others:
            part = step.transform(part) if parts else step.fit_transform(part)
        if not isinstance(part, (np.ndarray, pd.DataFrame)):
            return None
        parts.append(part)
    return pd.concat(parts) if isinstance(parts[0], pd.DataFrame) else np.concatenate(parts)


def _scored(method: Any, X: Any, y: Any, fold: _Fold, scoring: Any, groups: Any) -> list[dict[str, Any]]:
    """Fit on the training clips, and score the others: together, or by group."""
    started = time.perf_counter()
    fitted = clone(method).fit(safe_indexing(X, fold.train), y[fold.train])
    trained = time.perf_counter()
    score = check_scoring(fitted, scoring)
    if groups is not None:
        of_test = np.asarray(groups)[fold.test]
        parts = {group: fold.test[of_test == group] for group in np.unique(of_test)}
        scores = [(group, rows, score(fitted, safe_indexing(X, rows), y[rows])) for group, rows in parts.items()]
        return [{"group": group, "score": float(value), "n_clips": len(rows)} for group, rows, value in scores]
    value = float(score(fitted, safe_indexing(X, fold.test), y[fold.test]))
    times = {"fit_time": trained - started, "score_time": time.perf_counter() - trained}
    return [{"score": value, **times, "n_train": len(fold.train), "n_test": len(fold.test)}]


def _table(rows: pd.DataFrame, per: str) -> pd.DataFrame:
    if per == "fold":
        return rows.drop(columns="feature_time")
    if per == "group":
        return rows[["method", "group", "score", "n_clips"]]
    summary = rows.groupby("method", sort=False).agg(
        mean=("score", "mean"),
        std=("score", lambda scores: float(np.std(scores))),
        n_folds=("score", "size"),
        feature_time=("feature_time", "first"),
        fit_time=("fit_time", "mean"),
        score_time=("score_time", "mean"),
    )
    return summary.sort_values("mean", ascending=False, kind="stable").reset_index()
