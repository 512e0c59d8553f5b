"""Encoding of labels: y of any kind to class indices, and probabilities back to labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_audio._caller import warn_caller
from sklearn_audio.validation import check_labels
from sklearn_audio.validation._tables import column_names

__all__ = ["Labels", "check_weights", "label_weights", "weights_of_classes"]


@dataclass(frozen=True)
class Labels:
    """The labels of a classifier, and their form in y.

    Shapes: classes (n_classes,).
    """

    classes: NDArray[Any]
    multi_label: bool

    @classmethod
    def learn(cls, y: Any, estimator: str) -> Self:
        """Find the labels in y.

        Shapes: y (n_clips,) or (n_clips, n_labels).
        """
        if y is None:
            raise ValueError(f"This {estimator} estimator requires y to be passed, but the target y is None.")
        names = column_names(y)
        y = check_labels(y)
        if _is_indicator(y):
            n_labels = np.shape(y)[1]
            return cls(np.arange(n_labels) if names is None else np.array(names), multi_label=True)
        return cls(np.unique(_column(y)), multi_label=False)

    def encode(self, y: Any) -> NDArray[Any]:
        """Convert y to the targets of a loss.

        Shapes: y (n_clips,) or (n_clips, n_labels) -> (n_clips,).
        """
        y = check_labels(y)
        # a single row or column of indicators may look like something else
        if self.multi_label:
            matrix = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
            if matrix.ndim != 2 or matrix.shape[1] != len(self.classes):
                raise ValueError(
                    f"y must be a matrix of indicators of {len(self.classes)} labels, as it was before; got shape "
                    f"{matrix.shape}."
                )
            return matrix.astype(np.float32)
        labels = _column(y)
        unknown = np.setdiff1d(labels, self.classes)
        if len(unknown):
            raise ValueError(
                f"y holds the label(s) {unknown.tolist()}, which are not among the classes {self.classes.tolist()}; "
                "name all classes in the first call of partial_fit, or call fit without warm_start."
            )
        return np.searchsorted(self.classes, labels)

    def decode(self, probabilities: NDArray[np.float64]) -> NDArray[Any]:
        """Convert probabilities to predictions.

        Shapes: probabilities (n_clips, n_classes) -> (n_clips,) or (n_clips, n_labels).
        """
        if self.multi_label:
            return (probabilities > 0.5).astype(np.int64)
        return np.asarray(self.classes[probabilities.argmax(axis=1)])

    def check_learnable(self, targets: NDArray[Any], estimator: str) -> None:
        """Raise for targets of a single class, and warn of labels without clips.

        Shapes: targets (n_clips,) or (n_clips, n_labels).
        """
        if not self.multi_label:
            there = np.unique(targets)
            if len(there) < 2:
                raise ValueError(
                    f"{estimator} needs clips of at least 2 classes, and y holds one class: "
                    f"{self.classes[there].tolist()}."
                )
            return
        absent = self.classes[~targets.any(axis=0)]
        if len(absent):
            warn_caller(f"no clip has the label(s) {absent.tolist()}, so they will never be predicted.")


def _is_indicator(y: Any) -> bool:
    if not hasattr(y, "toarray") and np.asarray(y).dtype.kind == "f":
        assert_all_finite(np.asarray(y), input_name="y")
    return bool(type_of_target(y, input_name="y") == "multilabel-indicator")


def _column(y: Any) -> NDArray[Any]:
    labels = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    return np.asarray(labels)


def check_weights(sample_weight: Any, n_clips: int) -> NDArray[np.float64]:
    """Validate weights of clips.

    Shapes: sample_weight (n_clips,) -> (n_clips,).
    """
    if sample_weight is None:
        return np.ones(n_clips)
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (n_clips,):
        raise ValueError(f"sample_weight has shape {weights.shape}, expected ({n_clips},): one weight per clip.")
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(f"sample_weight of row {row} is negative: {weights[row]:g}. Weights are zero or more.")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return np.asarray(weights)


def weights_of_classes(labels: Labels, codes: NDArray[Any], class_weight: Any) -> NDArray[np.float64]:
    """Compute the weight of each clip by its class.

    Shapes: codes (n_clips,) -> (n_clips,).
    """
    if class_weight is None:
        return np.ones(len(codes))
    _check_names(labels, class_weight)
    there = np.unique(codes)
    if isinstance(class_weight, str):
        weights = compute_class_weight(class_weight, classes=there, y=codes)
    else:
        weights = np.array([_of_label(class_weight, label) for label in labels.classes[there]])
    return np.asarray(weights[np.searchsorted(there, codes)], dtype=np.float64)


def label_weights(labels: Labels, targets: NDArray[Any], class_weight: Any) -> NDArray[np.float64] | None:
    """Compute the weights of absence and presence of each label.

    Shapes: targets (n_clips, n_labels) -> (2, n_labels).
    """
    if class_weight is None:
        return None
    _check_names(labels, class_weight)
    if isinstance(class_weight, dict):
        presence = [_of_label(class_weight, label) for label in labels.classes]
        return np.stack([np.ones(len(presence)), presence])
    share = targets.mean(axis=0, dtype=np.float64)
    both = (share > 0) & (share < 1)
    halves = np.where(both, share, 0.5)
    return np.asarray(np.stack([0.5 / (1 - halves), 0.5 / halves]))


def _of_label(class_weight: dict[Any, float] | Any, label: Any) -> float:
    return float(class_weight.get(label, 1.0)) if isinstance(class_weight, dict) else 1.0


def _check_names(labels: Labels, class_weight: Any) -> None:
    unknown = [label for label in class_weight if label not in labels.classes] if isinstance(class_weight, dict) else []
    if unknown:
        raise ValueError(f"class_weight names {unknown}, which are not among the classes {labels.classes.tolist()}.")
