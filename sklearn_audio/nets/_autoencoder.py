"""An autoencoder of log-mel frames that reconstructs a clip from its vector alone.

The encoder has the convolutional blocks of `Cnn4` under the same names, so that it can initialise that network. The
decoder receives neither the positions of maxima nor sizes or maps of the encoder. Each of its blocks doubles both axes
by repetition and a convolution (Odena, Dumoulin & Olah 2016, "Deconvolution and checkerboard artifacts", Distill).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._sequences import FrameInput, length_mask

__all__ = ["FrameAutoencoder", "FrameDecoder", "FrameEncoder"]

_SLOPE = 0.01


class FrameEncoder(nn.Module):
    """Blocks of a convolution, batch normalisation, leaky ReLU, and pooling that halves both axes."""

    def __init__(self, n_filters: Sequence[int] = (32, 64, 128, 256)) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(n_in, n_out, 5, padding=2), nn.BatchNorm2d(n_out), nn.LeakyReLU(_SLOPE), nn.MaxPool2d(2)
            )
            for n_in, n_out in zip((1, *n_filters[:-1]), n_filters, strict=True)
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the maps after the last block.

        Shapes: frames (B, T, n_features) -> (B, n_filters[-1], T // 2 ** n_blocks, n_features // 2 ** n_blocks).
        """
        x = frames[:, None]  # (B, T, M) -> (B, 1, T, M)
        for block in self.blocks:
            x = block(x)
        return x


class FrameDecoder(nn.Module):
    """Blocks of leaky ReLU, repetition that doubles both axes, and a convolution; the output has one channel."""

    def __init__(self, n_channels: int, n_filters: Sequence[int] = (256, 128, 64, 32)) -> None:
        super().__init__()
        self.widen = nn.Conv2d(n_channels, n_filters[0], 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LeakyReLU(_SLOPE),
                nn.Upsample(scale_factor=2),
                nn.Conv2d(n_in, n_out, 3, padding=1),
                nn.BatchNorm2d(n_out) if n_out > 1 else nn.Identity(),
            )
            for n_in, n_out in zip(n_filters, (*n_filters[1:], 1), strict=True)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Compute frames.

        Shapes: maps (B, n_channels, T, M) -> (B, T * 2 ** n_blocks, M * 2 ** n_blocks).
        """
        x: Tensor = self.widen(maps)
        for block in self.blocks:
            x = block(x)
        return x.squeeze(1)  # (B, 1, T, M) -> (B, T, M)


class FrameAutoencoder(nn.Module):
    """Encodes a fixed number of frames as one vector, and decodes it.

    The encoder standardises the frames and pads them with the mean frame to a multiple of the cell size, the frames and
    features that the poolings reduce to one; the decoder undoes both.
    """

    def __init__(
        self,
        n_frames: int,
        n_features: int,
        *,
        n_channels: int = 10,
        n_filters: Sequence[int] = (32, 64, 128, 256),
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.noise = noise  # standard deviation, added in training
        cell = 2 ** len(n_filters)
        self.n_frames, self.n_features = n_frames, n_features
        self.grid = (-(-n_frames // cell), -(-n_features // cell))  # cells over time and over features
        self._padding = (0, self.grid[1] * cell - n_features, 0, self.grid[0] * cell - n_frames)
        self.n_channels = n_channels
        self.n_embedding = n_channels * self.grid[0] * self.grid[1]
        self.input = FrameInput(n_features)
        self.encoder = FrameEncoder(n_filters)
        self.bottleneck = nn.Conv2d(n_filters[-1], n_channels, 1)
        self.decoder = FrameDecoder(n_channels, tuple(reversed(n_filters)))

    def encode(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Compute the vectors.

        Shapes: frames (B, n_frames, n_features), lengths (B,) -> (B, n_embedding).
        """
        return self._encode_standard(self.input(frames, lengths))

    def _encode_standard(self, standard: Tensor) -> Tensor:
        maps: Tensor = self.bottleneck(self.encoder(F.pad(standard, self._padding)))
        return maps.flatten(1)  # (B, C, T', M') -> (B, C * T' * M')

    def decode(self, vectors: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Compute frames from vectors.

        Shapes: vectors (B, n_embedding), lengths (B,) -> (B, n_frames, n_features).
        """
        mean, scale = self.input.mean, self.input.scale
        return self._decode_standard(vectors) / scale + mean

    def _decode_standard(self, vectors: Tensor) -> Tensor:
        maps = vectors.reshape(-1, self.n_channels, *self.grid)  # (B, C * T' * M') -> (B, C, T', M')
        frames: Tensor = self.decoder(maps)
        return frames[:, : self.n_frames, : self.n_features]

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Encode and decode.

        Shapes: frames (B, n_frames, n_features), lengths (B,) -> (B, n_frames, n_features).
        """
        return self.decode(self.encode(frames, lengths))

    def errors(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Compute the mean squared error of the reconstruction, per feature.

        Shapes: frames (B, n_frames, n_features), lengths (B,) -> (B, n_features).
        """
        standard = self.input(frames, lengths)
        noisy = standard + self.noise * torch.randn_like(standard) if self.training and self.noise else standard
        squares = (self._decode_standard(self._encode_standard(noisy)) - standard).square()
        mask = length_mask(lengths, self.n_frames)[..., None]
        return torch.where(mask, squares, 0.0).sum(dim=1) / lengths[:, None]
