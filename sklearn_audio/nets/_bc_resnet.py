"""BC-ResNet: Kim, Chang, Lee, Sung 2021, "Broadcasted residual learning for efficient keyword spotting", Interspeech.

Two-dimensional convolutions over frequency, and one-dimensional ones over time on the mean over frequency, whose result
is added to all bands. Ten to 300 thousand parameters.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._backbones import Backbone, check_size

__all__ = ["BCResNet"]

_N_BANDS = 5  # of the sub-spectral normalisation
# blocks, channels per width, stride over frequency and dilation over time of the four stages
_STAGES = ((2, 8, 1, 1), (2, 12, 2, 2), (4, 16, 2, 4), (4, 20, 1, 8))
_FEWEST = 33  # leaves the five bands of the last convolution


class _SubSpectralNorm(nn.Module):
    """Batch norm of each part of the frequency axis."""

    def __init__(self, n_channels: int, n_parts: int) -> None:
        super().__init__()
        self.n_parts = n_parts
        self.norm = nn.BatchNorm2d(n_channels * n_parts)

    def forward(self, x: Tensor) -> Tensor:
        n_clips, n_channels, n_frames, n_bands = x.shape
        # (B, C, T, M) -> (B, C, T, S, M / S) -> (B, C, S, T, M / S) -> (B, C * S, T, M / S)
        shape = (n_clips, n_channels, n_frames, self.n_parts, n_bands // self.n_parts)
        parts = self.norm(x.reshape(shape).transpose(2, 3).flatten(1, 2))
        together: Tensor = parts.reshape(*shape[:2], self.n_parts, n_frames, -1).transpose(2, 3)
        return together.flatten(3)


class _Block(nn.Module):
    """Broadcasted residual: a part over frequency, and on its mean over frequency one over time."""

    def __init__(self, width: int, wider: int, stride: int, dilation: int, n_bands: int, dropout: float) -> None:
        super().__init__()
        # only the first block of a stage changes the number of channels or bands, and has no shortcut
        self.shortcut = width == wider and stride == 1
        enter: list[nn.Module] = []
        if width != wider:
            enter = [nn.Conv2d(width, wider, 1, bias=False), nn.BatchNorm2d(wider), nn.ReLU()]
        over_bands = nn.Conv2d(wider, wider, (1, 3), (1, stride), (0, 1), groups=wider, bias=False)
        self.frequency = nn.Sequential(*enter, over_bands, _SubSpectralNorm(wider, math.gcd(n_bands, _N_BANDS)))
        over_time = nn.Conv2d(wider, wider, (3, 1), 1, (dilation, 0), (dilation, 1), groups=wider, bias=False)
        self.time = nn.Sequential(
            *(over_time, nn.BatchNorm2d(wider), nn.SiLU()),
            nn.Conv2d(wider, wider, 1, bias=False),
            nn.Dropout2d(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = self.frequency(x)  # (B, C, T, M) -> (B, C', T, M')
        maps = maps + self.time(maps.mean(dim=3, keepdim=True))  # (B, C', T, 1), added to every band
        return F.relu(maps + x if self.shortcut else maps)


class BCResNet(Backbone):
    """Residual blocks that broadcast over frequency what they find over time, for clips of any length."""

    fewest_features = _FEWEST

    def __init__(self, n_outputs: int, n_features: int, *, width: float = 1.0, dropout: float = 0.1) -> None:
        super().__init__()
        check_size("BCResNet", n_features, None, fewest_features=self.fewest_features, shortest=self.shortest)
        last = round(16 * width)
        n_bands = (n_features + 1) // 2
        self.enter = nn.Sequential(nn.Conv2d(1, last, 5, (1, 2), 2, bias=False), nn.BatchNorm2d(last), nn.ReLU())
        blocks = []
        for n_blocks, channels, stride, dilation in _STAGES:
            for i in range(n_blocks):
                step = stride if i == 0 else 1
                n_bands = (n_bands + step - 1) // step
                wider = round(channels * width)
                blocks.append(_Block(last, wider, step, dilation, n_bands, dropout))
                last = wider
        self.blocks = nn.Sequential(*blocks)
        self.n_embedding = round(32 * width)
        self.leave = nn.Sequential(
            nn.Conv2d(last, last, 5, padding=(2, 0), groups=last, bias=False),
            *(nn.Conv2d(last, self.n_embedding, 1, bias=False), nn.BatchNorm2d(self.n_embedding), nn.ReLU()),
        )
        self.head = nn.Linear(self.n_embedding, n_outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.head(self.embed(frames))
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the mean over time and frequency of the last maps.

        Shapes: frames (B, T, n_features) -> (B, 32 * width).
        """
        maps = self.leave(self.blocks(self.enter(frames.unsqueeze(1))))  # (B, T, M) -> (B, 1, T, M) -> (B, C, T, M')
        vectors: Tensor = maps.mean(dim=(2, 3))
        return vectors
