"""Input and pooling of networks over sequences: frames or tokens become vectors, and those of a clip become one.

`lengths` holds the number of valid steps of each padded row. Padding never affects the output.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

__all__ = ["FrameInput", "MaskedPooling", "SequencePool", "TokenInput", "length_mask", "sequence_input"]

SequencePool = Literal["last", "mean", "max", "attention"]
_EPSILON = 1e-5
_LEAST_DEVIATION = 1e-8


def length_mask(lengths: Tensor, n_steps: int) -> Tensor:
    """Return the mask of valid steps, False for padding.

    Shapes: lengths (B,) -> (B, n_steps).
    """
    return torch.arange(n_steps, device=lengths.device) < lengths[:, None]


class FrameInput(nn.Module):
    """Standardises frames and, if a width is given, projects them to it."""

    mean: Tensor
    scale: Tensor

    def __init__(self, n_features: int, width: int | None = None, *, per_clip: bool = False) -> None:
        super().__init__()
        self.per_clip = per_clip
        self.width = n_features if width is None else width
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.projection = nn.Identity() if width is None else nn.Linear(n_features, width)

    @torch.no_grad()
    def standardise_by(self, mean: Any, deviation: Any) -> None:
        """Set the means and standard deviations, usually of a training set; a constant feature is only centred.

        Shapes: mean, deviation (n_features,).
        """
        spread = torch.as_tensor(deviation, dtype=torch.float64)
        self.mean.copy_(torch.as_tensor(mean))
        self.scale.copy_(1 / torch.where(spread > _LEAST_DEVIATION, spread, 1.0))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the vectors.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, T, width).
        """
        mask = length_mask(lengths, values.shape[1])[..., None]
        standard = _standardise_clips(values, mask, lengths) if self.per_clip else (values - self.mean) * self.scale
        return torch.where(mask, self.projection(standard), 0.0)


def _standardise_clips(values: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
    n_frames = lengths[:, None, None]
    centred = values - torch.where(mask, values, 0.0).sum(dim=1, keepdim=True) / n_frames
    variance = torch.where(mask, centred.square(), 0.0).sum(dim=1, keepdim=True) / n_frames
    return centred * torch.rsqrt(variance + _EPSILON)


class TokenInput(nn.Module):
    """Embeds tokens; padding is one more token, whose vector is always zero."""

    def __init__(self, n_tokens: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(n_tokens + 1, width, padding_idx=n_tokens)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Look up the vectors.

        Shapes: values (B, T), lengths (B,) -> (B, T, width).
        """
        vectors: Tensor = self.embedding(values)
        return vectors


def sequence_input(
    n_features: int | None, n_tokens: int | None, width: int, *, project: bool = True, per_clip: bool = False
) -> FrameInput | TokenInput:
    """Build the input layer: for tokens if a vocabulary size is given, else for frames."""
    if n_tokens is not None and n_features is None:
        return TokenInput(n_tokens, width)
    if n_features is not None and n_tokens is None:
        return FrameInput(n_features, width if project else None, per_clip=per_clip)
    raise ValueError("give n_features for a network over frames, or n_tokens for one over tokens.")


class MaskedPooling(nn.Module):
    """Pools the vectors of each clip over time."""

    def __init__(self, pooling: SequencePool, width: int) -> None:
        super().__init__()
        self.pooling = pooling
        if pooling == "attention":
            self.score = nn.Linear(width, 1)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Pool the valid steps.

        Shapes: vectors (B, T, width), lengths (B,) -> (B, width).
        """
        if self.pooling == "last":
            last = (lengths - 1)[:, None, None].expand(-1, 1, vectors.shape[2])  # (B,) -> (B, 1, d)
            return vectors.gather(1, last).squeeze(1)
        mask = length_mask(lengths, vectors.shape[1])[..., None]
        if self.pooling == "mean":
            return torch.where(mask, vectors, 0.0).sum(dim=1) / lengths[:, None]
        if self.pooling == "max":
            return torch.where(mask, vectors, -torch.inf).amax(dim=1)
        weights = torch.where(mask, self.score(vectors), -torch.inf).softmax(dim=1)
        return (weights * vectors).sum(dim=1)
