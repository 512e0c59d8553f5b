"""Base classes of networks that are trained on batches of frames or waveforms of equal length."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

__all__ = ["Backbone", "DecisionBackbone", "LayeredBackbone", "check_size"]


def check_size(name: str, n_features: int, n_frames: int | None, *, fewest_features: int, shortest: int) -> None:
    """Raise for frames or clips that the poolings and convolutions would reduce to nothing."""
    if n_features < fewest_features:
        raise ValueError(
            f"{name} takes frames of at least {fewest_features} features, but they have {n_features}; compute more mel "
            "bands or choose another architecture."
        )
    if n_frames is not None and n_frames < shortest:
        raise ValueError(
            f"{name} takes at least {shortest} frames, but n_frames is {n_frames}; give longer clips or choose another "
            "architecture."
        )


class Backbone(nn.Module):
    """A network that maps the frames of a clip to one vector, and the vector to logits."""

    waveforms: bool = False
    fixed_length: ClassVar[bool] = False
    shortest: int = 1
    fewest_features: int = 1
    n_embedding: int

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        raise TypeError(f"{type(self).__name__} must define forward.")  # pragma: no cover - abstract

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the input of the last layer.

        Shapes: frames (B, T, n_features) -> (B, n_embedding).
        """
        raise TypeError(f"{type(self).__name__} must define embed.")  # pragma: no cover - abstract


class LayeredBackbone(Backbone):
    """A published network with named layers: `forward` computes its logits, `embed` the layer before them."""

    def __init__(
        self,
        network: nn.Module,
        n_embedding: int,
        layer: str = "embedding",
        *,
        waveforms: bool = False,
        shortest: int = 1,
    ) -> None:
        super().__init__()
        self.network = network
        self.n_embedding, self.layer = n_embedding, layer
        self.waveforms, self.shortest = waveforms, shortest

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.network(frames, layer="logits")
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the layer before the logits.

        Shapes: frames (B, T, n_features) -> (B, n_embedding).
        """
        vectors: Tensor = self.network(frames, layer=self.layer)
        return vectors


class DecisionBackbone(LayeredBackbone):
    """A network that pools probabilities over time, whose logits are those of the pooled probabilities."""

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        return torch.logit(self.network(frames, layer="probabilities"), eps=1e-6)
