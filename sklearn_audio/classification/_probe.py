"""A linear classifier of vectors, fitted by scikit-learn, as the head of a network."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sklearn_audio.engine.training import to_probabilities

__all__ = ["Head", "fit_head"]

_MAX_ITER = 1000
_CLOSE = 1e-4  # largest difference of the probabilities of a head and of its classifier
_ABSENT = 20.0  # logits by which a class without clips lies below all others


class Head(NamedTuple):
    """Weights and biases of a linear layer.

    Shapes: weight (n_outputs, d), bias (n_outputs,).
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """Compute the logits; those of a row do not depend on the others.

        Shapes: vectors (n, d) -> (n, n_outputs).
        """
        # einsum without optimisation sums row by row, whereas a matrix product depends on the number of rows
        return np.asarray(np.einsum("nd,cd->nc", vectors.astype(np.float64), self.weight) + self.bias)


def fit_head(probe: Any, vectors: NDArray[Any], targets: NDArray[Any], weights: Any, n_classes: int) -> Head:
    """Fit a classifier to vectors, and return it as a linear layer.

    Shapes: vectors (n, d), targets (n,) or (n, n_labels), weights like targets.
    """
    probe = LogisticRegression(max_iter=_MAX_ITER) if probe is None else probe
    if targets.ndim == 2:
        heads = [_fit_label(probe, vectors, *columns) for columns in zip(targets.T, weights.T, strict=True)]
        return Head(*(np.concatenate(parts) for parts in zip(*heads, strict=True)))
    scores = _linear_scores(probe, vectors, targets, weights)
    present = np.unique(targets)
    head = Head(np.zeros((n_classes, vectors.shape[1])), np.full(n_classes, scores.bias.min() - _ABSENT))
    head.weight[present], head.bias[present] = scores
    return head


def _fit_label(probe: Any, vectors: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> Head:
    """Fit one of several labels, whose logit is the difference of those of its presence and absence."""
    present = targets > 0
    if present.all() or not present.any():
        sign = 1.0 if present.any() else -1.0
        return Head(np.zeros((1, vectors.shape[1])), np.full(1, sign * np.log(len(targets) + 1)))
    head = _linear_scores(probe, vectors, present.astype(np.int64), weights)
    return Head(np.diff(head.weight, axis=0), np.diff(head.bias))


def _linear_scores(probe: Any, vectors: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> Head:
    """Fit the classifier, and evaluate its scores at the origin and along each axis."""
    fitted = clone(probe)
    if (weights == weights[0]).all() and weights[0] == 1:
        fitted.fit(vectors, targets)
    else:
        name = f"{fitted.steps[-1][0]}__sample_weight" if isinstance(fitted, Pipeline) else "sample_weight"
        fitted.fit(vectors, targets, **{name: weights})
    n_features = vectors.shape[1]
    scores = fitted.decision_function(np.vstack([np.zeros(n_features), np.eye(n_features)]))
    if scores.ndim == 1:
        scores = np.stack([-scores / 2, scores / 2], axis=1)
    head = Head((scores[1:] - scores[0]).T.astype(np.float64), scores[0].astype(np.float64))
    gap = np.abs(to_probabilities(head.logits(vectors), multi_label=False) - fitted.predict_proba(vectors)).max()
    if not gap < _CLOSE:
        raise ValueError(
            f"probe={probe!r} is not a linear layer with a softmax: its probabilities differ by {gap:.2g} from those "
            "of the layer. Give LogisticRegression, or a pipeline of StandardScaler or PCA that ends with it."
        )
    return head
