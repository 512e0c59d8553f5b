"""`select_to_label`: the clips that are most worth a label."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array, check_consistent_length

from sklearn_audio._names import check_name
from sklearn_audio._random_state import own_random_state
from sklearn_audio.engine import scores_of

__all__ = ["select_to_label"]

Strategy = Literal["uncertainty", "margin", "entropy", "top", "coreset", "random"]
_STRATEGIES = ("uncertainty", "margin", "entropy", "top", "coreset", "random")
Scores = NDArray[np.float64]
Rows = NDArray[np.int64]


def select_to_label(
    estimator: Any,
    X: Any,
    n: int,
    strategy: Strategy = "uncertainty",
    groups: ArrayLike | None = None,
    random_state: Any = None,
) -> Rows:
    """Choose the clips to label next, so that a classifier learns most from few labels.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier, or a pipeline that ends in one, with ``predict_proba`` or ``decision_function``. For
        "coreset", a transformer to one vector per clip, or a pipeline, whose steps before the classifier are used; for
        "random", it is not used.
    X : sequence of clips
        The clips without labels, in the form that the estimator takes.
    n : int
        Number of clips to choose.
    strategy : {"uncertainty", "margin", "entropy", "top", "coreset", "random"}, default="uncertainty"
        "uncertainty": the least probable best label; "margin": the smallest difference between the two best labels;
        "entropy": the largest entropy; "top": the best clips of each label in turn, which finds examples of rare
        labels; "coreset": clips whose vectors lie far from each other; "random": any. If each clip may have several
        labels, "uncertainty" and "margin" take the label that is closest to undecided, and "entropy" the sum over the
        labels.
    groups : array-like of shape (n_clips,), default=None
        Sites or files, from which clips are taken in turn, so that none has more than its share. None: all clips
        alike.
    random_state : int, RandomState instance or None, default=None
        Seed of the order of equals, of "random", and of the first clip of "coreset".

    Returns
    -------
    ndarray of int64, shape (n,)
        Rows of X, the most valuable first.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If `n` is not between 1 and the number of clips, the strategy is unknown, `groups` has another length, or the
        estimator gives no scores, or no vectors.

    See Also
    --------
    sklearn_audio.annotations.write : Tasks of Label Studio for the chosen clips.
    FewShotSplit : Random training sets of a few clips per class.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_audio.model_selection import select_to_label
    >>> model = LogisticRegression().fit([[-1.0], [1.0]], ["low", "high"])
    >>> X = np.array([[-3.0], [0.1], [2.0], [-0.4]])
    >>> select_to_label(model, X, 2, random_state=0).tolist()
    [1, 3]
    >>> select_to_label(model, X, 2, "top", random_state=0).tolist()
    [0, 2]
    """
    check_name("strategy", strategy, _STRATEGIES)
    n_clips = X.shape[0] if hasattr(X, "shape") else len(X)
    if isinstance(n, bool) or not isinstance(n, Integral) or not 1 <= n <= n_clips:
        raise ValueError(f"n={n!r} must be a whole number from 1 to {n_clips}, the number of clips in X.")
    units = np.zeros(n_clips, dtype=np.int64)
    if groups is not None:
        check_consistent_length(X, groups)
        units = np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    shuffled = own_random_state(random_state).permutation(n_clips)
    order = _order(estimator, X, strategy, shuffled)
    return _in_turn(order, units)[: int(n)]


def _order(estimator: Any, X: Any, strategy: str, shuffled: Rows) -> Rows:
    """Return all rows, the most valuable first; equals in random order."""
    if strategy == "random":
        return shuffled
    if strategy == "coreset":
        return _spread(_vectors(estimator, X), int(shuffled[0]))
    scores = np.asarray(scores_of(estimator)(X), dtype=np.float64)[shuffled]
    if not np.isfinite(scores).all():
        row = int(shuffled[~np.isfinite(scores).all(axis=1)].min())
        raise ValueError(f"row {row} has scores that are NaN or infinite; leave out the clip.")
    is_probability = hasattr(estimator, "predict_proba")
    if strategy == "top":
        return shuffled[_best_in_turn(scores)]
    if strategy == "entropy" and not is_probability:
        raise ValueError(
            f"{type(estimator).__name__} has no predict_proba, which strategy='entropy' needs; choose 'margin'."
        )
    doubt = _doubt(scores, strategy, is_probability=is_probability)
    return shuffled[np.argsort(-doubt, kind="stable")]


def _doubt(scores: Scores, strategy: str, *, is_probability: bool) -> Scores:
    """Return how undecided each clip is; larger is less decided."""
    several = is_probability and not np.allclose(scores.sum(axis=1), 1, atol=1e-3)
    if strategy == "entropy":
        return _entropy(scores) + (_entropy(1 - scores) if several else 0)
    if several:
        return np.asarray(-np.abs(scores - 0.5).min(axis=1))
    best = np.sort(scores, axis=1)
    if strategy == "margin" and scores.shape[1] > 1:
        return np.asarray(best[:, -2] - best[:, -1])
    return np.asarray(-best[:, -1])


def _entropy(shares: Scores) -> Scores:
    return np.asarray(-(shares * np.log(np.maximum(shares, np.finfo(np.float64).tiny))).sum(axis=1))


def _best_in_turn(scores: Scores) -> Rows:
    """Order clips by their rank in the label in which it is best, then by their score."""
    ranks = np.argsort(np.argsort(-scores, axis=0, kind="stable"), axis=0, kind="stable")
    column = ranks.argmin(axis=1)
    return np.lexsort((-scores[np.arange(len(scores)), column], ranks.min(axis=1)))


def _vectors(estimator: Any, X: Any) -> Scores:
    transformer = estimator
    if isinstance(estimator, Pipeline) and not hasattr(estimator, "transform"):
        transformer = estimator[:-1]
    if not hasattr(transformer, "transform"):
        raise TypeError(
            f"{type(estimator).__name__} gives no vectors, which strategy='coreset' needs; give an embedder, or a "
            "pipeline that begins with one."
        )
    vectors: Scores = check_array(transformer.transform(X), dtype=np.float64, input_name="vectors")
    return vectors


def _spread(vectors: Scores, first: int) -> Rows:
    """Order rows so that each is the farthest from those before it."""
    order, nearest = [first], np.full(len(vectors), np.inf)
    for _ in range(1, len(vectors)):
        _, distance = pairwise_distances_argmin_min(vectors, vectors[order[-1:]])
        nearest = np.minimum(nearest, distance)
        nearest[order] = -1.0
        order.append(int(nearest.argmax()))
    return np.array(order, dtype=np.int64)


def _in_turn(order: Rows, units: NDArray[np.int64]) -> Rows:
    """Take from the groups in turn, in each by the order given."""
    turns = np.empty(len(order), dtype=np.int64)
    seen: dict[int, int] = {}
    for place, unit in enumerate(units[order].tolist()):
        turns[place] = seen[unit] = seen.get(unit, -1) + 1
    return np.asarray(order[np.argsort(turns, kind="stable")], dtype=np.int64)
