"""Callbacks of training: those that monitor it, schedules of the learning rate, and options passed as callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from sklearn_audio._names import check_name
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine.training._averaging import Averaging
from sklearn_audio.engine.training._batches import batch_sizes
from sklearn_audio.engine.training._divergence import divergence
from sklearn_audio.metrics import mean_average_precision

__all__ = [
    "SCHEDULES",
    "ClassScores",
    "EpochRecord",
    "GradientAccumulation",
    "LabelSmoothing",
    "ProgressBar",
    "Schedule",
    "ScheduleName",
    "Unfreezing",
    "WeightAveraging",
    "check_callbacks",
    "check_schedule",
    "given_callback",
    "other_callbacks",
]

ScheduleName = Literal["plateau", "cosine", "step", "onecycle"]

# One cycle: the fraction of training in which the rate rises, and the factors at its ends (as in OneCycleLR of torch).
_RISE, _FIRST, _LAST = 0.3, 1 / 25, 1 / 25e4
_PLATEAU_FACTOR = 0.3


class EpochRecord(Callback):
    """Records losses, score, learning rate and duration of each epoch in the history, and raises at a loss of NaN.

    The validation score is the accuracy or, with several labels per clip, the mean average precision.
    """

    def __init__(self, multi_label: bool | None) -> None:
        self.multi_label = multi_label

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Record the start time."""
        self.start = time.perf_counter()
        self.losses: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
        self.answers: list[tuple[Any, Any, Any]] = []

    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Collect the loss and, in validation, the outputs."""
        inputs, targets = batch
        loss = net.history[-1, "batches", -1, "train_loss" if training else "valid_loss"]
        self.losses[bool(training)].append((loss, len(targets)))
        if not math.isfinite(loss):
            rate = net.optimizer_.param_groups[0]["lr"]
            raise divergence(f"the loss became {loss} in epoch {len(net.history)}", rate, net.lr)
        if not training and self.multi_label is not None:
            self.answers.append((targets, kwargs["y_pred"].detach().cpu(), inputs.weights))

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Write the history."""
        for training, name in ((True, "train_loss"), (False, "valid_loss")):
            if self.losses[training]:
                losses, counts = np.array(self.losses[training]).T
                net.history.record(name, float(np.average(losses, weights=counts)))
        if self.answers:
            net.history.record("valid_score", self._score())
        net.history.record("lr", float(net.optimizer_.param_groups[0]["lr"]))
        net.history.record("seconds", time.perf_counter() - self.start)

    def _score(self) -> float:
        targets, logits, weights = (torch.cat(parts).numpy() for parts in zip(*self.answers, strict=True))
        if not self.multi_label:
            return float(np.average(logits.argmax(axis=1) == targets, weights=weights))
        return mean_average_precision(targets, logits) if targets.any() else math.nan


class ClassScores(Callback):
    """Measures how well each class is classified in training: the mean probability of its clips, over an epoch."""

    def __init__(self, multi_label: bool) -> None:
        self.multi_label = multi_label

    def __call__(self) -> NDArray[np.float64] | None:
        """Return the scores of the last epoch, if there was one.

        Shapes: -> (n_classes,).
        """
        return self.scores_.numpy() if hasattr(self, "scores_") else None

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Forget the sums of the epoch before."""
        self.sums: Any = torch.zeros((), dtype=torch.float64)
        self.counts: Any = torch.zeros((), dtype=torch.float64)

    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Add the probabilities of a batch, those of mixtures by their shares."""
        if not training:
            return
        logits, targets = kwargs["y_pred"].detach().cpu().double(), batch[1]
        probabilities = logits.sigmoid() if self.multi_label else logits.softmax(dim=1)
        shares = targets.double() if targets.ndim == 2 else F.one_hot(targets, logits.shape[1]).double()
        self.sums = self.sums + (shares * probabilities).sum(dim=0)
        self.counts = self.counts + shares.sum(dim=0)

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Compute the scores; a class that was not drawn is not among the worst."""
        self.scores_ = torch.where(self.counts > 0, self.sums / self.counts, 1.0)


class ProgressBar(Callback):
    """A progress bar over epochs, with the last loss and score."""

    def __init__(self, n_epochs: int, description: str) -> None:
        self.n_epochs = n_epochs
        self.description = description

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Show the bar."""
        self.first = len(net.history)
        self.bar = progress_bar(total=self.n_epochs, description=self.description, unit="epoch", shown=True)

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Advance the bar."""
        last = net.history[-1]
        shown = {"loss": last["train_loss"], "valid_loss": last.get("valid_loss"), "score": last.get("valid_score")}
        self.bar.set_postfix({name: f"{value:.3f}" for name, value in shown.items() if value is not None})
        self.bar.update(len(net.history) - self.first - self.bar.n)  # a checkpoint may have restored epochs

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Close the bar."""
        self.bar.close()


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _step(progress: float) -> float:
    return 0.1 ** ((progress >= 1 / 2) + (progress >= 3 / 4))


def _one_cycle(progress: float) -> float:
    if progress <= _RISE:
        return _between(_FIRST, 1.0, progress / _RISE)
    return _between(1.0, _LAST, (progress - _RISE) / (1 - _RISE))


# progress from 0 to 1 -> factor
SCHEDULES: dict[ScheduleName, Callable[[float], float]] = {
    "cosine": lambda progress: _between(1.0, 0.0, progress),
    "step": _step,
    "onecycle": _one_cycle,
}


def check_schedule(schedule: Any) -> None:
    """Raise for a dict that is no schedule: epochs after which the rate is multiplied by a factor."""
    if not isinstance(schedule, Mapping):
        return
    for name in schedule:
        check_name("key of lr_schedule", name, ("milestones", "factor"))
    milestones, factor = schedule.get("milestones"), schedule.get("factor", 0.1)
    if not isinstance(milestones, (list, tuple, range)) or not all(_is_above_zero(epoch) for epoch in milestones):
        raise ValueError(f"lr_schedule['milestones']={milestones!r}: give a list of epochs above 0.")
    if not _is_above_zero(factor):
        raise ValueError(f"lr_schedule['factor']={factor!r}: give a number above 0.")


def _is_above_zero(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and 0 < float(value) < math.inf


class Schedule(Callback):
    """Sets the learning rate before every step: a linear warm-up, then the schedule over the rest of the epochs.

    skorch's `LRScheduler` would step at the end of every batch: between the batches of an accumulated step, and before
    the rate is recorded in the history.
    """

    def __init__(
        self,
        name: ScheduleName | Mapping[str, Any] | None,
        n_epochs: int,
        warmup: float = 0.0,
        patience: int = 5,
        accumulate: int = 1,
    ) -> None:
        self.name = name
        self.n_epochs = n_epochs
        self.warmup = warmup
        self.patience = patience
        self.accumulate = accumulate

    def factor(self, epochs: float) -> float:
        """Return the factor at a point in time."""
        if epochs < self.warmup:
            return epochs / self.warmup
        if isinstance(self.name, Mapping):
            n_passed = sum(epochs >= milestone for milestone in self.name["milestones"])
            return float(self.name.get("factor", 0.1) ** n_passed)
        if self.name not in SCHEDULES or self.n_epochs <= self.warmup:
            return 1.0
        return SCHEDULES[self.name]((epochs - self.warmup) / (self.n_epochs - self.warmup))

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start from the given rate."""
        self.n_steps = -(-batch_sizes(len(X), net.batch_size) // self.accumulate)
        # a stand-in for the optimiser, whose rate the warm-up sets, too
        self.plateau_rate_ = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        self.plateau_ = ReduceLROnPlateau(self.plateau_rate_, factor=_PLATEAU_FACTOR, patience=self.patience)
        for group in net.optimizer_.param_groups:
            group["initial_lr"] = net.lr * group.get("factor", 1.0)  # a warm start has that of the previous fit
        self.rates_ = LambdaLR(net.optimizer_, self._factor_of_step)
        self.started_ = False

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Set the learning rate of a step, at the first of its batches."""
        if not training or net.batches_done % self.accumulate:
            return
        if self.started_:
            self.rates_.step()
        self.started_ = True

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Lower the rate on a plateau of the validation loss."""
        if self.name == "plateau":
            self.plateau_.step(net.history[-1, "valid_loss"])

    def _factor_of_step(self, step: int) -> float:
        # the first step is part of the warm-up, but not of a schedule
        begun = int(step < self.warmup * self.n_steps)
        plateau: float = self.plateau_rate_.param_groups[0]["lr"]
        return self.factor((step + begun) / self.n_steps) * plateau


class Unfreezing(Callback):
    """Trains the last block of a network at first, and one more after every so many epochs.

    `blocks` are the names of the modules of each block, from the last.
    """

    def __init__(self, blocks: Sequence[Sequence[str]], every: int) -> None:
        self.blocks = blocks
        self.every = every

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Choose the blocks of the epoch, a function of its number."""
        n_trained = 1 + (len(net.history) - 1) // self.every
        for number, names in enumerate(self.blocks):
            net.module_.hold(names, number >= n_trained)


class GradientAccumulation(Callback):
    """Take one optimiser step for several batches; for the parameter ``callbacks`` of trained networks.

    Gradients are averaged, so that a step is that of one larger batch, with the memory of a small one. Learning rate
    schedules count steps. If the last batches of an epoch are fewer, they form a separate step.

    Parameters
    ----------
    n_batches : int
        Batches per step, at least 1.

    See Also
    --------
    WeightAveraging : Another training option that is passed as a callback.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> from sklearn_audio.classification import GradientAccumulation
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(
    ...     batch_size=2, callbacks=[GradientAccumulation(2)], max_epochs=3
    ... )
    >>> classifier.fit(X, ["low", "high", "low", "high"]).n_iter_
    3
    """

    def __init__(self, n_batches: int) -> None:
        self.n_batches = n_batches

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_batches={self.n_batches!r})"


class WeightAveraging(Callback):
    """Maintain an average of the trained weights; for the parameter ``callbacks`` of trained networks.

    Validation scores, early stopping, other callbacks at the end of epochs (at any position in the list), and the final
    network use the average.

    Parameters
    ----------
    kind : {"ema", "swa"}, default="ema"
        "ema": exponential average over the steps; "swa": mean of the last quarter of the epochs.

    See Also
    --------
    GradientAccumulation : Another training option that is passed as a callback.

    References
    ----------
    Izmailov, Podoprikhin, Garipov, Vetrov & Wilson 2018, "Averaging weights leads to wider optima and better
    generalization", UAI.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> from sklearn_audio.classification import WeightAveraging
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(
    ...     callbacks=[WeightAveraging("swa")], lr_schedule=None, max_epochs=8
    ... )
    >>> classifier.fit(X, ["low", "high", "low", "high"]).n_iter_
    8
    """

    def __init__(self, kind: Averaging = "ema") -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kind={self.kind!r})"


class LabelSmoothing(Callback):
    """Train on less than certain labels; for the parameter ``callbacks`` of classifiers that train a network.

    It keeps a network from being certain of few clips. Validation losses are not smoothed.

    Parameters
    ----------
    share : float, default=0.1
        Share of each training target that is spread evenly over the classes; with several labels per clip, over
        presence and absence.

    See Also
    --------
    WeightAveraging : Another training option that is passed as a callback.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2016, "Rethinking the inception architecture for computer vision", CVPR.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> from sklearn_audio.classification import LabelSmoothing
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(
    ...     callbacks=[LabelSmoothing(0.2)], max_epochs=3
    ... )
    >>> classifier.fit(X, ["low", "high", "low", "high"]).n_iter_
    3
    """

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    def __repr__(self) -> str:
        return f"{type(self).__name__}(share={self.share!r})"


_OPTIONS = (GradientAccumulation, LabelSmoothing, WeightAveraging)
_Option = TypeVar("_Option", GradientAccumulation, LabelSmoothing, WeightAveraging)


def given_callback(callbacks: Sequence[Any] | None, kind: type[_Option]) -> _Option | None:
    """Return the option of a class among the callbacks, if there is one."""
    return next((callback for callback in map(_unnamed, callbacks or ()) if isinstance(callback, kind)), None)


def other_callbacks(callbacks: Sequence[Any] | None) -> list[Any]:
    """List the callbacks that are called in training, with their names, if any."""
    return [callback for callback in callbacks or () if not isinstance(_unnamed(callback), _OPTIONS)]


def check_callbacks(callbacks: Sequence[Any] | None) -> None:
    """Raise for options that are given twice, as a class, or with an invalid value."""
    listed = [_unnamed(callback) for callback in callbacks or ()]
    for kind in _OPTIONS:
        if kind in listed:
            raise TypeError(f"callbacks holds the class {kind.__name__}; give an instance, as in {kind.__name__}(...).")
        n_given = sum(isinstance(callback, kind) for callback in listed)
        if n_given > 1:
            raise ValueError(f"callbacks holds {n_given} instances of {kind.__name__}; give one.")
    accumulation = given_callback(callbacks, GradientAccumulation)
    if accumulation is not None:
        _check_count(accumulation.n_batches)
    averaging = given_callback(callbacks, WeightAveraging)
    if averaging is not None:
        check_name("kind of WeightAveraging", averaging.kind, get_args(Averaging))
    smoothing = given_callback(callbacks, LabelSmoothing)
    if smoothing is not None and not (isinstance(smoothing.share, Real) and 0 <= float(smoothing.share) < 1):
        raise ValueError(f"{smoothing}: give a share of the targets, from 0 to below 1.")


def _check_count(n_batches: Any) -> None:
    if isinstance(n_batches, bool) or not isinstance(n_batches, Integral) or int(n_batches) < 1:
        raise ValueError(f"GradientAccumulation(n_batches={n_batches!r}): give a whole number of batches, 1 or more.")


def _unnamed(callback: Any) -> Any:
    """Return the callback of a pair (name, callback), as in skorch."""
    return callback[1] if isinstance(callback, tuple) and len(callback) == 2 else callback
