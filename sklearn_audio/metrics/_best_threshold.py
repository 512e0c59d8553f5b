"""The threshold of a label that maximises its F1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

__all__ = ["best_threshold"]

_MIDDLE = 0.5
_EPSILON = float(np.finfo(np.float32).eps)


def best_threshold(truth: NDArray[Any], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Return the threshold of the best F1, midway to the next lower score, and that F1."""
    if not truth.any():
        return _MIDDLE, 0.0
    precision, recall, levels = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, _EPSILON)
    best = int(f1[:-1].argmax())  # the last point of the curve has no threshold
    below = levels[best - 1] if best else min(0.0, levels[0])
    return float(levels[best] + below) / 2, float(f1[best])
