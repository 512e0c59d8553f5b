"""The skorch net of an estimator, its options, and the training loop."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping
from skorch.helper import predefined_split
from skorch.utils import noop
from torch import Tensor, nn

from sklearn_audio._isolation import Generators, drawing_from
from sklearn_audio.engine.training._averaging import WeightAverage
from sklearn_audio.engine.training._batches import (
    Batch,
    BatchSource,
    EvaluationBatches,
    Inputs,
    TrainingBatches,
    batch_sizes,
)
from sklearn_audio.engine.training._callbacks import (
    ClassScores,
    EpochRecord,
    GradientAccumulation,
    LabelSmoothing,
    ProgressBar,
    Schedule,
    ScheduleName,
    WeightAveraging,
    given_callback,
    other_callbacks,
)
from sklearn_audio.engine.training._checkpoint import Checkpoint
from sklearn_audio.engine.training._divergence import check_weights_finite, divergence
from sklearn_audio.engine.training._interrupts import is_stop
from sklearn_audio.engine.training._losses import ClassificationLoss, ReconstructionLoss
from sklearn_audio.engine.training._optimizers import optimizer_of

__all__ = ["Net", "TrainingConfig", "build_net", "train"]


Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class TrainingConfig:
    """The options of a training run."""

    n_epochs: int
    lr: float
    batch_size: int
    optimizer: Any
    weight_decay: float = 0.0
    lr_schedule: ScheduleName | Mapping[str, Any] | None = None
    warmup: float = 0.0
    early_stopping: bool = False
    patience: int = 10
    gradient_clip: float | None = None
    sampler: Any = None
    augmentation: Any = None
    callbacks: Sequence[Any] | None = None
    precision: Precision = "float32"
    progress: str | None = None
    # factors of the learning rate, by name of parameter; 1 for the others
    rate_factors: Mapping[str, float] | None = None

    @property
    def accumulate(self) -> int:
        """Batches per step of the optimiser."""
        accumulation = given_callback(self.callbacks, GradientAccumulation)
        return 1 if accumulation is None else int(accumulation.n_batches)

    def all_callbacks(self, *, multi_label: bool | None) -> list[tuple[str, Callback] | Any]:
        """List the callbacks: those that write the history, those of the user, and those that read the history."""
        listed: list[tuple[str, Callback] | Any] = [("epoch_record", EpochRecord(multi_label))]
        averaging = given_callback(self.callbacks, WeightAveraging)
        if averaging is not None:
            # before callbacks that read the weights at the end of an epoch or of training
            listed.append(("weight_averaging", WeightAverage(averaging.kind, self.n_epochs)))
        if self.gradient_clip is not None:
            listed.append(("gradient_clip", GradientNormClipping(self.gradient_clip)))
        listed += copy.deepcopy(other_callbacks(self.callbacks))
        if self.lr_schedule is not None or self.warmup:
            patience = max(1, self.patience // 2)
            schedule = Schedule(self.lr_schedule, self.n_epochs, self.warmup, patience, self.accumulate)
            listed.append(("lr_schedule", schedule))
        if self.early_stopping:
            listed.append(("early_stopping", EarlyStopping(patience=self.patience, load_best=True, sink=noop)))
        if self.progress is not None:
            # before EarlyStopping, which would otherwise hide the last epoch from the bar
            listed.insert(1, ("progress", ProgressBar(self.n_epochs, self.progress)))
        return listed


# Callbacks that choose the final weights, which are not called after an error.
_CHOOSE_WEIGHTS = ("weight_averaging", "early_stopping")


class StopTraining(KeyboardInterrupt):
    """Ends training, in place of the KeyboardInterrupt of a skorch callback, which Ctrl-C raises, too."""


class _Noted:
    """Adds an error as a note to the first one; interrupts are passed on."""

    def __init__(self, first: BaseException, what: str) -> None:
        self.first = first
        self.what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, further: BaseException | None, traceback: object) -> bool:
        if not isinstance(further, Exception):
            return False
        self.first.add_note(f"{self.what}: {further!r}")
        return True


class Net(NeuralNetClassifier):
    """A skorch net over batches of clips with their lengths and weights.

    skorch callbacks can be used; scorers receive class indices instead of labels.
    """

    def __init__(
        self,
        *args: Any,
        precision: Precision = "float32",
        accumulate: int = 1,
        rate_factors: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.precision = precision
        self.accumulate = accumulate
        self.rate_factors = rate_factors
        self.checkpoint: Checkpoint | None = None
        self.generators: Generators | None = None

    def get_default_callbacks(self) -> list[Any]:
        """Return no callbacks, as `build_net` lists them all."""
        return []

    def get_params_for_optimizer(self, prefix: str, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> Any:
        """Group the parameters that are trained by the factors of their learning rates."""
        if self.rate_factors is None:
            return super().get_params_for_optimizer(prefix, named_parameters)
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in named_parameters:
            if parameter.requires_grad:
                groups.setdefault(self.rate_factors.get(name, 1.0), []).append(parameter)
        _, options = super().get_params_for_optimizer(prefix, [])
        listed = [{"params": group, "lr": self.lr * factor, "factor": factor} for factor, group in groups.items()]
        return (listed,), options

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; a KeyboardInterrupt that they raise ends training, one from Ctrl-C is passed on."""
        handled_before = sys.exception()
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as error:
            if is_stop(error, handled_before):
                raise StopTraining from error
            raise
        if self.checkpoint is not None:
            # last, so that the states of all callbacks are complete
            self.checkpoint.notice(self, method_name)

    def give_up(self, error: BaseException, data: BatchSource) -> None:
        """Let the callbacks clean up after an error; their errors become notes of it."""
        for name, callback in self.callbacks_:
            if name in _CHOOSE_WEIGHTS:
                continue
            with _Noted(error, f"The callback {name!r} then failed in on_train_end"):
                callback.on_train_end(self, X=data, y=None)

    def check_learned(self, data: BatchSource) -> None:
        """Check that weights and outputs are finite after the last step."""
        when, rate = f"in epoch {len(self.history)}", self.optimizer_.param_groups[0]["lr"]
        check_weights_finite(self.module_, when, rate, self.lr)
        self.module_.eval()
        with torch.no_grad():
            answers = self.infer(next(iter(EvaluationBatches(data, self.batch_size))).inputs)
        if not bool(torch.isfinite(answers).all()):
            raise divergence(f"the outputs of the network became NaN or infinite {when}", rate, self.lr)

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Count the batches of the epoch."""
        super().on_epoch_begin(net, dataset_train=dataset_train, dataset_valid=dataset_valid, **kwargs)
        self.n_batches = batch_sizes(len(dataset_train), self.batch_size)
        self.batches_done = 0

    @property
    def stepped(self) -> bool:
        """Whether the optimiser took a step after the last batch, instead of accumulating more."""
        return self.batches_done % self.accumulate == 0 or self.batches_done == self.n_batches

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute the gradient of a batch and, if it completes a step, take the step."""
        first = self.batches_done % self.accumulate == 0
        self.batches_done += 1
        if self.accumulate == 1:
            step: dict[str, Tensor] = super().train_step(batch, **fit_params)
            return step
        if first:
            self._zero_grad_optimizer()
            self._n_rows = 0
        self._set_training(True)
        logits = self.infer(batch.inputs)
        loss = self.get_loss(logits, batch.targets, X=batch.inputs, training=True)
        # batches may differ by a row, and the mean is over rows
        (loss * len(batch.targets)).backward()  # type: ignore[no-untyped-call]
        self._n_rows += len(batch.targets)
        if self.stepped:
            self._step_with_mean(batch)
        return {"loss": loss, "y_pred": logits}

    def _step_with_mean(self, batch: Batch) -> None:
        named = list(self.get_all_learnable_params())
        for _, parameter in named:
            if parameter.grad is not None:
                parameter.grad /= self._n_rows
        self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        self._step_optimizer(None)

    def infer(self, x: Inputs, **fit_params: Any) -> Tensor:
        """Compute the logits of a batch.

        Shapes: -> (B, n_outputs).
        """
        device = torch.device(self.device)
        values, lengths = x.values.to(device), x.lengths.to(device)
        with (
            drawing_from(self.generators) if self.generators and self.module_.training else nullcontext(),
            torch.autocast(device.type, torch.bfloat16, enabled=self.precision != "float32"),
        ):
            logits: Tensor = self.module_(values, lengths)
        return logits.float()

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False) -> Tensor:
        """Compute the weighted loss of a batch."""
        loss: Tensor = self.criterion_(y_pred, y_true.to(y_pred.device), X.weights.to(y_pred.device))
        return loss

    def predict(self, X: Any) -> Any:
        """Predict, for callbacks that score.

        Shapes: -> (n_clips,) or (n_clips, n_labels).
        """
        probabilities = self.predict_proba(X)
        return (probabilities > 0.5).astype(int) if self.criterion_.multi_label else probabilities.argmax(axis=1)


def build_net(
    network: nn.Module,
    loss: ClassificationLoss | ReconstructionLoss,
    config: TrainingConfig,
    device: torch.device,
    n_classes: int,
) -> Net:
    """Build the net around a network."""
    optimizer, options = optimizer_of(config.optimizer, config.weight_decay, device)
    smoothing = given_callback(config.callbacks, LabelSmoothing)
    if smoothing is not None:
        if not isinstance(loss, ClassificationLoss):
            raise ValueError("LabelSmoothing smooths labels, and this network learns without them; leave it out.")
        loss.smoothing = float(smoothing.share)
    callbacks, sampler = config.all_callbacks(multi_label=loss.multi_label), config.sampler
    if sampler == "worst_class":
        sampler = ClassScores(bool(loss.multi_label))
        callbacks.append(("class_scores", sampler))
    net = Net(
        network,
        criterion=loss,
        optimizer=optimizer,
        lr=config.lr,
        batch_size=config.batch_size,
        max_epochs=config.n_epochs,
        iterator_train=TrainingBatches,
        iterator_train__seed=0,
        iterator_train__epoch=0,
        iterator_train__sampler=sampler,
        iterator_train__augmentation=config.augmentation,
        iterator_valid=EvaluationBatches,
        train_split=None,
        callbacks=callbacks,
        predict_nonlinearity=torch.sigmoid if loss.multi_label else _softmax,
        classes=list(range(n_classes)),
        device=str(device),
        precision=config.precision,
        accumulate=config.accumulate,
        rate_factors=config.rate_factors,
        verbose=0,
        **{f"optimizer__{name}": value for name, value in options.items()},
    )
    net.initialize()
    return net


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(dim=1)


def train(
    net: Net,
    config: TrainingConfig,
    data: BatchSource,
    valid: BatchSource | None,
    *,
    seed: int,
    generators: Generators,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Train for the epochs of the options."""
    before = len(net.history)
    net.train_split = None if valid is None else predefined_split(valid)
    net.checkpoint, net.generators = checkpoint, generators
    net.notify("on_train_begin", X=data, y=None)
    done = len(net.history) - before
    net.iterator_train__seed, net.iterator_train__epoch = seed, len(net.history)
    is_over = False
    try:
        net.fit_loop(data, epochs=config.n_epochs - done)
        is_over = True
    except StopTraining:
        is_over = True
    finally:
        error = sys.exception()
        if not is_over and error is not None:
            net.give_up(error, data)
    net.notify("on_train_end", X=data, y=None)
    net.train_split, net.checkpoint, net.generators = None, None, None
    net.check_learned(data)
