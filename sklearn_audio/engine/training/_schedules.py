"""Learning rates over time, as factors of the one that was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from skorch.callbacks import Callback

from sklearn_audio.engine.training._batches import batch_sizes

__all__ = ["SCHEDULES", "Schedule", "ScheduleName"]

ScheduleName = Literal["plateau", "cosine", "step", "onecycle"]

# One cycle: the share of training in which the rate rises, and the factors at its ends (those of torch's OneCycleLR).
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


class Schedule(Callback):
    """Sets the learning rate before every step: a linear warm-up, then the schedule over the rest of the epochs."""

    def __init__(
        self, name: ScheduleName | None, n_epochs: int, warmup: float = 0.0, patience: int = 5, accumulate: int = 1
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
        if self.name not in SCHEDULES or self.n_epochs <= self.warmup:
            return 1.0
        return SCHEDULES[self.name]((epochs - self.warmup) / (self.n_epochs - self.warmup))

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Begin anew."""
        self.step_ = 0
        self.plateau_ = None
        if self.name == "plateau":
            self.watched_ = torch.optim.SGD([torch.zeros(1)], lr=1.0)
            self.plateau_ = torch.optim.lr_scheduler.ReduceLROnPlateau(
                self.watched_, factor=_PLATEAU_FACTOR, patience=self.patience
            )

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Set the learning rate of a step, at the first of its batches."""
        if not training or (self.name is None and not self.warmup):
            return
        self.batch_ += 1
        if (self.batch_ - 1) % self.accumulate:
            return
        # in the first step a warm-up has begun; a schedule has not
        begun = int(self.step_ < self.warmup * self.n_steps_)
        factor = self.factor((self.step_ + begun) / self.n_steps_)
        if self.plateau_ is not None:
            factor *= self.watched_.param_groups[0]["lr"]
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * factor
        self.step_ += 1

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Count the steps."""
        self.n_steps_ = -(-batch_sizes(len(dataset_train), net.batch_size) // self.accumulate)
        self.batch_ = 0

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Tell a plateau from progress."""
        if self.plateau_ is not None:
            self.plateau_.step(net.history[-1, "valid_loss"])

    def state_dict(self) -> dict[str, Any]:
        """Return what it takes to continue."""
        plateau = None if self.plateau_ is None else (self.plateau_.state_dict(), self.watched_.state_dict())
        return {"step": self.step_, "batch": getattr(self, "batch_", 0), "plateau": plateau}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from there."""
        self.step_, self.batch_ = state["step"], state["batch"]
        if self.plateau_ is not None:
            self.plateau_.load_state_dict(state["plateau"][0])
            self.watched_.load_state_dict(state["plateau"][1])
