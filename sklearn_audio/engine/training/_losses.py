"""Losses of classification and of reconstruction, and probabilities from logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ClassificationLoss", "MethodNetwork", "ReconstructionLoss", "to_probabilities"]


class ClassificationLoss(nn.Module):
    """Cross entropy over classes, or binary cross entropy averaged over labels; rows are weighted.

    Targets may be soft: probabilities of the classes instead of class indices, or of each label. The loss is linear in
    the targets: the loss of a mixture is the mixture of the losses.

    Shapes: label_weights (2, n_labels).
    """

    def __init__(self, multi_label: bool, label_weights: NDArray[Any] | None = None) -> None:
        super().__init__()
        self.multi_label = multi_label
        self.smoothing = 0.0  # share of the targets that is spread evenly, in training
        weights = None if label_weights is None else torch.from_numpy(label_weights.astype(np.float32))
        self.register_buffer("label_weights", weights)

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute the mean over the batch.

        Shapes: logits (B, n_classes), targets (B,), weights (B,).
        """
        smoothing = self.smoothing if self.training else 0.0
        if not self.multi_label:
            losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
            return (losses * weights).mean()
        if smoothing:
            targets = torch.lerp(targets, torch.full_like(targets, 0.5), smoothing)
        if not isinstance(self.label_weights, Tensor):
            losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        else:
            # for a target between 0 and 1, the losses of both values are mixed, each with its own weight
            absent, present = self.label_weights
            if_absent = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(targets), reduction="none")
            if_present = F.binary_cross_entropy_with_logits(logits, torch.ones_like(targets), reduction="none")
            losses = if_absent * (absent * (1 - targets)) + if_present * (present * targets)
        return (losses.mean(dim=1) * weights).mean()


class MethodNetwork(nn.Module):
    """Wraps a network so that `forward` calls another of its methods; the parameters are shared."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network = network
        self.method = method

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Call the wrapped method.

        Shapes: values (B, T, n_features), lengths (B,).
        """
        answer: Tensor = getattr(self.network, self.method)(values, lengths)
        return answer


class ReconstructionLoss(nn.Module):
    """The weighted mean of the squared errors that the network returns."""

    # no labels, hence no score
    multi_label = None

    def forward(self, errors: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute the mean over the batch.

        Shapes: errors (B, n_features), targets (B,), weights (B,).
        """
        return (errors.mean(dim=1) * weights).mean()


def to_probabilities(logits: NDArray[Any], *, multi_label: bool) -> NDArray[np.float64]:
    """Turn logits into probabilities.

    Shapes: logits (n_rows, n_classes) -> (n_rows, n_classes).
    """
    exact = logits.astype(np.float64)
    if multi_label:
        margin = np.finfo(np.float64).eps
        return np.asarray(np.clip(expit(exact), margin, 1 - margin))
    return np.asarray(softmax(exact, axis=1))
