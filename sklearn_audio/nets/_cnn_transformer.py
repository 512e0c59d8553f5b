"""CNN and transformer: Li, Qu, Huang & Metze 2022, "AudioTagging done right", Interspeech (arXiv:2203.13448).

Convolutions and pooling are those of TALNet. As published, one transformer layer is applied several times.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_audio.nets._backbones import check_size
from sklearn_audio.nets._talnet import ConvStack, FrameDecider, FramePool, FramePooling
from sklearn_audio.nets._transformer import PostNormLayer

__all__ = ["CNNTransformer"]

_N_HEADS = 8
_FRAME_SCALE = 8  # of the frames relative to the position encodings added to them


class CNNTransformer(FrameDecider):
    """Ten convolutions, a transformer, decisions every four frames, and their pooling."""

    def __init__(
        self,
        n_outputs: int,
        n_features: int,
        *,
        n_embedding: int = 1024,
        pooling: FramePool = "linear",
        n_layers: int = 2,
        shared_layers: bool = True,
        positions: bool = False,
        dropout: float = 0.0,
        transformer_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_size("CNNTransformer", n_features, None, fewest_features=self.fewest_features, shortest=self.shortest)
        self.n_passes, self.positions = n_layers, positions
        self.convolutions = ConvStack(n_features, n_embedding, dropout)
        self.n_embedding = width = self.convolutions.width
        self.layers = nn.ModuleList(
            PostNormLayer(width, _N_HEADS, width, transformer_dropout, nn.ReLU())
            for _ in range(1 if shared_layers else n_layers)
        )
        for weights in self.layers.parameters():
            if weights.ndim > 1:
                nn.init.xavier_uniform_(weights)
        self.dropout = nn.Dropout(dropout)
        self.decisions = FramePooling(width, n_outputs, pooling)

    def encode(self, frames: Tensor) -> Tensor:
        """Compute the vectors from which the decisions are made.

        Shapes: frames (B, T, n_features) -> (B, T // 4, n_embedding).
        """
        if self.positions:
            frames = _FRAME_SCALE * frames + _sines(frames)
        x = self.convolutions(frames)
        for i in range(self.n_passes):
            x = self.layers[i % len(self.layers)](x)
        kept: Tensor = self.dropout(x)
        return kept


def _sines(frames: Tensor) -> Tensor:
    """Return sinusoidal position encodings: pairs of sine and cosine of increasing periods."""
    n_frames, width = frames.shape[1:]
    # Double precision, rounded once, because the last bits of a single-precision sine depend on the processor; on the
    # CPU, because not every device has double precision.
    exponents = torch.arange(0, width, 2, dtype=torch.float64, device="cpu") / width
    phases = torch.arange(n_frames, dtype=torch.float64, device="cpu")[:, None] * 10000.0**-exponents
    pairs = torch.stack([phases.sin(), phases.cos()], dim=2).flatten(1)  # 2 x (T, M / 2) -> (T, M / 2, 2) -> (T, M)
    return pairs[:, :width].to(frames)
