"""The one base class of classifiers that train a network of their own: labels, training, prediction, pickling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length
from torch import nn

from sklearn_audio._meaning import Uses, refuse_idle
from sklearn_audio.classification._labels import Labels, check_weights, label_weights, weights_of_classes
from sklearn_audio.classification._trained_network import TrainedNetwork
from sklearn_audio.classification._training_parameters import TRAINING_USES, TrainingParameters
from sklearn_audio.engine import resolve_device
from sklearn_audio.engine.training import (
    Augmentation,
    ClassificationLoss,
    ClipDataset,
    Cut,
    Recipe,
    RowView,
    build_net,
    check_answers,
    compute_logits,
    draw_seed,
    seeded,
    split_off_validation,
    to_probabilities,
    train,
)
from sklearn_audio.ragged import Ragged

__all__ = ["NeuralClassifier"]


class NeuralClassifier(TrainingParameters, ClassifierMixin, TrainedNetwork):
    """Base class: `fit` builds a network, trains it through skorch, and keeps it.

    A subclass admits X (`_admit`), cuts long rows (`_cut`) and names its network (`_network_options`).
    """

    _parameter_uses: ClassVar[Uses] = TRAINING_USES
    _network_class: ClassVar[type[nn.Module]]
    # large matrix products of a CPU library round by the place of a row in its batch
    _one_by_one: ClassVar[bool] = True
    # with metadata routing, groups come here as they come to the splitter
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @abstractmethod
    def _admit(self, X: Any, *, reset: bool) -> Ragged:
        """Check X; with `reset`, remember what later ones must be like."""

    @abstractmethod
    def _cut(self, sequences: Ragged) -> Cut:
        """Cut rows into what the network takes."""

    @abstractmethod
    def _network_options(self, n_outputs: int) -> dict[str, Any]:
        """Give the arguments of the network."""

    def _prepare_network(self, network: nn.Module, sequences: Ragged) -> None:
        """Set what is computed from the training set instead of learned."""

    def _batch_transforms(self) -> Any:
        """Give the augmentations of rows as they are in a batch."""
        return self.augmentations

    def _batch_changes(self) -> dict[str, Any]:
        """Give mixup and masks of rows as they are in a batch."""
        return {"mixup": self.mixup, "spec_augment": self.spec_augment}

    def _augmentation(self) -> Augmentation | None:
        over_tokens = getattr(self, "n_tokens_", None) is not None
        changes = self._batch_changes()
        for name, change in changes.items():
            if over_tokens and change:
                raise ValueError(f"{name} changes frames, and X holds tokens, which are names; leave {name} off.")
        shape = {name: value for name, value in self._shape_options().items() if name != "max_length"}
        augmentation = Augmentation(
            transforms=self._batch_transforms(),
            n_classes=len(self.classes_),
            multi_label=self.multi_label_,
            **changes,
            **shape,
        )
        return augmentation if augmentation.is_on else None

    def _shape_options(self) -> dict[str, Any]:
        """Give padding and length of batches, if the network wants them otherwise than by default."""
        return {}

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train on clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames (n_frames, n_features) or integer tokens (n_tokens,), one row per clip. A classifier with a front end
            or over waveforms takes recordings; see the user guide.
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels of any kind, or a matrix of indicators where a clip may have several.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips; those of weight 0 are left out.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips, such as speakers, that the validation set keeps whole.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is not admissible, if there is only one class, or if the loss becomes NaN.
        """
        self._validate_params()
        more = self.warm_start and hasattr(self, "network_")
        sequences = self._admit(X, reset=not more)
        refuse_idle(self, of_data=True)
        labels = Labels.learn(y, type(self).__name__)
        if more:
            self._check_same_classes(labels.classes)
        check_consistent_length(sequences, y, groups)
        fraction = self._fraction_to_watch()
        if not more:
            self.classes_, self.multi_label_ = labels.classes, labels.multi_label
        targets, weights = self._labels.encode(y), check_weights(sample_weight, len(sequences))
        kept = np.flatnonzero(weights)
        self._labels.check_learnable(targets[kept], type(self).__name__)
        data = (sequences[kept], targets[kept], weights[kept], None if groups is None else np.asarray(groups)[kept])
        return self._train(*data, fraction=fraction, more=more, recipe=self._recipe())

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on these clips, on top of what was learned before.

        Means and deviations of the frames, and the vocabulary of tokens, are those of the first call.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames or tokens, one row per clip.
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels, or indicators.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call, unless y holds indicators.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is not admissible, or if the labels differ from those of the first call.
        """
        self._validate_params()
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight='balanced' needs all clips at once; give partial_fit a dict of weights.")
        more = hasattr(self, "network_")
        sequences = self._admit(X, reset=not more)
        refuse_idle(self, of_data=True)
        check_consistent_length(sequences, y)
        self._learn_classes(y, classes, more)
        targets, weights = self._labels.encode(y), check_weights(sample_weight, len(sequences))
        kept = np.flatnonzero(weights)
        recipe = self._recipe(n_epochs=1, lr_schedule=None, warmup=0.0, early_stopping=False)
        data = (sequences[kept], targets[kept], weights[kept], None)
        return self._train(*data, fraction=0.0, more=more, recipe=recipe, resumable=False)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Compute the probabilities of the clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames or tokens, one row per clip.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_classes)
            In the order of `classes_`. A row sums to 1; of indicators, each label has a probability of its own.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not admissible; the message names the row.
        """
        self._check_fitted()
        cut = self._cut(self._admit(X, reset=False))
        device = self._device_of_inference()
        logits = compute_logits(
            self.network_.to(device),
            cut.pieces,
            device=device,
            precision=self.precision,
            one_by_one=self._one_by_one and device.type == "cpu",
            **self._shape_options(),
        )
        check_answers(logits, cut.owners)
        return to_probabilities(cut.mean_per_row(logits), multi_label=self.multi_label_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Classify the clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames or tokens, one row per clip.

        Returns
        -------
        ndarray of shape (n_clips,) or (n_clips, n_labels)
            The likeliest label, or indicators of the labels more likely than not.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not admissible; the message names the row.
        """
        self._check_fitted()
        return self._labels.decode(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy: the share of the clips whose prediction is right, in every label.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames or tokens, one row per clip.
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
        TypeError, ValueError
            If X is not admissible; the message names the row.
        """
        return float(super().score(X, y, sample_weight))

    @property
    def _labels(self) -> Labels:
        return Labels(self.classes_, self.multi_label_)

    def _learn_classes(self, y: Any, classes: Any, more: bool) -> None:
        if more:
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

    def _train(
        self,
        sequences: Ragged,
        targets: NDArray[Any],
        weights: NDArray[np.float64],
        groups: Any,
        *,
        fraction: float,
        more: bool,
        recipe: Recipe,
        resumable: bool = True,
    ) -> Self:
        device = resolve_device(self.device)
        recipe = replace(recipe, augmentation=self._augmentation())
        self.n_iter_ = self.n_iter_ if more else 0
        # another epoch to begin with draws other numbers
        draws = np.random.SeedSequence([draw_seed(self.random_state), self.n_iter_]).generate_state(3).tolist()
        given = {"X": sequences, "y": targets, "sample_weight": weights, "groups": groups}
        checkpoint = self._open_checkpoint(draws, more, given) if resumable else None
        draws = draws if checkpoint is None else checkpoint.seeds
        rows, held_out = np.arange(len(sequences)), np.arange(0)
        if fraction:
            rows, held_out = split_off_validation(targets, fraction, groups, seed=draws[0], names=self.classes_)
        if not self.multi_label_:
            weights = weights * weights_of_classes(self._labels, targets, self.class_weight)
        data = self._dataset(sequences, targets, weights / weights[rows].mean(), rows)
        valid = self._dataset(sequences, targets, weights / weights[rows].mean(), held_out) if fraction else None
        balance = label_weights(self._labels, targets[rows], self.class_weight) if self.multi_label_ else None
        if not more:
            self._warn_if_alike(self._items(data.sequences))
        with seeded(draws[1]) as generators:
            if more:
                self._copy_network()
            else:
                self._build_network(data.sequences)
            loss = ClassificationLoss(self.multi_label_, balance)
            net = build_net(self.network_, loss, recipe, device, len(self.classes_))
            if more:
                self._resume(net)
        train(net, recipe, data, valid, seed=draws[2], generators=generators, checkpoint=checkpoint)
        self._keep(net, checkpoint)
        return self

    def _dataset(
        self, sequences: Ragged, targets: NDArray[Any], weights: NDArray[np.float64], rows: NDArray[np.int64]
    ) -> ClipDataset:
        """Pieces of a clip share its target and its weight."""
        pieces, owners = self._cut(sequences if len(rows) == len(sequences) else sequences[rows])
        shares = (weights[rows] / np.bincount(owners))[owners]
        shares *= len(shares) / len(rows)
        options = {name: value for name, value in self._shape_options().items() if name != "max_length"}
        return ClipDataset(pieces, targets[rows][owners], shares.astype(np.float32), **options)

    def _items(self, sequences: Ragged) -> Iterator[NDArray[Any]]:
        """Read all that the network may see, in pieces that bound the memory."""
        return RowView.of(sequences).blocks()

    def _build_network(self, sequences: Ragged) -> None:
        options = self._network_options(len(self.classes_))
        self._own(self._network_class(**options), options)
        self._prepare_network(self.network_, sequences)
