"""How good probabilities of several labels are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score

__all__ = ["mean_average_precision", "score_average_precision"]


def mean_average_precision(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Average the precision over the labels that occur; a label without a positive has none.

    Parameters
    ----------
    truth : array-like of shape (n_clips, n_labels)
        0 and 1.
    probabilities : array-like of shape (n_clips, n_labels)
        Of each label.

    Returns
    -------
    float
        0 to 1; 0 if no label occurs.

    Examples
    --------
    >>> from sklearn_audio.cli._scores import mean_average_precision
    >>> mean_average_precision([[1, 0], [0, 0]], [[0.9, 0.4], [0.1, 0.2]])
    1.0
    """
    truth, probabilities = np.asarray(truth), np.asarray(probabilities)
    occurs = truth.any(axis=0)
    if not occurs.any():
        return 0.0
    return float(average_precision_score(truth[:, occurs], probabilities[:, occurs], average="macro"))


def score_average_precision(model: Any, X: Any, y: ArrayLike) -> float:
    """Score a fitted classifier of several labels; a scorer for a grid search.

    Parameters
    ----------
    model : estimator
        With predict_proba.
    X : sequence of clips
        What it takes.
    y : array-like of shape (n_clips, n_labels)
        The truth.

    Returns
    -------
    float
        Mean average precision.
    """
    return mean_average_precision(y, model.predict_proba(X))
