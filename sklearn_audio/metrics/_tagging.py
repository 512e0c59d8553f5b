"""Metrics of multi-label clips."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.metrics import average_precision_score, label_ranking_average_precision_score, roc_auc_score


def mean_average_precision(
    y_true: ArrayLike, y_score: ArrayLike, *, empty_labels: Literal["skip", "zero"] = "skip"
) -> float:
    """Compute the mean over the labels of the average precision.

    Parameters
    ----------
    y_true : array-like of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.
    y_score : array-like of float, shape (n_clips, n_labels)
        Higher means more likely.
    empty_labels : {"skip", "zero"}, default="skip"
        Whether labels without clips are skipped or count as 0 in the mean over all labels.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite, no clip has a label, or `empty_labels` has an unknown value.

    See Also
    --------
    mean_average_precision_scorer : Scorer for scikit-learn's ``scoring``.
    sklearn.metrics.average_precision_score : For one label.

    Examples
    --------
    >>> from sklearn_audio.metrics import mean_average_precision
    >>> mean_average_precision([[1, 0], [0, 1]], [[0.9, 0.2], [0.1, 0.8]])
    1.0
    >>> mean_average_precision(
    ...     [[1, 0], [1, 0]], [[0.9, 0.2], [0.1, 0.8]], empty_labels="zero"
    ... )
    0.5
    """
    if empty_labels not in ("skip", "zero"):
        raise ValueError(f"empty_labels={empty_labels!r} must be 'skip' or 'zero'.")
    truth, scores = _checked(y_true, y_score)
    present = truth.any(axis=0)
    fraction = present.mean() if empty_labels == "zero" else 1.0
    return float(fraction * average_precision_score(truth[:, present], scores[:, present], average="macro"))


def d_prime(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Compute the sensitivity index: the distance, in standard deviations, of two normal distributions with that AUC.

    Parameters
    ----------
    y_true : array-like of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.
    y_score : array-like of float, shape (n_clips, n_labels)
        Higher means more likely.

    Returns
    -------
    float
        From the mean AUC over the labels with positive and negative clips; infinite for an AUC of 1.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite, or no label has both positive and negative clips.

    References
    ----------
    S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017, section 3.3.

    Examples
    --------
    >>> from sklearn_audio.metrics import d_prime
    >>> round(d_prime([[1], [0], [1], [0]], [[0.9], [0.8], [0.7], [0.1]]), 3)
    0.954
    """
    truth, scores = _checked(y_true, y_score)
    mixed = truth.any(axis=0) & ~truth.all(axis=0)
    if not mixed.any():
        raise ValueError("no label is on some clips and not on others, so there is no AUC.")
    area = roc_auc_score(truth[:, mixed], scores[:, mixed], average="macro")
    return math.sqrt(2) * float(ndtri(area))


def lwlrap(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Compute the label-weighted label-ranking average precision, with equal weight for each label of each clip.

    Parameters
    ----------
    y_true : array-like of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.
    y_score : array-like of float, shape (n_clips, n_labels)
        Higher means more likely.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite, or no clip has a label.

    References
    ----------
    E. Fonseca et al., "Audio tagging with noisy labels and minimal supervision", DCASE 2019, section 4.

    Examples
    --------
    >>> from sklearn_audio.metrics import lwlrap
    >>> lwlrap([[1, 0, 1], [0, 1, 0]], [[0.9, 0.5, 0.1], [0.2, 0.8, 0.1]])
    0.8888888888888888
    """
    truth, scores = _checked(y_true, y_score)
    return float(label_ranking_average_precision_score(truth, scores, sample_weight=truth.sum(axis=1)))


def _checked(y_true: Any, y_score: Any) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, scores = np.asarray(y_true), np.asarray(y_score, dtype=np.float64)
    if truth.ndim != 2 or truth.shape != scores.shape:
        raise ValueError(
            f"y_true and y_score must both have shape (n_clips, n_labels), got {truth.shape} and {scores.shape}."
        )
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("y_true must hold 0 and 1 only: which labels the clips have.")
    if not np.isfinite(scores).all():
        raise ValueError("y_score contains NaN or infinity; leave those clips out.")
    if not truth.any():
        raise ValueError("no clip has any label, so there is nothing to score.")
    return truth.astype(bool), scores
