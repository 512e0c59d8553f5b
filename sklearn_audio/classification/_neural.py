"""Base class of the classifiers that train a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length

from sklearn_audio._meaning import Uses, check_idle_parameters
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio.classification._labels import Labels, check_weights, label_weights, weights_of_classes
from sklearn_audio.classification._trained_network import AUDIO_USES, TrainedNetwork, TrainingData
from sklearn_audio.classification._training_parameters import (
    SHARED_TRAINING,
    TRAINING_CONSTRAINTS,
    TRAINING_USES,
)
from sklearn_audio.engine.training import (
    Augmentation,
    ClassificationLoss,
    RowView,
    Segments,
    TrainingConfig,
    to_probabilities,
)

__all__ = ["NeuralClassifier"]


class NeuralClassifier(ClassifierMixin, TrainedNetwork):
    """Base class of the classifiers that train a network: labels, `fit`, `partial_fit` and prediction."""

    _shared_parameters: ClassVar[SharedParameters] = SHARED_TRAINING
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = TRAINING_CONSTRAINTS
    _parameter_uses: ClassVar[Uses] = TRAINING_USES | AUDIO_USES
    # request groups, so that metadata routing passes those of the splitter to fit
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        # clips in scikit-learn's checks have a few timepoints, whose spectra do not distinguish classes
        tags.classifier_tags.poor_score = self._takes_audio()
        return tags

    def _augmentation(self) -> Augmentation | None:
        """Build the augmentation of batches."""
        return self._build_augmentation(self.mixup, self.spec_augment)

    def _build_augmentation(self, mixup: Any, spec_augment: Any, **options: Any) -> Augmentation | None:
        over_tokens = getattr(self, "n_tokens_", None) is not None
        for name, change in (("mixup", mixup), ("spec_augment", spec_augment)):
            if over_tokens and change:
                raise ValueError(f"{name} changes frames, but X holds tokens; leave {name} off.")
        collation = self._collation(training=True)
        augmentation = Augmentation(
            mixup,
            spec_augment,
            () if self._takes_audio() else self.augmentations,  # those of audio change waveforms, before the frames
            n_classes=len(self.classes_),
            multi_label=self.multi_label_,
            n_steps=collation.length,
            pad_value=collation.pad_value,
            **options,
        )
        return augmentation if augmentation.is_on else None

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train on clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames (n_frames, n_features) or integer tokens (n_tokens,), one row per clip. With `front_end`, or an
            architecture over waveforms, recordings: paths, or arrays; see the user guide.
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels of any kind, or an indicator matrix if clips may have several.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips; clips of weight 0 are ignored.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips, such as speakers, that are kept together in the validation split.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is invalid, if there is only one class, or if the loss becomes NaN.
        """
        self._validate_params()
        is_warm_start = self.warm_start and hasattr(self, "network_")
        labels = Labels.learn(y, type(self).__name__)  # before recordings are read
        rows = self._read_rows(X, reset=not is_warm_start)
        check_idle_parameters(self, of_data=True)
        if is_warm_start:
            self._check_same_classes(labels.classes)
        check_consistent_length(rows, y, groups)
        fraction = self._validation_fraction()
        if not is_warm_start:
            self.classes_, self.multi_label_ = labels.classes, labels.multi_label
        data = self._training_data(rows, y, sample_weight, groups)
        self._labels.check_learnable(data.targets, type(self).__name__)
        return self._train(data, self._config(), fraction=fraction, is_warm_start=is_warm_start)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one more epoch on these clips.

        The normalisation of frames, and the vocabulary of tokens, are those of the first call.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames, tokens or recordings, as in `fit`; one row per clip.
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels, or indicators.
        classes : array-like of shape (n_classes,), default=None
            All labels of all calls; required in the first call, unless y is an indicator matrix.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is invalid, or if the labels differ from those of the first call.
        """
        self._validate_params()
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight='balanced' needs all clips at once; give partial_fit a dict of weights.")
        is_warm_start = hasattr(self, "network_")
        rows = self._read_rows(X, reset=not is_warm_start)
        check_idle_parameters(self, of_data=True)
        check_consistent_length(rows, y)
        self._learn_classes(y, classes, is_warm_start)
        config = self._config(n_epochs=1, lr_schedule=None, warmup=0.0, early_stopping=False)
        data = self._training_data(rows, y, sample_weight)
        return self._train(data, config, fraction=0.0, is_warm_start=is_warm_start, resumable=False)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Compute the probabilities of the clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames, tokens or recordings, as in `fit`; one row per clip.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_classes)
            In the order of `classes_`. A row sums to 1; with several labels per clip, each label has its own
            probability.

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
        return np.concatenate([self._vote(*answers) for answers in self._answers(self._rows_in_chunks(X))])

    def predict(self, X: Any) -> NDArray[Any]:
        """Classify the clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames, tokens or recordings, as in `fit`; one row per clip.

        Returns
        -------
        ndarray of shape (n_clips,) or (n_clips, n_labels)
            The most likely label, or indicators of the labels with a probability above one half.

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
        return self._labels.decode(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy: the fraction of clips whose labels are all predicted correctly.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames, tokens or recordings, as in `fit`; one row per clip.
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels, or indicators.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        AudioReadError
            If a recording cannot be read.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        return float(super().score(X, y, sample_weight))

    @property
    def _labels(self) -> Labels:
        return Labels(self.classes_, self.multi_label_)

    def _learn_classes(self, y: Any, classes: Any, is_warm_start: bool) -> None:
        if is_warm_start:
            if classes is not None:
                self._check_same_classes(np.unique(classes))
            return
        labels = Labels.learn(y, type(self).__name__)
        if not labels.multi_label and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        self.classes_ = labels.classes if labels.multi_label else np.unique(classes)
        self.multi_label_ = labels.multi_label

    def _check_same_classes(self, classes: NDArray[Any]) -> None:
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"training continues with the classes {classes.tolist()}, but began with {self.classes_.tolist()}; "
                "they must stay the same."
            )

    def _training_data(self, rows: RowView, y: Any, sample_weight: Any, groups: Any = None) -> TrainingData:
        """Encode y, and drop the rows of weight 0."""
        targets, weights = self._labels.encode(y), check_weights(sample_weight, len(rows))
        kept = np.flatnonzero(weights)
        groups = None if groups is None else np.asarray(groups)[kept]
        return TrainingData(rows[kept], targets[kept], weights[kept], groups, self.classes_)

    def _train(self, data: TrainingData, config: TrainingConfig, **options: Any) -> Self:
        config = replace(config, augmentation=self._augmentation())
        if not self.multi_label_:
            weights = data.weights * weights_of_classes(self._labels, data.targets, self.class_weight)
            data = data._replace(weights=weights)

        def make_loss(targets: NDArray[Any]) -> ClassificationLoss:
            balance = label_weights(self._labels, targets, self.class_weight) if self.multi_label_ else None
            return ClassificationLoss(self.multi_label_, balance)

        return self._fit_network(data, config, make_loss, **options)

    def _vote(self, logits: NDArray[np.float32], segments: Segments) -> NDArray[np.float64]:
        """Average over the segments of each row: probabilities if the vote is "soft", or else logits."""
        voting = self._voting()
        if voting == "soft":
            return segments.mean_per_row(self._probabilities(logits))
        return self._probabilities(segments.mean_per_row(logits.astype(np.float64) if voting == "log" else logits))

    def _voting(self) -> str | None:
        return None

    def _probabilities(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        return to_probabilities(logits, multi_label=self.multi_label_)
