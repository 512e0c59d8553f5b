"""Learning rate schedules, as factors of the given rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Literal

import torch
from skorch.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from sklearn_audio._names import check_name
from sklearn_audio.engine.training._batches import batch_sizes

__all__ = ["SCHEDULES", "Schedule", "ScheduleName", "check_schedule"]

ScheduleName = Literal["plateau", "cosine", "step", "onecycle"]

# One cycle: the fraction of training in which the rate rises, and the factors at its ends (as in OneCycleLR of torch).
_RISE, _FIRST, _LAST = 0.3, 1 / 25, 1 / 25e4
_PLATEAU_FACTOR = 0.3


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
