"""FNet: Lee-Thorp, Ainslie, Eckstein, Ontanon 2022, "FNet: mixing tokens with Fourier transforms", NAACL."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_audio.nets._backbones import Backbone

__all__ = ["FNet"]

_WIDEN = 4  # of the hidden layer


class _Layer(nn.Module):
    """Fourier transform over frames and features, and a feed-forward network, each with a residual and a norm."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.mixing_norm, self.output_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dense = nn.Sequential(
            *(nn.Linear(width, _WIDEN * width), nn.GELU(), nn.Linear(_WIDEN * width, width), nn.Dropout(dropout))
        )

    def forward(self, x: Tensor) -> Tensor:
        # in float32, since half precision has no Fourier transform
        x = self.mixing_norm(x + torch.fft.fft2(x.float()).real.to(x.dtype))
        out: Tensor = self.output_norm(x + self.dense(x))
        return out


class FNet(Backbone):
    """A transformer whose attention is a Fourier transform, and the mean over the frames, for clips of any length."""

    def __init__(
        self, n_outputs: int, n_features: int, *, n_embedding: int = 256, n_layers: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.n_embedding = n_embedding
        self.enter = nn.Sequential(nn.Linear(n_features, n_embedding), nn.LayerNorm(n_embedding), nn.Dropout(dropout))
        self.layers = nn.Sequential(*(_Layer(n_embedding, dropout) for _ in range(n_layers)))
        self.head = nn.Linear(n_embedding, n_outputs)

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.head(self.embed(frames))
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the mean over the frames of the last layer.

        Shapes: frames (B, T, n_features) -> (B, n_embedding).
        """
        vectors: Tensor = self.layers(self.enter(frames)).mean(dim=1)
        return vectors
