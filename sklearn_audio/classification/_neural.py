"""The one base class of classifiers that train a network of their own: labels, training, prediction, pickling."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import nn

from sklearn_audio.base import AudioEstimator
from sklearn_audio.classification._labels import Labels, check_weights, label_weights, weights_of_classes
from sklearn_audio.classification._training_parameters import (
    TRAINING_ATTRIBUTES,
    TRAINING_CONSTRAINTS,
    TRAINING_PARAMETERS,
)
from sklearn_audio.engine._devices import resolve_device
from sklearn_audio.engine.training import (
    ClassificationLoss,
    ClipDataset,
    Cut,
    Net,
    Recipe,
    build_net,
    compute_logits,
    draw_seed,
    freeze,
    seeded,
    split_off_validation,
    thaw,
    to_probabilities,
    train,
)
from sklearn_audio.ragged import Ragged

__all__ = ["NeuralClassifier"]

_DEFAULT_FRACTION = 0.1
_NOT_IN_HISTORY = ("batches", "_batch_count", "_best")


class NeuralClassifier(ClassifierMixin, AudioEstimator):
    """Base class: `fit` builds a network, trains it through skorch, and keeps it.

    A subclass admits X (`_admit`), cuts long rows (`_cut`) and names its network (`_network_options`).
    """

    _stateless: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = TRAINING_CONSTRAINTS
    _network_class: ClassVar[type[nn.Module]]
    # large matrix products of a CPU library round by the place of a row in its batch
    _one_by_one: ClassVar[bool] = True
    n_iter_: int
    # with metadata routing, groups come here as they come to the splitter
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(
        self,
        *,
        normalize: Literal["standard", "clip"] | None,
        n_tokens: int | None,
        max_epochs: int,
        lr: float,
        batch_size: int,
        optimizer: Any,
        weight_decay: float,
        lr_schedule: Literal["plateau", "cosine", "step", "onecycle"] | None,
        warmup: float,
        validation_fraction: float | None,
        early_stopping: bool,
        patience: int,
        class_weight: Any,
        gradient_clip: float | None,
        callbacks: Any,
        warm_start: bool,
        device: Any,
        precision: Literal["float32", "bfloat16"],
        random_state: Any,
        verbose: int,
    ) -> None:
        self.normalize = normalize
        self.n_tokens = n_tokens
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
        self.warmup = warmup
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.class_weight = class_weight
        self.gradient_clip = gradient_clip
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for mark, text in (("{training_parameters}", TRAINING_PARAMETERS), ("{attributes}", TRAINING_ATTRIBUTES)):
            cls.__doc__ = (cls.__doc__ or "").replace(mark, text.replace("\n", "\n    "))

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

    def _shape_options(self) -> dict[str, Any]:
        """Give padding and length of batches, if the network wants them otherwise than by default."""
        return {}

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train on clips.

        Parameters
        ----------
        X : Ragged, list of arrays, or array of 2 or 3 dimensions
            Frames (n_frames, n_features) or integer tokens (n_tokens,), one row per clip.
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
        labels = Labels.learn(y, type(self).__name__)
        if more:
            self._check_same_classes(labels.classes)
        check_consistent_length(sequences, y, groups)
        fraction = self.validation_fraction
        if fraction is None:
            fraction = _DEFAULT_FRACTION if self.early_stopping or self.lr_schedule == "plateau" else 0.0
        elif fraction == 0 and (self.early_stopping or self.lr_schedule == "plateau"):
            raise ValueError(
                "early_stopping and lr_schedule='plateau' watch the validation loss; validation_fraction must not be 0."
            )
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
        check_consistent_length(sequences, y)
        self._learn_classes(y, classes, more)
        targets, weights = self._labels.encode(y), check_weights(sample_weight, len(sequences))
        kept = np.flatnonzero(weights)
        recipe = self._recipe(n_epochs=1, lr_schedule=None, warmup=0.0, early_stopping=False)
        return self._train(sequences[kept], targets[kept], weights[kept], None, fraction=0.0, more=more, recipe=recipe)

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
        device = self._device_of_prediction()
        logits = compute_logits(
            self.network_.to(device),
            cut.pieces,
            device=device,
            precision=self.precision,
            one_by_one=self._one_by_one and device.type == "cpu",
            **self._shape_options(),
        )
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

    def _recipe(self, **changes: Any) -> Recipe:
        options = {
            "n_epochs": self.max_epochs,
            "lr": self.lr,
            "batch_size": self.batch_size,
            "optimizer": self.optimizer,
            "weight_decay": self.weight_decay,
            "lr_schedule": self.lr_schedule,
            "warmup": self.warmup,
            "early_stopping": self.early_stopping,
            "patience": self.patience,
            "gradient_clip": self.gradient_clip,
            "callbacks": self.callbacks,
            "precision": self.precision,
            "progress": type(self).__name__ if self.verbose else None,
        }
        return Recipe(**(options | changes))

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
    ) -> Self:
        device = resolve_device(self.device)
        self.n_iter_ = self.n_iter_ if more else 0
        # another epoch to begin with draws other numbers
        draws = np.random.SeedSequence([draw_seed(self.random_state), self.n_iter_]).generate_state(3).tolist()
        rows, held_out = np.arange(len(sequences)), np.arange(0)
        if fraction:
            rows, held_out = split_off_validation(targets, fraction, groups, seed=draws[0], names=self.classes_)
        if not self.multi_label_:
            weights = weights * weights_of_classes(self._labels, targets, self.class_weight)
        data = self._dataset(sequences, targets, weights / weights[rows].mean(), rows)
        valid = self._dataset(sequences, targets, weights / weights[rows].mean(), held_out) if fraction else None
        balance = label_weights(self._labels, targets[rows], self.class_weight) if self.multi_label_ else None
        with seeded(draws[1], device):
            if not more:
                self._build_network(data.sequences)
            loss = ClassificationLoss(self.multi_label_, balance)
            net = build_net(self.network_, loss, recipe, device, len(self.classes_))
            if more:
                self._resume(net)
            try:
                train(net, recipe, data, valid, seed=draws[2])
            finally:
                self._keep(net)
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

    def _build_network(self, sequences: Ragged) -> None:
        self._options = self._network_options(len(self.classes_))
        self.network_ = self._network_class(**self._options)
        self._prepare_network(self.network_, sequences)
        self.n_parameters_ = sum(p.numel() for p in self.network_.parameters() if p.requires_grad)
        self._optimizer_state: dict[str, Any] | None = None

    def _resume(self, net: Net) -> None:
        for row in self.history_.to_dict("records"):
            net.history.new_epoch()
            net.history[-1].update(row)
        if self._optimizer_state is not None:
            fresh = [{k: v for k, v in group.items() if k != "params"} for group in net.optimizer_.param_groups]
            net.optimizer_.load_state_dict(self._optimizer_state)
            for group, options in zip(net.optimizer_.param_groups, fresh, strict=True):
                group.update(options)

    def _keep(self, net: Net) -> None:
        self.network_ = net.module_.eval()
        rows = [{key: value for key, value in row.items() if not key.endswith(_NOT_IN_HISTORY)} for row in net.history]
        self.history_ = pd.DataFrame(rows)
        self.n_iter_ = len(rows)
        self._optimizer_state = copy.deepcopy(net.optimizer_.state_dict())

    def _device_of_prediction(self) -> torch.device:
        try:
            return resolve_device(self.device)
        except ValueError:
            warnings.warn(
                f"device={str(self.device)!r}, where this classifier was trained, is not here; it predicts on the CPU.",
                RuntimeWarning,
                stacklevel=3,
            )
            return torch.device("cpu")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def _check_fitted(self) -> None:
        check_is_fitted(self)
        self._validate_params()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_optimizer_state", None)
        if "network_" in state:
            state["network_"] = freeze(state["network_"], self._options)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "network_" in state:
            state |= {"network_": thaw(state["network_"]), "_optimizer_state": None}
        super().__setstate__(state)
