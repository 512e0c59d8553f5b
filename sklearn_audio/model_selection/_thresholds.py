"""`MultilabelThresholdClassifierCV`: a threshold per label that maximises its F1."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import cross_val_predict
from sklearn.utils import Tags, assert_all_finite, get_tags, indexable
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sklearn_audio._saved_version import VersionedState
from sklearn_audio._sklearn import HasMethods
from sklearn_audio.base import restores_on_failure
from sklearn_audio.metrics._best_threshold import best_threshold
from sklearn_audio.model_selection._multilabel_splits import MultilabelStratifiedKFold
from sklearn_audio.validation import check_labels
from sklearn_audio.validation._tables import column_names

Proba = NDArray[np.float64]
_EPSILON = float(np.finfo(np.float32).eps)


@restores_on_failure
class MultilabelThresholdClassifierCV(VersionedState, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Choose a threshold for each label of a multi-label classifier, by cross-validation inside the training set.

    Out-of-fold probabilities are computed for all clips, and each label gets the threshold with the best F1. The
    classifier is then fitted to all clips. This recovers rare labels, whose probabilities seldom reach 0.5.

    For a single label, use scikit-learn's `TunedThresholdClassifierCV`; for one classifier per label,
    ``MultiOutputClassifier(TunedThresholdClassifierCV(...))``. This class is for one classifier of all labels, such as
    a network.

    Parameters
    ----------
    estimator : estimator
        Classifier with ``predict_proba``; cloned by `fit`.
    cv : int, splitter or iterable of splits, default=5
        An int: number of folds of `MultilabelStratifiedKFold`, which keeps groups together.
    n_jobs : int, default=None
        Number of parallel fits, as in joblib.

    Attributes
    ----------
    estimator_ : estimator
        The classifier, fitted to all clips.
    classes_ : ndarray or list
        Classes of the classifier.
    thresholds_ : ndarray of float64, shape (n_labels,)
        Smallest probability at which a label is predicted; 0.5 for a label without clips. Only after multi-label y.
    f1_ : ndarray of float64, shape (n_labels,)
        Out-of-fold F1 of the labels at the thresholds; slightly optimistic, as the thresholds were chosen on the same
        clips. Only after multi-label y.

    See Also
    --------
    MultilabelStratifiedKFold : Multi-label folds.
    sklearn.model_selection.TunedThresholdClassifierCV : For one label.

    Notes
    -----
    With single-label y, predictions are those of the classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_audio.model_selection import MultilabelThresholdClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2))
    >>> y = (X + rng.normal(scale=0.5, size=X.shape) > [0, 1]).astype(int)
    >>> tuned = MultilabelThresholdClassifierCV(KNeighborsClassifier(15)).fit(X, y)
    >>> tuned.predict(X).sum(axis=0).shape == tuned.thresholds_.shape == (2,)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "cv": ["cv_object"],
        "n_jobs": [int, None],
    }

    def __init__(self, estimator: Any, *, cv: Any = 5, n_jobs: int | None = None) -> None:
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags, tags.classifier_tags = inner.input_tags, inner.classifier_tags
        tags.target_tags = inner.target_tags
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Choose the thresholds and fit the classifier.

        Parameters
        ----------
        X : sequence of length n_clips
            Input of the classifier.
        y : array-like of shape (n_clips, n_labels) or (n_clips,)
            Indicators of 0 and 1, or one label per clip.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips for the classifier; the choice of thresholds is unweighted.
        groups : array-like of shape (n_clips,), default=None
            Groups that the folds keep together, such as recordings or speakers.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If a parameter is invalid, if X, y, the weights and the groups differ in length, or if the classifier does
            not support `sample_weight`.
        """
        self._validate_params()
        X, y, sample_weight, groups = indexable(X, y, sample_weight, groups)
        labels = check_labels(y)
        if np.asarray(labels).dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        y = y if column_names(y) is not None else labels  # column names become class names
        if sample_weight is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            raise TypeError(f"{type(self.estimator).__name__} takes no sample_weight; leave it out.")
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        for name in ("thresholds_", "f1_", "n_features_in_", "feature_names_in_"):
            # attributes of an earlier fit
            self.__dict__.pop(name, None)
        if type_of_target(labels, input_name="y") == "multilabel-indicator":
            left_out = self._out_of_fold(X, labels, groups, weights)
            chosen = [best_threshold(*column) for column in zip(np.asarray(labels).T, left_out.T, strict=True)]
            self.thresholds_, self.f1_ = (np.array(column) for column in zip(*chosen, strict=True))
        self.estimator_ = clone(self.estimator).fit(X, y, **weights)
        self.classes_ = self.estimator_.classes_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def _out_of_fold(self, X: Any, y: Any, groups: Any, weights: dict[str, Any]) -> Proba:
        """Return the probabilities of each clip by a classifier fitted without it."""
        cv = MultilabelStratifiedKFold(self.cv) if isinstance(self.cv, int) else self.cv
        proba = cross_val_predict(
            self.estimator,
            X,
            np.asarray(y),
            groups=groups,
            cv=cv,
            n_jobs=self.n_jobs,
            params=weights,
            method="predict_proba",
        )
        return _of_labels(proba, [np.array([0, 1])] * np.shape(y)[1])

    def predict_proba(self, X: Any) -> Proba:
        """Compute the probabilities of the labels.

        Parameters
        ----------
        X : sequence of length n_clips
            Input of the classifier.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_labels)
            Between 0 and 1, exclusively. After single-label y, of the classes.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        """
        check_is_fitted(self)
        proba = self.estimator_.predict_proba(X)
        return _of_labels(proba, self.classes_) if hasattr(self, "thresholds_") else np.asarray(proba)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the labels whose probability reaches their threshold.

        Parameters
        ----------
        X : sequence of length n_clips
            Input of the classifier.

        Returns
        -------
        ndarray of int64, shape (n_clips, n_labels)
            Indicators. After single-label y, the predictions of the classifier, shape (n_clips,).

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        """
        check_is_fitted(self)
        if not hasattr(self, "thresholds_"):
            return np.asarray(self.estimator_.predict(X))
        return (self.predict_proba(X) >= self.thresholds_).astype(np.int64)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy; with multi-label y, the fraction of clips whose labels are all correct.

        Parameters
        ----------
        X : sequence of length n_clips
            Input of the classifier.
        y : array-like of shape (n_clips, n_labels) or (n_clips,)
            True labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        float
            From 0 to 1.
        """
        return float(super().score(X, y, sample_weight))


def _of_labels(proba: Any, classes: Any) -> Proba:
    """Convert probabilities to one array; forests return one array of two columns per label."""
    if isinstance(proba, list):
        columns = [_column(of_one, known) for of_one, known in zip(proba, classes, strict=True)]
        proba = np.stack(columns, axis=1)  # n_labels x (n_clips,) -> (n_clips, n_labels)
    return np.clip(np.asarray(proba, dtype=np.float64), _EPSILON, 1 - _EPSILON)


def _column(proba: Proba, known: NDArray[Any]) -> Proba:
    """Return the probability of a label; a label on none or all of the training clips has one column."""
    return np.asarray((proba * known).sum(axis=1))
