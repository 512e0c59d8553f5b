"""The network of deep_audio_features: https://github.com/tyiannak/deep_audio_features, T. Giannakopoulos et al.

The original applies a leaky ReLU to the logits, which distorts every probability; here it is omitted.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from sklearn_audio.nets._autoencoder import FrameEncoder
from sklearn_audio.nets._backbones import Backbone, check_size

__all__ = ["Cnn4"]

_N_CHANNELS = 256  # after the last block
_DROPOUT = (0.75, 0.5)


class Cnn4(Backbone):
    """Four blocks of one 5x5 convolution and three dense layers, for clips of one length."""

    fixed_length: ClassVar[bool] = True
    shortest = 16
    fewest_features = 16
    n_embedding = 256

    def __init__(self, n_outputs: int, n_features: int, n_frames: int, *, dropout: float | None = None) -> None:
        super().__init__()
        check_size("Cnn4", n_features, n_frames, fewest_features=self.fewest_features, shortest=self.shortest)
        self.encoder = FrameEncoder()
        first, second = _DROPOUT if dropout is None else (dropout, dropout)
        self.dense = nn.Sequential(
            nn.Dropout(first),
            nn.Linear(_N_CHANNELS * (n_frames // 16) * (n_features // 16), 1024),
            nn.LeakyReLU(),
            nn.Dropout(second),
            nn.Linear(1024, self.n_embedding),
            nn.LeakyReLU(),
        )
        self.head = nn.Linear(self.n_embedding, n_outputs)

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, n_frames, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.head(self.embed(frames))
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the input of the last dense layer.

        Shapes: frames (B, n_frames, n_features) -> (B, 256).
        """
        maps = self.encoder(frames)  # (B, T, M) -> (B, 256, T // 16, M // 16)
        vectors: Tensor = self.dense(maps.flatten(1))
        return vectors
