"""The parameters that every classifier with a network of its own has: constraints, and their part of the docstring."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import torch

from sklearn_audio._sklearn import HasMethods, Interval, StrOptions

__all__ = ["TRAINING_ATTRIBUTES", "TRAINING_CONSTRAINTS", "TRAINING_PARAMETERS"]

_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")

TRAINING_CONSTRAINTS: dict[str, list[Any]] = {
    "normalize": [StrOptions({"standard", "clip"}), None],
    "n_tokens": [_COUNT, None],
    "max_epochs": [_COUNT],
    "lr": [_POSITIVE],
    "batch_size": [_COUNT],
    "optimizer": [StrOptions({"adamw", "adam", "sgd"}), HasMethods(["step", "zero_grad"])],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "lr_schedule": [StrOptions({"plateau", "cosine", "step", "onecycle"}), None],
    "warmup": [Interval(Real, 0, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="left"), None],
    "early_stopping": ["boolean"],
    "patience": [_COUNT],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "gradient_clip": [_POSITIVE, None],
    "callbacks": [list, tuple, None],
    "warm_start": ["boolean"],
    "device": [str, torch.device],
    "precision": [StrOptions({"float32", "bfloat16"})],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

TRAINING_PARAMETERS = """\
normalize : {"standard", "clip"}, default="standard"
    Of frames: "standard" subtracts the mean and divides by the standard deviation of each feature over the training
    frames, "clip" over those of the clip itself; None takes the frames as they are. Tokens are not normalised.
n_tokens : int, default=None
    Size of the vocabulary; None takes the largest token of `fit` and one. Frames have none.
max_epochs : int, default=50
    Passes over the clips; the number that each call of `fit` makes.
lr : float, default=0.001
    Learning rate, at its largest.
batch_size : int, default=32
    Most clips per step of training. Inference does not depend on it.
optimizer : {"adamw", "adam", "sgd"} or type, default="adamw"
    "sgd" has a Nesterov momentum of 0.9; a class of torch is taken with its own defaults.
weight_decay : float, default=0.01
    For the optimiser.
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
callbacks : list of skorch callbacks, default=None
    Copied by `fit`. Callbacks that score see codes, the places of the labels in `classes_`.
warm_start : bool, default=False
    Let `fit` continue where the last one ended. The optimiser continues, too, but not through a pickle.
device : str or torch.device, default="auto"
    "auto" takes CUDA, MPS or the CPU, in this order.
precision : {"float32", "bfloat16"}, default="float32"
    Of the forward pass; the weights are float32.
random_state : int, RandomState instance or None, default=None
    Of weights, order, dropout and validation set. On a CPU, an int gives the same network to the bit.
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
