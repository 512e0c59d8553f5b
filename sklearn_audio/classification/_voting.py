"""`PatchVotingClassifier`: any classifier of vectors on patches, one decision per clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, assert_all_finite, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, has_fit_parameter

from sklearn_audio._sklearn import HasMethods, StrOptions
from sklearn_audio.base import AudioEstimator
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import check_labels

__all__ = ["PatchVotingClassifier"]

Proba = NDArray[np.float64]


def _has_probabilities(self: PatchVotingClassifier) -> bool:
    inner = getattr(self, "estimator_", self.estimator)
    return self.voting == "hard" or hasattr(inner, "predict_proba")


class PatchVotingClassifier(MetaEstimatorMixin, ClassifierMixin, AudioEstimator):
    """Train a classifier on the patches of clips, and let the patches of a clip vote.

    The clip is the sample: cross-validation splits clips, so that patches of one recording are never in both training
    and test set. In training, each patch has the label of its clip, and all patches have the same weight. A search
    inside receives the clips as groups, so that ``GridSearchCV(..., cv=GroupKFold())`` does not leak either.

    Parameters
    ----------
    estimator : estimator
        Classifier of vectors, such as a pipeline of PCA and SVC; cloned by `fit`.
    voting : {"soft", "log", "hard", "max"}, default="soft"
        "soft" averages the probabilities of the patches, "log" their logarithms, "max" takes the maximum for each
        class; "hard" counts predictions, with ties won by the first class of `classes_`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier of patches.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Features per patch.

    See Also
    --------
    sklearn_audio.preprocessing.SequencePooling : Pooling before the classifier instead of voting after it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_audio import PatchVotingClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(loc=i % 2, size=(3 + i, 4)) for i in range(8)]
    >>> classifier = PatchVotingClassifier(LogisticRegression()).fit(
    ...     X, ["calm", "loud"] * 4
    ... )
    >>> classifier.predict(X[:2])
    array(['calm', 'loud'], dtype='<U4')
    """

    _stateless: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "voting": [StrOptions({"soft", "log", "hard", "max"})],
    }

    def __init__(self, estimator: Any, *, voting: Literal["soft", "log", "hard", "max"] = "soft") -> None:
        self.estimator = estimator
        self.voting = voting

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = get_tags(self.estimator).classifier_tags.multi_class
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit the classifier on all patches.

        Parameters
        ----------
        X : Ragged, list of arrays (n_patches, n_features), or array of 2 or 3 dimensions
            Patches, one row per clip. In a 2-D array each row is a clip of one patch.
        y : array-like of shape (n_clips,)
            Labels of the clips.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips, given to each of their patches.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips for a search inside, such as speakers; None: the clips.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is invalid, if the estimator takes no `sample_weight`, or if `voting` needs
            probabilities and the estimator has none.
        """
        self._validate_params()
        patches = self._validate_vectors(X, reset=True)
        labels = column_or_1d(check_labels(y), warn=True)
        check_consistent_length(patches, labels, sample_weight, groups)
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self._check_voting()
        self.estimator_ = clone(self.estimator)
        extra = self._fit_params(patches, sample_weight, groups)
        self.estimator_.fit(patches.values, np.repeat(labels, patches.lengths), **extra)
        self.classes_ = self.estimator_.classes_
        return self

    def _check_voting(self) -> None:
        if not _has_probabilities(self):
            name = type(self.estimator).__name__
            raise ValueError(
                f"voting={self.voting!r} needs probabilities, and {name} has no predict_proba; use voting='hard', or "
                "an estimator with predict_proba, such as SVC(probability=True)."
            )

    def _fit_params(self, patches: Ragged, sample_weight: Any, groups: Any) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if sample_weight is not None:
            if not has_fit_parameter(self.estimator_, "sample_weight"):
                raise TypeError(f"{type(self.estimator).__name__} takes no sample_weight; leave it out.")
            extra["sample_weight"] = np.repeat(np.asarray(sample_weight), patches.lengths)
        if hasattr(self.estimator_, "cv") or has_fit_parameter(self.estimator_, "groups"):
            clips = np.arange(len(patches)) if groups is None else np.asarray(groups)
            extra["groups"] = np.repeat(clips, patches.lengths)
        return extra

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Proba:
        """Compute the probabilities of the clips.

        Shapes: -> (n_clips, n_classes).
        """
        self._check_fitted()
        patches = self._validate_vectors(X, reset=False)
        per_patch = patches.with_values(self._patch_votes(patches.values))
        votes = np.stack([_VOTES[self.voting](row) for row in per_patch])
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classify the clips.

        Parameters
        ----------
        X : Ragged, list of arrays (n_patches, n_features), or array of 2 or 3 dimensions
            Patches, one row per clip.

        Returns
        -------
        ndarray of shape (n_clips,)
            Labels.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        return np.asarray(self.classes_[np.asarray(self.predict_proba(X)).argmax(axis=1)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy on clips.

        Parameters
        ----------
        X : Ragged, list of arrays (n_patches, n_features), or array of 2 or 3 dimensions
            Patches, one row per clip.
        y : array-like of shape (n_clips,)
            Labels of the clips.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        float
            Fraction of correctly classified clips.
        """
        return float(super().score(X, y, sample_weight))

    def _patch_votes(self, vectors: NDArray[Any]) -> Proba:
        if self.voting == "hard":
            return np.asarray(self.estimator_.predict(vectors)[:, None] == self.classes_, dtype=np.float64)
        return np.asarray(self.estimator_.predict_proba(vectors), dtype=np.float64)


def _mean_of_logs(votes: Proba) -> Proba:
    logs = np.log(np.maximum(votes, np.finfo(np.float64).tiny)).mean(axis=0)
    return np.asarray(np.exp(logs - logs.max()))


# (n_patches, n_classes) -> (n_classes,), before scaling to a sum of 1
_VOTES: dict[str, Callable[[Proba], Proba]] = {
    "soft": lambda votes: votes.mean(axis=0),
    "hard": lambda votes: votes.mean(axis=0),
    "max": lambda votes: votes.max(axis=0),
    "log": _mean_of_logs,
}
