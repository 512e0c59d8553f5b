"""An average of the weights over the training steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, Literal

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from sklearn_audio.engine.training._batches import TrainingBatches

__all__ = ["Averaging", "WeightAverage", "average_share", "refresh_batch_norm"]

Averaging = Literal["ema", "swa"]

# The exponential average decays over the number of steps so far, and at most over a thousand.
_SLOWEST_DECAY, _FIRST_STEPS = 0.999, 10
# SWA averages the last quarter of the epochs.
_SWA_FRACTION = 4
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def average_share(kind: Averaging, n_averaged: int) -> float:
    """Return the fraction of the newest weights in the average, after `n_averaged` others."""
    if kind == "swa":
        return 1 / (n_averaged + 1)
    return 1 - min(_SLOWEST_DECAY, (1 + n_averaged) / (_FIRST_STEPS + n_averaged))


class WeightAverage(Callback):
    """Maintains an average of the weights, validates it, and leaves it in the network when training ends.

    During validation, the network holds the average, and the callback the trained weights.

    Source: Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization", UAI. The growing
    decay of "ema" is that of TensorFlow's ExponentialMovingAverage with `num_updates`.
    """

    def __init__(self, kind: Averaging, n_epochs: int) -> None:
        self.kind = kind
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start from the initial weights, which count as the first ones of "ema"."""
        self.data = X
        self.first_epoch_ = len(net.history) + 1 + self.n_epochs - max(1, self.n_epochs // _SWA_FRACTION)
        self.shown_ = False
        self.average_ = AveragedModel(net.module_, multi_avg_fn=self._blend, use_buffers=True)
        # infinities, as in a mask, have no mean
        self.infinite = [pair for pair in self._pairs(net) if bool(pair[1].isinf().any())]
        if self.kind == "ema":
            self._take(net)

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Restore the trained weights."""
        if self.shown_:
            self._swap(net)

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Validate the average."""
        if not training:
            self._show(net)

    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Add the weights to the average."""
        if not training:
            return
        at_end = net.batches_done == net.n_batches and len(net.history) >= self.first_epoch_
        if at_end if self.kind == "swa" else net.stepped:
            self._take(net)

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Leave the average in the network."""
        self._show(net)
        self.data = None

    def _take(self, net: Any) -> None:
        self.average_.update_parameters(net.module_)
        for mean, tensor in self.infinite:
            mean.copy_(tensor)

    def _blend(self, averaged: Any, current: Any, n_averaged: Tensor | int) -> None:
        share = average_share(self.kind, int(n_averaged))
        for mean, tensor in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(tensor, share)
            else:
                mean.copy_(tensor)  # counters have no mean

    def _show(self, net: Any) -> None:
        if self.shown_ or not self.average_.n_averaged:
            return
        self._swap(net)
        if self.kind == "swa":
            refresh_batch_norm(net, self.data)

    @torch.no_grad()
    def _swap(self, net: Any) -> None:
        self.shown_ = not self.shown_
        for mine, theirs in self._pairs(net):
            kept = theirs.clone()
            theirs.copy_(mine)
            mine.copy_(kept)

    def _pairs(self, net: Any) -> list[tuple[Tensor, Tensor]]:
        mine, theirs = self.average_.module, net.module_
        own, trained = (chain(module.parameters(), module.buffers()) for module in (mine, theirs))
        return [(one.detach(), other.detach()) for one, other in zip(own, trained, strict=True)]


def refresh_batch_norm(net: Any, data: Any) -> None:
    """Recompute the statistics of batch normalisation for averaged weights.

    In one pass over the rows, in random batches of equal weight without mixup, masks and dropout. Windows and augmented
    waveforms, which the dataset draws, are drawn as in training.
    """
    norms = [m for m in net.module_.modules() if isinstance(m, _BATCH_NORMS) and m.track_running_stats]
    if not norms:
        return
    with _only_training(net.module_, norms), torch.no_grad():
        for batch in TrainingBatches(data, net.batch_size):
            net.infer(batch.inputs)


@contextmanager
def _only_training(module: nn.Module, norms: list[Any]) -> Iterator[None]:
    momenta = [norm.momentum for norm in norms]
    module.eval()
    for norm in norms:
        norm.reset_running_stats()
        # None: the mean over the batches
        norm.momentum = None
        norm.train()
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        module.eval()
