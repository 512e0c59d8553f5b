"""`AugmentedClassifier`: any classifier, trained on augmented copies of clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, has_fit_parameter

from sklearn_audio._sklearn import HasMethods, Interval
from sklearn_audio.base import AUDIO_CONSTRAINTS, AudioEstimator, Reading
from sklearn_audio.classification._labels import Labels
from sklearn_audio.engine.training import adapt_all, augment_clip, draw_seed
from sklearn_audio.ragged import Ragged

__all__ = ["AugmentedClassifier"]


def _has_probabilities(self: AugmentedClassifier) -> bool:
    return hasattr(getattr(self, "estimator_", self.estimator), "predict_proba")


class AugmentedClassifier(MetaEstimatorMixin, ClassifierMixin, AudioEstimator):
    """Train any classifier on clips and augmented copies of them, and optionally average its predictions over copies.

    The copies belong to the training clips alone, so that cross-validation around this classifier stays honest: no copy
    of a test clip is ever trained on. With few speakers, copies of other speed or frequency stand in for more of them.

    Parameters
    ----------
    estimator : estimator
        Classifier of frames or of waveforms, such as a pipeline of `MFCCTransformer`, `SequencePooling` and SVC, or a
        `CNNClassifier`; cloned by `fit`.
    augmentations : list of callables
        Applied in this order to each copy: transforms of `sklearn_audio.augmentation` or audiomentations, torch
        modules, or functions of an array.
    n_copies : int, default=4
        Copies of each clip that are trained on, besides the clip.
    n_votes : int, default=0
        Copies whose probabilities are averaged with those of the clip in prediction, the same changes for every clip.
        0: none.
    sample_rate : int, default=None
        X is audio, read at this rate in Hz, which must be that of the estimator; arrays without a rate are assumed to
        have it. None: X is frames.
    random_state : int, RandomState instance or None, default=None
        Seed of the changes. None: seeded by the operating system.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        The labels; for an indicator matrix, the column names of a DataFrame, or the column numbers.
    n_features_in_ : int
        Features per frame; number of timepoints, if X is an array of shape (n_clips, n_timepoints).

    See Also
    --------
    PatchVotingClassifier : Votes of the patches of a clip.

    Notes
    -----
    All copies are held in memory at once.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_audio import (
    ...     AugmentedClassifier,
    ...     MFCCTransformer,
    ...     SequencePooling,
    ... )
    >>> from sklearn_audio.augmentation import SpeedChange
    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=10, random_state=0)
    >>> words = make_pipeline(
    ...     MFCCTransformer(16000),
    ...     SequencePooling(n_parts=3),
    ...     LogisticRegression(max_iter=1000),
    ... )
    >>> speeds = [SpeedChange((0.8, 1.25))]
    >>> model = AugmentedClassifier(
    ...     words, speeds, n_copies=2, sample_rate=16000, random_state=0
    ... )
    >>> model.fit(sounds.data, sounds.target).predict_proba(sounds.data).shape
    (10, 5)
    """

    _stateless: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "augmentations": [list, tuple],
        "n_copies": [Interval(Integral, 0, None, closed="left")],
        "n_votes": [Interval(Integral, 0, None, closed="left")],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        augmentations: Sequence[Any],
        *,
        n_copies: int = 4,
        n_votes: int = 0,
        sample_rate: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.augmentations = augmentations
        self.n_copies = n_copies
        self.n_votes = n_votes
        self.sample_rate = sample_rate
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator).classifier_tags
        if inner is not None:
            tags.classifier_tags.multi_class = inner.multi_class
            tags.classifier_tags.multi_label = inner.multi_label
            tags.classifier_tags.poor_score = inner.poor_score or self._takes_audio()
        return tags

    def _takes_audio(self) -> bool:
        return self.sample_rate is not None

    def _reading(self) -> Reading:
        return Reading(self.sample_rate, self.sample_rate)

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the classifier on the clips and their copies.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip; with `sample_rate`, recordings: paths, or arrays; see the user guide.
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels of the clips.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips for a search or a validation inside, such as speakers; None: the clips.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is invalid, there is only one class, or `n_votes` needs probabilities and the
            estimator has none.
        """
        self._validate_params()
        labels = Labels.learn(y, type(self).__name__)
        rows, encoded = self._rows(X, reset=True), labels.encode(y)
        check_consistent_length(rows, encoded, groups)
        labels.check_learnable(encoded, type(self).__name__)
        if self.n_votes and not _has_probabilities(self):
            raise ValueError(
                f"n_votes={self.n_votes} averages probabilities, and {type(self.estimator).__name__} has no "
                "predict_proba; set n_votes=0, or use an estimator with predict_proba."
            )
        seed, estimator, n_sets = draw_seed(self.random_state), clone(self.estimator), self.n_copies + 1
        copies = (self._change(row, seed, i, copy) for copy in range(self.n_copies) for i, row in enumerate(rows))
        extra = self._fit_params(estimator, np.arange(len(rows)) if groups is None else groups, n_sets)
        all_rows = Ragged.from_list([*rows, *copies])
        targets = encoded.astype(np.int64) if labels.multi_label else labels.classes[encoded]
        estimator.fit(all_rows, np.concatenate([targets] * n_sets), **extra)
        self.estimator_, self._seed = estimator, seed  # after success
        self._labels, self.classes_ = labels, labels.classes
        return self

    def _rows(self, X: Any, *, reset: bool) -> list[NDArray[np.float32]]:
        if self.sample_rate is None:
            return list(self._validate_frames(X, reset=reset))
        return list(self._validate_audio(X, self.sample_rate, reset=reset, bare_rate=self.sample_rate))

    def _fit_params(self, estimator: Any, groups: Any, n_sets: int) -> dict[str, Any]:
        takes_groups = hasattr(estimator, "cv") or has_fit_parameter(estimator, "groups")
        return {"groups": np.tile(np.asarray(groups), n_sets)} if takes_groups else {}

    def _change(self, row: NDArray[np.float32], seed: int, *key: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(len(key), *key)))
        changed = augment_clip(row, adapt_all(self.augmentations), rng, self.sample_rate)
        return np.asarray(changed, dtype=np.float32)

    def _sets(self, rows: list[NDArray[np.float32]]) -> Iterator[Ragged]:
        """Yield the clips, then their copies, each changed by the same random numbers."""
        yield Ragged.from_list(rows)
        for copy in range(self.n_votes):
            yield Ragged.from_list([self._change(row, self._seed, copy) for row in rows])

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Compute the probabilities of the clips.

        Shapes: -> (n_clips, n_classes).
        """
        self._check_fitted()
        rows = self._rows(X, reset=False)
        return np.asarray(np.mean([self.estimator_.predict_proba(copies) for copies in self._sets(rows)], axis=0))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classify the clips.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames or recordings, as in `fit`; one row per clip.

        Returns
        -------
        ndarray of shape (n_clips,) or (n_clips, n_labels)
            Labels.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        AudioReadError
            If a recording cannot be read.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        if not self.n_votes:
            return np.asarray(self.estimator_.predict(Ragged.from_list(self._rows(X, reset=False))))
        return self._labels.decode(self.predict_proba(X))
