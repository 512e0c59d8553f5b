"""Losses of one label per clip and of several, and the probabilities that belong to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ClassificationLoss", "to_probabilities"]


class ClassificationLoss(nn.Module):
    """Cross entropy over classes, or binary cross entropy averaged over labels; rows are weighted.

    Targets may be soft: probabilities of the classes instead of codes, or of each label. The loss is linear in them:
    that of a mixture of targets is the mixture of their losses.

    Parameters
    ----------
    multi_label : bool
        Each label is there or not, instead of one class of several.
    label_weights : ndarray of shape (2, n_labels), default=None
        With `multi_label`, weights of absence and presence of each label.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine.training import ClassificationLoss
    >>> loss = ClassificationLoss(multi_label=False)
    >>> round(float(loss(torch.zeros(1, 4), torch.tensor([2]), torch.ones(1))), 4)
    1.3863
    """

    def __init__(self, multi_label: bool, label_weights: NDArray[Any] | None = None) -> None:
        super().__init__()
        self.multi_label = multi_label
        weights = None if label_weights is None else torch.from_numpy(label_weights.astype(np.float32))
        self.register_buffer("label_weights", weights)

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute the mean over the batch.

        Parameters
        ----------
        logits : Tensor of shape (B, n_classes)
            What the network computed.
        targets : Tensor of int, shape (B,), or of float and shape (B, n_classes)
            Codes, or probabilities; of labels, indicators or probabilities.
        weights : Tensor of shape (B,)
            Weights of the rows; over the training set their mean is 1.

        Returns
        -------
        Tensor
            A scalar.
        """
        if not self.multi_label:
            return (F.cross_entropy(logits, targets, reduction="none") * weights).mean()
        if not isinstance(self.label_weights, Tensor):
            losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        else:
            # a target between 0 and 1 is as much of the one loss as of the other, each with its own weight
            absent, present = self.label_weights
            if_absent = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(targets), reduction="none")
            if_present = F.binary_cross_entropy_with_logits(logits, torch.ones_like(targets), reduction="none")
            losses = if_absent * (absent * (1 - targets)) + if_present * (present * targets)
        return (losses.mean(dim=1) * weights).mean()


def to_probabilities(logits: NDArray[Any], *, multi_label: bool) -> NDArray[np.float64]:
    """Turn logits into probabilities.

    Parameters
    ----------
    logits : ndarray of shape (n_rows, n_classes)
        What the network computed.
    multi_label : bool
        Each label by itself, strictly between 0 and 1; else the classes of a row sum to 1.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_classes)
        Probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine.training import to_probabilities
    >>> to_probabilities(np.array([[0.0, 0.0]]), multi_label=False)
    array([[0.5, 0.5]])
    """
    exact = logits.astype(np.float64)
    if multi_label:
        margin = np.finfo(np.float64).eps
        return np.asarray(np.clip(expit(exact), margin, 1 - margin))
    return np.asarray(softmax(exact, axis=1))
