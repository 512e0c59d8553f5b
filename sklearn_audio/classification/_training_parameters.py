"""Parameters that all trained classifiers share: constraints, documentation, attributes."""

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
    "lr_schedule": [StrOptions({"plateau", "cosine", "step", "onecycle"}), None],
    "warmup": [Interval(Real, 0, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="left"), None],
    "early_stopping": ["boolean"],
    "patience": [_COUNT],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "gradient_clip": [_POSITIVE, None],
    "sampler": [StrOptions({"balanced", "alternate", "weighted"}), None],
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
    "an optimizer by name; others take it by functools.partial", lambda owner: is_named(owner.optimizer), "optimizer"
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
    What computes the frames if X is audio: a name of `sklearn_audio.dsp.preset`, such as "panns_32k", or a front end.
    None takes frames or, in the classifiers of sequences, tokens.
sample_rate : int, default=None
    Hz of arrays without a rate, where X is audio; None refuses them.
n_jobs : int, default=None
    Threads that read audio and compute frames, and augment waveforms while the network trains; None is 1.
normalize : {"standard", "clip"}, default="standard"
    Of frames: "standard" subtracts the mean and divides by the standard deviation of each feature over the training
    frames, "clip" over those of the clip itself; None takes the frames as they are. Tokens are not normalised.
max_epochs : int, default=50
    Passes over the clips; the number that each call of `fit` makes.
lr : float, default=0.001
    Learning rate, at its largest.
batch_size : int, default=32
    Most clips per step of training. Inference does not depend on it.
optimizer : {"adamw", "adam", "sgd"}, dict, type or functools.partial, default="adamw"
    "sgd" has a Nesterov momentum of 0.9. A dict holds a name and other arguments, as in
    ``{"name": "adam", "betas": (0.8, 0.99)}``. A class of `torch.optim`, or a partial of one such as
    ``partial(torch.optim.RMSprop, momentum=0.5)``, is given the learning rate and nothing else.
weight_decay : float, default=0.01
    Of an optimiser by name; a class takes it by a partial.
lr_schedule : {"plateau", "cosine", "step", "onecycle"}, default="cosine"
    "cosine" lets the learning rate fall to zero; "step" divides it by ten after half and after three quarters of the
    epochs; "onecycle" rises for 30 % of the time and falls after that; "plateau" multiplies it with 0.3 when the
    validation loss has not fallen for half of `patience`; None keeps it. `partial_fit` keeps it, too.
warmup : float, default=0.0
    Epochs, or a fraction of one, in which the learning rate rises from zero.
validation_fraction : float, default=None
    Share of the clips (with `groups`, of the groups) held out to watch training: of every class the same, where clips
    have one label and no groups. None is 0.1 where `early_stopping` or "plateau" needs it, else 0.
early_stopping : bool, default=False
    End when the validation loss has not fallen for `patience` epochs, and take the weights of the best epoch.
patience : int, default=10
    Epochs.
class_weight : {"balanced"} or dict, default=None
    Weights of the classes by label; a label that the dict lacks weighs 1. "balanced" weighs them inversely to their
    counts. With several labels per clip, of the presence of each label; "balanced" weighs presence and absence.
gradient_clip : float, default=1.0
    Largest norm of the gradient; None does not clip.
sampler : {"balanced", "alternate", "weighted"}, default=None
    Which clips an epoch has. None takes each once; "balanced" takes all classes equally often, "alternate" does so in
    every other batch, "weighted" draws clips by the inverse of how frequent their labels are. An epoch has as many
    clips as without.
mixup : float, default=0.0
    Alpha of the Beta distribution that pairs of clips, and their labels, are mixed by; 0 mixes none. Not for tokens.
spec_augment : dict or bool, default=None
    Mask random stretches of time and of features of each clip in training (SpecAugment): True, or a dict with some of
    `time_masks`, `time_width`, `frequency_masks` and `frequency_width`. For frames only.
augmentations : list of callables, default=None
    Applied in this order to each clip of a training batch, again in every epoch; to its waveform if X is audio. Those
    of `sklearn_audio.augmentation`, transforms of audiomentations, modules of torch, or functions of an array. They
    are seeded by `random_state`.
checkpoint_dir : str or path-like, default=None
    Folder where `fit` saves its state when training starts and at the end of every epoch. If it is killed or
    interrupted, the same call continues from the last whole epoch, to the same network; when it is done, its file is
    removed. Fits share a folder. It needs a `random_state`.
callbacks : list of skorch callbacks, default=None
    Copied by `fit`. Callbacks that score see codes, the places of the labels in `classes_`. Among them stand
    `GradientAccumulation`, for steps over several batches, and `WeightAveraging`.
warm_start : bool, default=False
    Let `fit` continue where the last one ended. The optimiser continues, too, but not through a pickle.
device : str or torch.device, default="auto"
    "auto" takes CUDA, MPS or the CPU, in this order.
precision : {"float32", "bfloat16"}, default="float32"
    Of the forward pass; the weights are float32.
random_state : int, RandomState instance or None, default=None
    Of weights, order, dropout and validation set. On a CPU, an int gives the same network to the bit. None is seeded by
    the operating system; the global generators of NumPy and torch are neither read nor changed.
verbose : int, default=0
    1 shows a progress bar over the epochs, with loss and score."""

TRAINING_ATTRIBUTES = """\
classes_ : ndarray of shape (n_classes,)
    The labels. For an indicator matrix, the column names of a DataFrame, or the numbers of the columns.
history_ : DataFrame
    Per epoch: `epoch`, `train_loss`, `lr`, `seconds` and, with a validation set, `valid_loss` and `valid_score`: the
    accuracy, or for several labels per clip the mean average precision. Scores of callbacks stand beside.
n_iter_ : int
    Epochs of training.
n_parameters_ : int
    Numbers that were learned.
n_tokens_ : int or None
    Size of the vocabulary; None over frames.
network_ : torch.nn.Module
    The network, in evaluation mode.
n_features_in_ : int
    Features of a frame; for a two-dimensional X, its columns. Not there for tokens of unequal length."""


class TrainingOptions(TypedDict, total=False):
    """Types of the parameters of training, in the order of the signatures."""

    front_end: str | FrontEnd | None
    sample_rate: int | None
    n_jobs: int | None
    normalize: Literal["standard", "clip"] | None
    max_epochs: int
    lr: float
    batch_size: int
    optimizer: Any
    weight_decay: float
    lr_schedule: Literal["plateau", "cosine", "step", "onecycle"] | None
    warmup: float
    validation_fraction: float | None
    early_stopping: bool
    patience: int
    class_weight: Any
    gradient_clip: float | None
    sampler: Literal["balanced", "alternate", "weighted"] | None
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
