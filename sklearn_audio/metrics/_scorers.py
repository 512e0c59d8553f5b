"""Tagging metrics as scorers for scikit-learn's ``scoring=``."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from sklearn_audio.metrics._tagging import d_prime, lwlrap, mean_average_precision


def mean_average_precision_scorer(
    estimator: Any, X: Any, y: ArrayLike, *, empty_labels: Literal["skip", "zero"] = "skip"
) -> float:
    """Score a fitted classifier by `mean_average_precision` (for ``scoring=``).

    Parameters
    ----------
    estimator : estimator
        A fitted multi-label classifier with ``predict_proba`` (one array, or a list of one array per label) or
        ``decision_function``.
    X : array-like of length n_clips
        Input of the estimator.
    y : array-like or sparse matrix of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.
    empty_labels : {"skip", "zero"}, default="skip"
        Treatment of labels without clips; change it with ``functools.partial``.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    TypeError
        If the estimator has neither method.
    ValueError
        If the estimator does not return one score per clip and label, or `mean_average_precision` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_audio.metrics import mean_average_precision_scorer
    >>> X, y = (
    ...     np.arange(12.0)[:, None] % 4,
    ...     np.tile([[1, 0], [1, 1], [0, 1], [0, 0]], (3, 1)),
    ... )
    >>> search = GridSearchCV(
    ...     KNeighborsClassifier(),
    ...     {"n_neighbors": [1, 4]},
    ...     scoring=mean_average_precision_scorer,
    ... )
    >>> search.fit(X, y).best_params_
    {'n_neighbors': 1}
    """
    return mean_average_precision(_dense(y), _label_scores(estimator, X), empty_labels=empty_labels)


def d_prime_scorer(estimator: Any, X: Any, y: ArrayLike) -> float:
    """Score a fitted classifier by `d_prime` (for ``scoring=``).

    Parameters
    ----------
    estimator : estimator
        A fitted multi-label classifier with ``predict_proba`` (one array, or a list of one array per label) or
        ``decision_function``.
    X : array-like of length n_clips
        Input of the estimator.
    y : array-like or sparse matrix of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.

    Returns
    -------
    float
        Infinite for a perfect ranking.

    Raises
    ------
    TypeError
        If the estimator has neither method.
    ValueError
        If the estimator does not return one score per clip and label, or `d_prime` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_audio.metrics import d_prime_scorer
    >>> X, y = (
    ...     np.arange(12.0)[:, None] % 4,
    ...     np.tile([[1, 0], [1, 1], [0, 1], [0, 0]], (3, 1)),
    ... )
    >>> d_prime_scorer(KNeighborsClassifier(1).fit(X, y), X, y)
    inf
    """
    return d_prime(_dense(y), _label_scores(estimator, X))


def lwlrap_scorer(estimator: Any, X: Any, y: ArrayLike) -> float:
    """Score a fitted classifier by `lwlrap` (for ``scoring=``).

    Parameters
    ----------
    estimator : estimator
        A fitted multi-label classifier with ``predict_proba`` (one array, or a list of one array per label) or
        ``decision_function``.
    X : array-like of length n_clips
        Input of the estimator.
    y : array-like or sparse matrix of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    TypeError
        If the estimator has neither method.
    ValueError
        If the estimator does not return one score per clip and label, or `lwlrap` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_audio.metrics import lwlrap_scorer
    >>> X, y = (
    ...     np.arange(12.0)[:, None] % 4,
    ...     np.tile([[1, 0], [1, 1], [0, 1], [0, 0]], (3, 1)),
    ... )
    >>> lwlrap_scorer(KNeighborsClassifier(1).fit(X, y), X, y)
    1.0
    """
    return lwlrap(_dense(y), _label_scores(estimator, X))


def _dense(y: Any) -> ArrayLike:
    dense: ArrayLike = y.toarray() if issparse(y) else y
    return dense


def _label_scores(estimator: Any, X: Any) -> NDArray[np.float64]:
    """Return scores of shape (n_clips, n_labels).

    scikit-learn's own scorers interpret scores by ``classes_``, and mistake two labels, 0 and 1, for one binary label.
    """
    method = next((name for name in ("predict_proba", "decision_function") if hasattr(estimator, name)), None)
    if method is None:
        raise TypeError(
            f"{type(estimator).__name__} has neither predict_proba nor decision_function, which ranking needs; score "
            "predictions by another metric, such as scoring='f1_macro'."
        )
    found = getattr(estimator, method)(X)
    scores = stack_scores(found, estimator.classes_) if isinstance(found, list) else np.asarray(found, dtype=np.float64)
    if scores.ndim != 2:
        raise ValueError(
            f"{method} of {type(estimator).__name__} gave the shape {scores.shape}, expected (n_clips, n_labels); fit "
            "it with an indicator matrix."
        )
    return scores


def stack_scores(found: list[NDArray[np.float64]], classes: list[NDArray[np.generic]]) -> NDArray[np.float64]:
    """Stack the probability of 1 of each label, (n_clips, n_values) each -> (n_clips, n_labels)."""
    columns = []
    for probabilities, values in zip(found, classes, strict=True):
        # A label of none or all of the training clips has a single value: [0] or [1].
        columns.append(probabilities[:, np.asarray(values) == 1].sum(axis=1))
    return np.column_stack(columns).astype(np.float64)
