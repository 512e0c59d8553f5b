"""Scores over the number of clips per class, for several methods on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as students_t
from sklearn.model_selection import cross_validate

from sklearn_audio._progress import progress_bar
from sklearn_audio.model_selection._few_shot import FewShotSplit

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def learning_curve_few_shot(
    estimators: Any,
    X: Any,
    y: ArrayLike,
    *,
    n_shots: Sequence[int] = (1, 2, 5, 10),
    n_repeats: int = 10,
    groups: ArrayLike | None = None,
    n_queries: int | None = None,
    held_out: float = 0.25,
    scoring: Any = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Score methods over numbers of clips per class.

    All methods see the same draws. Within a repeat, training sets are nested and the test clips are the same, so that
    differences along and between curves are not caused by the draws. With an int as `random_state`, another call draws
    the same clips, so that methods on other features can be added by `pandas.concat`.

    Parameters
    ----------
    estimators : estimator, callable, or dict of str to either
        The methods by name. A callable takes the number of shots and returns the estimator. Without a name, the class
        name is used.
    X : array-like, Ragged or list of length n_clips
        Input of the estimators.
    y : array-like of shape (n_clips,)
        Labels.
    n_shots : sequence of int, default=(1, 2, 5, 10)
        Numbers of clips per class.
    n_repeats : int, default=10
        Number of draws.
    groups : array-like of shape (n_clips,), default=None
        Groups of the clips, such as speakers, that are never in both training and test.
    n_queries : int, default=None
        Clips per class for test. None: all eligible ones.
    held_out : float, default=0.25
        Fraction of the groups without shots.
    scoring : str, callable, or list or dict of them, default=None
        As in `sklearn.model_selection.cross_validate`. None: the estimator's `score` (accuracy).
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.
    n_jobs : int, default=None
        Number of parallel draws.
    verbose : int, default=0
        1 shows a progress bar over methods and numbers of shots.

    Returns
    -------
    DataFrame
        One row per method, number of shots, repeat and metric: ``method``, ``n_shots``, ``repeat``, ``metric``,
        ``score``, ``n_train``, ``n_test``, ``fit_seconds``, ``score_seconds``.

    Raises
    ------
    ValueError
        If `n_shots` or `estimators` is empty, or there are too few clips or groups for the largest number of shots; the
        message names the class and both counts. Errors of the estimators propagate.

    See Also
    --------
    FewShotSplit : The draws.
    summarize_few_shot : Mean and interval per method.
    sklearn_audio.display.FewShotDisplay : The curves.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import PrototypicalClassifier
    >>> from sklearn_audio.model_selection import learning_curve_few_shot
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1, 2], 20)
    >>> X = rng.normal(size=(60, 4)) + y[:, None]
    >>> table = learning_curve_few_shot(
    ...     PrototypicalClassifier(),
    ...     X,
    ...     y,
    ...     n_shots=[1, 5],
    ...     n_repeats=3,
    ...     random_state=0,
    ... )
    >>> table.shape
    (6, 9)
    >>> table["n_train"].tolist()
    [3, 3, 3, 15, 15, 15]
    """
    methods = _by_name(estimators)
    sizes = sorted({int(n) for n in n_shots})
    if not sizes:
        raise ValueError("n_shots is empty; name at least one number of clips per class.")
    splitter = FewShotSplit(sizes[-1], n_repeats, n_queries=n_queries, held_out=held_out, random_state=random_state)
    draws = list(splitter.split(X, y, groups))
    runs = [(name, size) for name in methods for size in sizes]
    parts = []
    for name, size in progress_bar(runs, description="learning curve", unit="run", shown=verbose):
        splits = [(_first_shots(train, sizes[-1], size), test) for train, test in draws]
        found = cross_validate(
            methods[name](size), X, y, cv=splits, scoring=scoring, n_jobs=n_jobs, error_score="raise"
        )
        parts.append(_rows(name, size, splits, found))
    return pd.concat(parts, ignore_index=True)


def _by_name(estimators: Any) -> dict[str, Callable[[int], Any]]:
    named = estimators if isinstance(estimators, Mapping) else {_name_of(estimators): estimators}
    if not named:
        raise ValueError("estimators is empty; give an estimator, or a dict of them by name.")
    return {str(name): _maker(estimator) for name, estimator in named.items()}


def _name_of(estimator: Any) -> str:
    return type(estimator).__name__ if hasattr(estimator, "fit") else getattr(estimator, "__name__", "method")


def _maker(estimator: Any) -> Callable[[int], Any]:
    if hasattr(estimator, "fit"):
        return lambda n_shots: estimator
    if not callable(estimator):
        raise TypeError(
            f"estimators holds a {type(estimator).__name__}; expected an estimator, or a function of the number of "
            "shots that returns one."
        )
    return lambda n_shots: estimator(n_shots)


def _first_shots(train: NDArray[np.int64], n_drawn: int, n_kept: int) -> NDArray[np.int64]:
    # (n_classes * n_drawn,) -> (n_classes, n_drawn), keeping the first n_kept of each class
    return train.reshape(-1, n_drawn)[:, :n_kept].ravel()


def _rows(name: str, size: int, splits: list[Split], found: dict[str, NDArray[Any]]) -> pd.DataFrame:
    metrics = [key.removeprefix("test_") for key in found if key.startswith("test_")]
    return pd.concat(
        pd.DataFrame(
            {
                "method": name,
                "n_shots": size,
                "repeat": np.arange(len(splits)),
                "metric": metric,
                "score": found[f"test_{metric}"],
                "n_train": [len(train) for train, _ in splits],
                "n_test": [len(test) for _, test in splits],
                "fit_seconds": found["fit_time"],
                "score_seconds": found["score_time"],
            }
        )
        for metric in metrics
    )


def summarize_few_shot(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Reduce the repeats of a learning curve to mean and confidence interval.

    The confidence interval (Student's t over the repeats) refers to the mean over all possible draws from these clips.
    It does not cover other collections of clips, as all repeats draw from the same one.

    Parameters
    ----------
    table : DataFrame
        Result of `learning_curve_few_shot`, or columns method, n_shots, score and, if there are several, metric.
    level : float, default=0.95
        Confidence level, above 0 and below 1.

    Returns
    -------
    DataFrame
        One row per method, metric and number of shots, methods in the order of the table: ``method``, ``metric``,
        ``n_shots``, ``n_repeats``, ``mean``, ``std``, ``low``, ``high``. With one repeat, std, low and high are NaN.

    Raises
    ------
    ValueError
        If `level` is out of range, or a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.model_selection import summarize_few_shot
    >>> table = pd.DataFrame(
    ...     {"method": "1-NN", "n_shots": 5, "score": [0.4, 0.5, 0.6]}
    ... )
    >>> summarize_few_shot(table)[["mean", "std", "low", "high"]].round(
    ...     2
    ... ).values.tolist()
    [[0.5, 0.1, 0.25, 0.75]]
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} must lie above 0 and below 1.")
    missing = [name for name in ("method", "n_shots", "score") if name not in table]
    if missing:
        raise ValueError(f"the table lacks the column(s) {missing}; make it with learning_curve_few_shot.")
    if "metric" not in table:
        table = table.assign(metric="score")
    grouped = table.groupby(["method", "metric", "n_shots"], sort=False, dropna=False)["score"]
    summary = grouped.agg(n_repeats="size", mean="mean", std="std").reset_index()
    n = summary["n_repeats"].to_numpy()
    half = students_t.ppf((1 + level) / 2, np.maximum(n - 1, 1)) * summary["std"].to_numpy() / np.sqrt(n)
    return summary.assign(low=summary["mean"] - half, high=summary["mean"] + half)
