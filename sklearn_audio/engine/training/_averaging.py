"""An average of the weights over the steps of training, kept beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_audio.engine.training._batches import TrainingBatches

__all__ = ["Averaging", "WeightAverage", "refresh_batch_norm"]

Averaging = Literal["ema", "swa"]

# The exponential average forgets over so many steps as there were, and at most over a thousand.
_SLOWEST_DECAY, _FIRST_STEPS = 0.999, 10
_SWA_SHARE = 4
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class WeightAverage(Callback):
    """Keeps an average of the weights, validates it, and leaves it in the network when training ends.

    While it is shown, the network holds the average and the callback the weights that are trained.

    Source: Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization", UAI. The growing
    decay of "ema" is that of TensorFlow's ExponentialMovingAverage with `num_updates`.
    """

    def __init__(self, kind: Averaging, n_epochs: int) -> None:
        self.kind = kind
        self.n_epochs = n_epochs

    def decay(self, n_steps: int) -> float:
        """Return the weight of what was before, in the exponential average."""
        return min(_SLOWEST_DECAY, (1 + n_steps) / (_FIRST_STEPS + n_steps))

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Begin anew."""
        self.data_ = X
        self.first_epoch_ = len(net.history) + 1 + self.n_epochs - max(1, self.n_epochs // _SWA_SHARE)
        self.count_, self.shown_ = 0, False
        self.average_ = [tensor.clone() for tensor in _tensors(net)]

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Put the weights back that are trained."""
        if self.shown_:
            self._swap(net)

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Show the average to the validation set."""
        if not training:
            self._show(net)

    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        """Take the weights into the average."""
        if not training:
            return
        at_end = net.batches_done == net.n_batches and len(net.history) >= self.first_epoch_
        if at_end if self.kind == "swa" else net.stepped:
            self._take(_tensors(net))

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Leave the average in the network."""
        self._show(net)
        self.data_ = None

    def state_dict(self) -> dict[str, Any]:
        """Return what it takes to continue."""
        return {"count": self.count_, "shown": self.shown_, "average": self.average_, "first": self.first_epoch_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from there."""
        self.count_, self.shown_, self.first_epoch_ = state["count"], state["shown"], state["first"]
        for mine, saved in zip(self.average_, state["average"], strict=True):
            mine.copy_(saved)

    @torch.no_grad()
    def _take(self, current: list[Tensor]) -> None:
        self.count_ += 1
        share = 1 / self.count_ if self.kind == "swa" else 1 - self.decay(self.count_)
        for average, tensor in zip(self.average_, current, strict=True):
            if tensor.is_floating_point():
                average.lerp_(tensor, share)
            else:
                average.copy_(tensor)

    def _show(self, net: Any) -> None:
        if self.shown_ or not self.count_:
            return
        self._swap(net)
        if self.kind == "swa":
            refresh_batch_norm(net, self.data_)

    @torch.no_grad()
    def _swap(self, net: Any) -> None:
        self.shown_ = not self.shown_
        for mine, theirs in zip(self.average_, _tensors(net), strict=True):
            kept = theirs.clone()
            theirs.copy_(mine)
            mine.copy_(kept)


def _tensors(net: Any) -> list[Tensor]:
    return [tensor for tensor in net.module_.state_dict().values() if isinstance(tensor, Tensor)]


def refresh_batch_norm(net: Any, data: Any) -> None:
    """Compute the statistics of batch normalisation anew, for weights that no step has led to.

    One pass over the rows, in random batches without mixup, masks and dropout; every batch counts the same. Windows and
    changed waveforms, which the data set draws by itself, are drawn as in training.
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
        # None is the plain mean over the batches
        norm.momentum = None
        norm.train()
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        module.eval()
