"""Augmentation of a training batch: transforms of rows, masks, and mixup, weighted means of pairs of clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sklearn_audio.augmentation import SpecAugment, Transform
from sklearn_audio.engine._padding import pad_arrays
from sklearn_audio.engine.augmentation._adapters import adapt_all, augment_clip
from sklearn_audio.engine.augmentation._loudness import sound_levels

if TYPE_CHECKING:
    from sklearn_audio.engine.training._batches import Batch

__all__ = ["Augmentation", "build_spec_augment", "mix_batch"]


@dataclass(frozen=True)
class Augmentation:
    """Transforms of each row, then Freq-MixStyle, masks and mixup; each only if it is set.

    `style` is the alpha of Freq-MixStyle, `style_p` the probability that it changes a batch. With `loudness_rate`, the
    sample rate of waveforms, these are mixed by their loudness.
    """

    mixup: float = 0.0
    spec_augment: SpecAugment | Mapping[str, Any] | bool | None = None
    transforms: Sequence[Any] | None = ()
    n_classes: int = 0
    multi_label: bool = False
    n_steps: int | None = None
    pad_value: int = 0
    mixed_fraction: float = 1.0
    loudness_rate: float | None = None
    style: float = 0.0
    style_p: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.mixup < math.inf:
            raise ValueError(f"mixup must be the alpha of a Beta distribution, at least 0, got {self.mixup!r}.")
        if self.mixup and not self.multi_label and self.n_classes < 1:
            raise ValueError("mixup of codes needs n_classes, the number of classes.")
        # the options in normalised form
        object.__setattr__(self, "spec_augment", build_spec_augment(self.spec_augment))
        object.__setattr__(self, "transforms", adapt_all(self.transforms))

    @property
    def is_on(self) -> bool:
        """Whether any augmentation is set."""
        return bool(self.transforms or self.spec_augment or self.mixup or self.style)

    def __call__(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Augment a batch."""
        if self.transforms:
            batch = self._change_rows(batch, rng)
        if self.style and rng.random() < self.style_p:
            batch = mix_style(batch, self.style, rng)
        if isinstance(self.spec_augment, SpecAugment):
            batch = _hide(batch, self.spec_augment, rng)
        if self.mixup:
            kind: dict[str, Any] = {"n_classes": self.n_classes, "multi_label": self.multi_label}
            options: dict[str, Any] = {"fraction": self.mixed_fraction, "loudness_rate": self.loudness_rate}
            batch = mix_batch(batch, self.mixup, rng, **kind, **options)
        return batch

    def _change_rows(self, batch: Batch, rng: np.random.Generator) -> Batch:
        values, lengths = batch.inputs.values.numpy(), batch.inputs.lengths.numpy()
        transforms: Sequence[Transform] = self.transforms or ()
        rows = [augment_clip(values[i, :n], transforms, rng) for i, n in enumerate(lengths.tolist())]
        n_steps, changed = values.shape[1], np.array([len(row) for row in rows])
        if not np.array_equal(changed, lengths):
            n_steps = int(changed.max()) if self.n_steps is None else self.n_steps
        padded = pad_arrays(rows, (len(rows), n_steps, *values.shape[2:]), values.dtype, self.pad_value)
        kept = torch.from_numpy(np.minimum(changed, n_steps))
        return batch._replace(inputs=batch.inputs._replace(values=padded, lengths=kept))


def _hide(batch: Batch, masks: SpecAugment, rng: np.random.Generator) -> Batch:
    values, lengths = batch.inputs.values, batch.inputs.lengths.numpy()
    if values.ndim != 3 or not values.is_floating_point():
        raise ValueError(
            f"spec_augment masks frames, got rows of shape {tuple(values.shape[1:])} and {values.dtype}; set it to "
            "None for tokens and waveforms."
        )
    masked = values.clone()
    masks.hide(masked.numpy(), lengths, rng)
    return batch._replace(inputs=batch.inputs._replace(values=masked))


def build_spec_augment(spec_augment: SpecAugment | Mapping[str, Any] | bool | None) -> SpecAugment | None:
    """Create the masks from the parameter of an estimator."""
    if spec_augment is None or isinstance(spec_augment, SpecAugment):
        return spec_augment
    if isinstance(spec_augment, bool):
        return SpecAugment() if spec_augment else None
    known = [field.name for field in fields(SpecAugment)]
    unknown = [name for name in spec_augment if name not in known]
    if unknown:
        raise ValueError(f"spec_augment has no item {unknown[0]!r}; its items are {', '.join(sorted(known))}.")
    return SpecAugment(**spec_augment)


def mix_batch(
    batch: Batch,
    alpha: float,
    rng: np.random.Generator,
    *,
    n_classes: int = 0,
    multi_label: bool = False,
    fraction: float = 1.0,
    loudness_rate: float | None = None,
) -> Batch:
    """Mix each row with another one of the batch.

    The weight of a row is drawn from Beta(alpha, alpha); its partner has the remaining weight. A row keeps its length:
    a shorter partner is repeated, a longer one is cut. The loss of a mixed row is the same mixture of the losses of the
    pair, each with its own weight. Rows are mixed with probability `fraction`. With `loudness_rate`, the weights are
    those of the loudness of two waveforms, instead of their amplitudes, and the level of the mixture does not fall.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018; Tokozume, Ushiku,
    Harada, "Learning from between-class examples for deep sound recognition", ICLR 2018.
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
    if loudness_rate is None:
        mixed = _mix_values(values, lengths, shares, partners)
    else:
        amplitudes = _by_loudness(shares, sound_levels(values.numpy(), lengths.numpy(), loudness_rate), partners)
        mixed = _mix_values(values, lengths, amplitudes, partners)
        mixed /= torch.hypot(amplitudes, 1 - amplitudes)[:, None]
    inputs = batch.inputs._replace(values=mixed, weights=mixed_weights)
    return batch._replace(inputs=inputs, targets=torch.lerp(soft[partners], soft, parts))


def _by_loudness(shares: Tensor, levels: NDArray[np.float64], partners: Tensor) -> Tensor:
    """Return the weight of the amplitude of each row that gives it a share of the loudness.

    Shapes: shares, levels, partners (B,) -> (B,).
    """
    ratio = torch.from_numpy(10 ** ((levels - levels[partners.numpy()]) / 20))
    return (1 / (1 + ratio * (1 - shares) / shares)).float()


def mix_style(batch: Batch, alpha: float, rng: np.random.Generator) -> Batch:
    """Replace mean and deviation of each feature over the frames of a row by a mixture with those of another row.

    Source: Schmid, Masoudian, Koutini, Widmer, "Knowledge distillation from transformers for low-complexity acoustic
    scene classification", DCASE 2022 (Freq-MixStyle); Zhou, Yang, Qiao, Xiang, "Domain generalization with MixStyle",
    ICLR 2021.
    """
    values, lengths = batch.inputs.values, batch.inputs.lengths
    shares = torch.from_numpy(rng.beta(alpha, alpha, size=len(values)).astype(np.float32))[:, None, None]
    partners = torch.from_numpy(rng.permutation(len(values)))
    is_real = (torch.arange(values.shape[1]) < lengths[:, None])[..., None]  # (B, T, 1)
    counts = lengths[:, None, None]
    mean = torch.where(is_real, values, 0.0).sum(dim=1, keepdim=True) / counts  # (B, 1, F)
    squares = torch.where(is_real, values - mean, 0.0).square().sum(dim=1, keepdim=True) / counts
    deviation = (squares + 1e-6).sqrt()
    changed = (values - mean) / deviation * torch.lerp(deviation[partners], deviation, shares)
    changed += torch.lerp(mean[partners], mean, shares)
    return batch._replace(inputs=batch.inputs._replace(values=torch.where(is_real, changed, values)))


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
