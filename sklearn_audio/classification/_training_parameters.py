"""Parameters of all classifiers that train a network: constraints, documentation, attributes."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from os import PathLike
from typing import Any, Literal, TypedDict

import torch

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine.training import is_named

__all__ = [
    "BY_NAME",
    "SHARED_TRAINING",
    "TRAINING_ATTRIBUTES",
    "TRAINING_CONSTRAINTS",
    "TRAINING_DEFAULTS",
    "TRAINING_PARAMETERS",
    "TRAINING_USES",
    "TrainingOptions",
]

_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")

TRAINING_CONSTRAINTS: dict[str, list[Any]] = {
    "front_end": [str, FrontEnd, None],
    "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
    "n_jobs": AUDIO_CONSTRAINTS["n_jobs"],
    "normalize": [StrOptions({"standard", "clip"}), None],
    "max_epochs": [_COUNT],
    "lr": [_POSITIVE],
    "batch_size": [_COUNT],
    "optimizer": [StrOptions({"adamw", "adam", "sgd"}), dict, type, partial],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "lr_schedule": [StrOptions({"plateau", "cosine", "step", "onecycle"}), dict, None],
    "warmup": [Interval(Real, 0, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="left"), list, tuple, None],
    "early_stopping": ["boolean"],
    "patience": [_COUNT],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "gradient_clip": [_POSITIVE, None],
    "sampler": [StrOptions({"balanced", "alternate", "weighted", "worst_class"}), None],
    "mixup": [Interval(Real, 0, None, closed="left")],
    "spec_augment": [dict, "boolean", None],
    "augmentations": [list, tuple, None],
    "checkpoint_dir": [str, PathLike, None],
    "callbacks": [list, tuple, None],
    "warm_start": ["boolean"],
    "device": [str, torch.device],
    "precision": [StrOptions({"float32", "bfloat16"})],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

BY_NAME = needs(
    "an optimizer by name; for others, use functools.partial", lambda owner: is_named(owner.optimizer), "optimizer"
)
TRAINING_USES: Uses = {
    "patience": needs(
        "early_stopping=True or lr_schedule='plateau'",
        lambda owner: owner.early_stopping or owner.lr_schedule == "plateau",
        "early_stopping",
        "lr_schedule",
    ),
    "weight_decay": BY_NAME,
}

TRAINING_PARAMETERS = """\
front_end : str or FrontEnd, default=None
    Computes the frames if X is audio: the name of a `sklearn_audio.dsp.preset`, such as "panns_32k", or a front end.
    None: X is frames or, in sequence classifiers, tokens.
sample_rate : int, default=None
    Rate in Hz of arrays without a rate, if X is audio; None: such arrays raise.
n_jobs : int, default=None
    Number of threads that read audio, compute frames, and augment waveforms during training; None: 1.
normalize : {"standard", "clip"}, default="standard"
    Normalisation of frames: "standard" subtracts the mean and divides by the standard deviation of each feature over
    the training frames, "clip" over the frames of the clip; None: unchanged. Tokens are not normalised.
max_epochs : int, default=50
    Passes over the training clips in each call of `fit`.
lr : float, default=0.001
    Maximum learning rate.
batch_size : int, default=32
    Maximum number of clips per training step. Predictions do not depend on it.
optimizer : {"adamw", "adam", "sgd"}, dict, type or functools.partial, default="adamw"
    "sgd" has a Nesterov momentum of 0.9. A dict holds a name and other arguments, as in ``{"name": "adam", "betas":
    (0.8, 0.99)}``. A class of `torch.optim`, or a partial of one such as ``partial(torch.optim.RMSprop,
    momentum=0.5)``, receives only the learning rate.
weight_decay : float, default=0.01
    Weight decay of an optimiser given by name; for a class, use a partial.
lr_schedule : {"plateau", "cosine", "step", "onecycle"}, dict or None, default="cosine"
    "cosine": the learning rate falls to zero; "step": it is divided by ten after half and after three quarters of the
    epochs; "onecycle": it rises for 30 % of the time and then falls; "plateau": it is multiplied by 0.3 when the
    validation loss has not fallen for half of `patience`; ``{"milestones": [10, 20], "factor": 0.5}``: it is multiplied
    by the factor, by default 0.1, after each of these epochs; None: it is constant, as it always is in `partial_fit`.
warmup : float, default=0.0
    Number of epochs, or a fraction of one, in which the learning rate rises from zero.
validation_fraction : float or list, default=None
    Fraction of the clips (with `groups`, of the groups) held out for validation; stratified if clips have one label and
    there are no groups. A list names the groups that are held out, for a given validation set. None: 0.1 if
    `early_stopping` or "plateau" needs it, else 0.
early_stopping : bool, default=False
    Stop when the validation loss has not fallen for `patience` epochs, and restore the weights of the best epoch.
patience : int, default=10
    Number of epochs.
class_weight : {"balanced"} or dict, default=None
    Weights of the classes by label; the weight of a missing label is 1. "balanced": inversely proportional to the
    counts. With several labels per clip, the weights of the presence of each label; "balanced" weights presence and
    absence.
gradient_clip : float, default=1.0
    Maximum norm of the gradient; None: no clipping.
sampler : {"balanced", "alternate", "weighted", "worst_class"}, default=None
    Selection of the clips of an epoch. None: each once; "balanced": all classes equally often; "alternate": this in
    every other batch; "weighted": drawn by the inverse of the frequency of their labels; "worst_class": drawn like
    this, but more often from the classes that were classified worst in the previous epoch. The number of clips is the
    same in all cases.
mixup : float, default=0.0
    Alpha of the Beta distribution by which pairs of clips and their labels are mixed; 0: no mixing. Not for tokens.
spec_augment : dict or bool, default=None
    Mask random ranges of frames and of features of each clip in training (SpecAugment): True, or a dict with some of
    `time_masks`, `time_width`, `frequency_masks` and `frequency_width`. For frames only.
augmentations : list of callables, default=None
    Applied in this order to each clip of a training batch, again in every epoch; to its waveform if X is audio.
    Transforms of `sklearn_audio.augmentation` or audiomentations, torch modules, or functions of an array. They are
    seeded by `random_state`.
checkpoint_dir : str or path-like, default=None
    Folder in which `fit` saves its state when training starts and at the end of every epoch. After an interruption, the
    same call continues from the last whole epoch, to the same network; a completed fit removes its file. Fits can share
    a folder. Requires `random_state`.
callbacks : list of skorch callbacks, default=None
    Copied by `fit`. Scoring callbacks receive class indices, the positions of labels in `classes_`. The list may
    contain `GradientAccumulation`, for steps over several batches, `WeightAveraging` and `LabelSmoothing`.
warm_start : bool, default=False
    Whether `fit` continues from the previous one, with its optimiser unless the estimator was pickled in between.
device : str or torch.device, default="auto"
    "auto" is the first available of CUDA, MPS and the CPU.
precision : {"float32", "bfloat16"}, default="float32"
    Precision of the forward pass; the weights are float32.
random_state : int, RandomState instance or None, default=None
    Seed of weights, order, dropout and validation set. On a CPU, an int gives the same network, bit for bit. None:
    seeded by the operating system. The global generators of NumPy and torch are neither used nor changed.
verbose : int, default=0
    1 shows a progress bar over the epochs, with loss and score."""

TRAINING_ATTRIBUTES = """\
classes_ : ndarray of shape (n_classes,)
    The labels; for an indicator matrix, the column names of a DataFrame, or the column numbers.
history_ : DataFrame
    Per epoch: `epoch`, `train_loss`, `lr`, `seconds` and, with a validation set, `valid_loss` and `valid_score`: the
    accuracy or, with several labels per clip, the mean average precision; and the scores of callbacks.
n_iter_ : int
    Number of epochs trained.
n_parameters_ : int
    Number of trained parameters.
n_tokens_ : int or None
    Size of the vocabulary; None for frames.
network_ : torch.nn.Module
    The network, in evaluation mode.
n_features_in_ : int
    Features per frame; for a two-dimensional X, its columns. Absent for tokens of unequal length."""


class TrainingOptions(TypedDict, total=False):
    """Types of the training parameters, in the order of the signatures."""

    front_end: str | FrontEnd | None
    sample_rate: int | None
    n_jobs: int | None
    normalize: Literal["standard", "clip"] | None
    max_epochs: int
    lr: float
    batch_size: int
    optimizer: Any
    weight_decay: float
    lr_schedule: Literal["plateau", "cosine", "step", "onecycle"] | dict[str, Any] | None
    warmup: float
    validation_fraction: float | list[Any] | None
    early_stopping: bool
    patience: int
    class_weight: Any
    gradient_clip: float | None
    sampler: Literal["balanced", "alternate", "weighted", "worst_class"] | None
    mixup: float | Literal["auto"]
    spec_augment: dict[str, float] | bool | Literal["auto"] | None
    augmentations: Any
    checkpoint_dir: str | PathLike[str] | None
    callbacks: Any
    warm_start: bool
    device: Any
    precision: Literal["float32", "bfloat16"]
    random_state: Any
    verbose: int


TRAINING_DEFAULTS: dict[str, Any] = dict.fromkeys(TrainingOptions.__annotations__) | {
    "normalize": "standard",
    "max_epochs": 50,
    "lr": 0.001,
    "batch_size": 32,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "lr_schedule": "cosine",
    "warmup": 0.0,
    "early_stopping": False,
    "patience": 10,
    "gradient_clip": 1.0,
    "mixup": 0.0,
    "warm_start": False,
    "device": "auto",
    "precision": "float32",
    "verbose": 0,
}


SHARED_TRAINING = SharedParameters(
    TrainingOptions,
    TRAINING_DEFAULTS,
    {"{training_parameters}": TRAINING_PARAMETERS, "{attributes}": TRAINING_ATTRIBUTES},
)
