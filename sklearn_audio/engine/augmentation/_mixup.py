"""Mixup: weighted means of pairs of clips, and of their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from sklearn_audio.engine.training._batches import Batch

__all__ = ["mix_batch"]


def mix_batch(
    batch: Batch,
    alpha: float,
    rng: np.random.Generator,
    *,
    n_classes: int = 0,
    multi_label: bool = False,
    fraction: float = 1.0,
) -> Batch:
    """Mix each row with another one of the batch.

    The weight of a row is drawn from Beta(alpha, alpha); its partner has the remaining weight. A row keeps its length:
    a shorter partner is repeated, a longer one is cut. The loss of a mixed row is the same mixture of the losses of the
    pair, each with its own weight. Rows are mixed with probability `fraction`.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018.
    """
    (values, lengths, weights), targets = batch
    if not values.is_floating_point():
        raise ValueError(f"mixup mixes frames or waveforms, got tokens ({values.dtype}); train them with mixup=0.")
    shares = torch.from_numpy(rng.beta(alpha, alpha, size=len(values)).astype(np.float32))
    partners = torch.from_numpy(rng.permutation(len(values)))
    if fraction < 1:
        shares[torch.from_numpy(rng.random(len(values)) >= fraction)] = 1.0
    mixed_weights = torch.lerp(weights[partners], weights, shares)
    # fraction of each of the two weighted losses in the sum
    parts = torch.where(mixed_weights > 0, shares * weights / mixed_weights, shares)[:, None]
    soft = targets.float() if multi_label else F.one_hot(targets, n_classes).float()
    inputs = batch.inputs._replace(values=_mix_values(values, lengths, shares, partners), weights=mixed_weights)
    return batch._replace(inputs=inputs, targets=torch.lerp(soft[partners], soft, parts))


def _mix_values(values: Tensor, lengths: Tensor, shares: Tensor, partners: Tensor) -> Tensor:
    n_rows, n_steps = values.shape[:2]
    places = torch.arange(n_steps)
    source = partners[:, None] * n_steps + places % lengths[partners, None]
    itself = torch.arange(n_rows * n_steps).reshape(n_rows, n_steps)
    # padding is its own partner, so it does not change
    source = torch.where(places < lengths[:, None], source, itself)
    # (B, n_steps, ...) -> (B * n_steps, ...) -> (B, n_steps, ...)
    other = values.flatten(0, 1).index_select(0, source.flatten()).reshape(values.shape)
    # (B,) -> (B, 1, ...)
    return other.lerp_(values, shares.to(values.dtype).reshape(-1, *[1] * (values.ndim - 1)))
