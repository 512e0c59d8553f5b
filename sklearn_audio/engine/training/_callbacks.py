"""Callbacks that monitor training."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_audio._progress import progress_bar
from sklearn_audio.engine.training._divergence import divergence
from sklearn_audio.metrics import mean_average_precision

__all__ = ["EpochRecord", "ProgressBar"]


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
