"""The skorch net that an estimator builds, and the loop it runs in."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping
from skorch.helper import predefined_split
from skorch.utils import noop
from torch import Tensor, nn

from sklearn_audio.engine.training._batches import ClipDataset, EvaluationBatches, Inputs, TrainingBatches
from sklearn_audio.engine.training._callbacks import EpochRecord, ProgressBar
from sklearn_audio.engine.training._losses import ClassificationLoss
from sklearn_audio.engine.training._schedules import Schedule, ScheduleName

__all__ = ["OPTIMIZERS", "Net", "Recipe", "build_net", "train"]

Precision = Literal["float32", "bfloat16"]
# Fused ones take a step in one kernel.
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "adamw": (torch.optim.AdamW, {"fused": True}),
    "adam": (torch.optim.Adam, {"fused": True}),
    "sgd": (torch.optim.SGD, {"fused": True, "momentum": 0.9, "nesterov": True}),
}


class StopTraining(KeyboardInterrupt):
    """What a callback raises to end training; skorch's own raise KeyboardInterrupt, which is also Ctrl-C."""


class Net(NeuralNetClassifier):
    """A skorch net over batches of clips with their lengths and weights.

    Callbacks of skorch work on it; scores see codes instead of labels.

    Parameters
    ----------
    *args : object
        Of skorch.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the forward pass.
    **kwargs : object
        Of skorch.

    Examples
    --------
    >>> from torch import nn
    >>> from sklearn_audio.engine.training import Net
    >>> Net(nn.Identity()).precision
    'float32'
    """

    def __init__(self, *args: Any, precision: Precision = "float32", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.precision = precision

    def get_default_callbacks(self) -> list[Any]:
        """Return none: `build_net` names them all.

        Returns
        -------
        list
            Empty.
        """
        return []

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; a KeyboardInterrupt that they raise ends training, one from elsewhere is Ctrl-C.

        Parameters
        ----------
        method_name : str
            Of the callbacks.
        **cb_kwargs : object
            For them.
        """
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as stop:
            raise StopTraining from stop

    def infer(self, x: Inputs, **fit_params: Any) -> Tensor:
        """Compute the logits of a batch.

        Parameters
        ----------
        x : Inputs
            Values, lengths and weights.
        **fit_params : object
            None are known.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        device = torch.device(self.device)
        values, lengths = x.values.to(device), x.lengths.to(device)
        if self.precision == "float32":
            logits: Tensor = self.module_(values, lengths)
            return logits
        with torch.autocast(device.type, torch.bfloat16):
            logits = self.module_(values, lengths)
        return logits.float()

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False) -> Tensor:
        """Compute the weighted loss of a batch.

        Parameters
        ----------
        y_pred : Tensor
            Logits.
        y_true : Tensor
            Targets.
        X : Inputs, default=None
            The batch.
        training : bool, default=False
            Ignored.

        Returns
        -------
        Tensor
            A scalar.
        """
        loss: Tensor = self.criterion_(y_pred, y_true.to(y_pred.device), X.weights.to(y_pred.device))
        return loss

    def predict(self, X: Any) -> Any:
        """Decide, for callbacks that score.

        Parameters
        ----------
        X : ClipDataset
            The clips.

        Returns
        -------
        ndarray of shape (n_clips,) or (n_clips, n_labels)
            Codes, or indicators.
        """
        probabilities = self.predict_proba(X)
        return (probabilities > 0.5).astype(int) if self.criterion_.multi_label else probabilities.argmax(axis=1)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    n_epochs : int
        Epochs of this call.
    lr : float
        Learning rate.
    batch_size : int
        Most clips of a batch.
    optimizer : str or type
        One of `OPTIMIZERS`, or a class of torch.
    weight_decay : float, default=0.0
        For the optimiser.
    lr_schedule : {"plateau", "cosine", "step", "onecycle"}, default=None
        Of the learning rate.
    warmup : float, default=0.0
        Epochs of warm-up.
    early_stopping : bool, default=False
        End when the validation loss no longer falls, and take the weights of the best epoch.
    patience : int, default=10
        Epochs to wait for that.
    gradient_clip : float, default=None
        Largest norm of the gradient.
    callbacks : sequence of skorch callbacks, default=None
        Copied first.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the forward pass.
    progress : str, default=None
        Title of a progress bar; None shows none.

    Examples
    --------
    >>> from sklearn_audio.engine.training import Recipe
    >>> Recipe(n_epochs=10, lr=0.001, batch_size=32, optimizer="adamw").patience
    10
    """

    n_epochs: int
    lr: float
    batch_size: int
    optimizer: str | type[torch.optim.Optimizer]
    weight_decay: float = 0.0
    lr_schedule: ScheduleName | None = None
    warmup: float = 0.0
    early_stopping: bool = False
    patience: int = 10
    gradient_clip: float | None = None
    callbacks: Sequence[Any] | None = None
    precision: Precision = "float32"
    progress: str | None = None

    def all_callbacks(self, *, multi_label: bool) -> list[tuple[str, Callback] | Any]:
        """List the callbacks: first what writes the history, then the user's, then what reads it.

        Parameters
        ----------
        multi_label : bool
            Several labels per clip.

        Returns
        -------
        list
            In the order in which they are called.
        """
        listed: list[tuple[str, Callback] | Any] = [("epoch_record", EpochRecord(multi_label))]
        if self.gradient_clip is not None:
            listed.append(("gradient_clip", GradientNormClipping(self.gradient_clip)))
        listed += copy.deepcopy(list(self.callbacks or []))
        if self.lr_schedule is not None or self.warmup:
            patience = max(1, self.patience // 2)
            listed.append(("lr_schedule", Schedule(self.lr_schedule, self.n_epochs, self.warmup, patience)))
        if self.early_stopping:
            listed.append(("early_stopping", EarlyStopping(patience=self.patience, load_best=True, sink=noop)))
        if self.progress is not None:
            # in front of what may end training, or it would miss the last epoch
            listed.insert(1, ("progress", ProgressBar(self.n_epochs, self.progress)))
        return listed


def build_net(
    network: nn.Module, loss: ClassificationLoss, recipe: Recipe, device: torch.device, n_classes: int
) -> Net:
    """Build the net around a network.

    Parameters
    ----------
    network : nn.Module
        Moved to the device; takes values and lengths.
    loss : ClassificationLoss
        The loss.
    recipe : Recipe
        How to train.
    device : torch.device
        Where.
    n_classes : int
        Outputs of the network.

    Returns
    -------
    Net
        Initialised, with an optimiser that has taken no step.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine.training import ClassificationLoss, Recipe, build_net
    >>> from sklearn_audio.nets import MeanNetwork
    >>> recipe = Recipe(n_epochs=1, lr=0.1, batch_size=2, optimizer="sgd")
    >>> net = build_net(MeanNetwork(2, n_features=1), ClassificationLoss(False), recipe, torch.device("cpu"), 2)
    >>> len(net.history)
    0
    """
    named = isinstance(recipe.optimizer, str)
    optimizer, options = OPTIMIZERS[str(recipe.optimizer)] if named else (recipe.optimizer, {})
    options = {name: value for name, value in options.items() if name != "fused" or device.type in ("cpu", "cuda")}
    net = Net(
        network,
        criterion=loss,
        optimizer=optimizer,
        optimizer__weight_decay=recipe.weight_decay,
        lr=recipe.lr,
        batch_size=recipe.batch_size,
        max_epochs=recipe.n_epochs,
        iterator_train=TrainingBatches,
        iterator_train__seed=0,
        iterator_train__epoch=0,
        iterator_valid=EvaluationBatches,
        train_split=None,
        callbacks=recipe.all_callbacks(multi_label=loss.multi_label),
        predict_nonlinearity=torch.sigmoid if loss.multi_label else _softmax,
        classes=list(range(n_classes)),
        device=str(device),
        precision=recipe.precision,
        verbose=0,
        **{f"optimizer__{name}": value for name, value in options.items()},
    )
    net.initialize()
    return net


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(dim=1)


def train(net: Net, recipe: Recipe, data: ClipDataset, valid: ClipDataset | None, *, seed: int) -> None:
    """Train for some epochs, the callbacks of the recipe in place of those before.

    Parameters
    ----------
    net : Net
        Trained in place; its history grows.
    recipe : Recipe
        How to.
    data : ClipDataset
        What it learns from.
    valid : ClipDataset or None
        What it is watched with.
    seed : int
        Of the order of the batches; that of dropout is torch's.

    Raises
    ------
    ValueError
        If the loss becomes NaN or infinite.
    """
    net.train_split = None if valid is None else predefined_split(valid)
    net.iterator_train__seed, net.iterator_train__epoch = seed, len(net.history)
    net.notify("on_train_begin", X=data, y=None)
    try:
        net.fit_loop(data, epochs=recipe.n_epochs)
    except StopTraining:
        pass
    finally:
        net.notify("on_train_end", X=data, y=None)
        net.train_split = None
