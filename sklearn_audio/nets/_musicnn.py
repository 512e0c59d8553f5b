"""MusiCNN: Pons & Serra 2019, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR.

The published weights were trained in TensorFlow, whose conventions this network keeps: batch norm with an epsilon of
1e-3, and, for an even kernel that keeps the number of frames, one more zero after the frames than before.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from sklearn_audio.nets._layered import LayeredNetwork, Stages, probabilities

__all__ = ["MusiCNN"]

_N_TIMBRAL, _N_TEMPORAL = 204, 51  # filters of each branch
_TIMBRAL_FRACTIONS = (0.4, 0.7)  # of the mel bands, spanned by a filter of 7 frames
_TEMPORAL_FRAMES = (128, 64, 32)
_EPSILON, _MOMENTUM = 1e-3, 0.01


class _Branch(nn.Module):
    """Convolution of log-mel frames, ReLU, batch norm, and the maximum over frequency."""

    def __init__(self, n_filters: int, n_frames: int, n_bands: int) -> None:
        super().__init__()
        # left and right (frequency), then before and after (time)
        self.pad = nn.ZeroPad2d((0, 0, (n_frames - 1) // 2, n_frames // 2))
        self.conv = nn.Conv2d(1, n_filters, (n_frames, n_bands))
        self.norm = nn.BatchNorm2d(n_filters, eps=_EPSILON, momentum=_MOMENTUM)

    def forward(self, frames: Tensor) -> Tensor:
        maps: Tensor = self.norm(self.conv(self.pad(frames)).relu())
        return maps.amax(dim=3)  # (B, C, T, M') -> (B, C, T)


class _Step(nn.Module):
    """Convolution over 7 frames and all features, ReLU, and batch norm."""

    def __init__(self, n_features: int, n_filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_features, n_filters, 7, padding=3)
        self.norm = nn.BatchNorm1d(n_filters, eps=_EPSILON, momentum=_MOMENTUM)

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(features).relu())
        return out


class MusiCNN(LayeredNetwork):
    """Music tagger on log-mel patches: filters shaped for timbre and rhythm, three convolutions, two dense layers.

    Source: J. Pons & X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR 2019
    late-breaking demo (arXiv:1909.06654).
    """

    default_layer: ClassVar[str] = "taggram"
    layers = (
        "timbral",
        "temporal",
        "cnn1",
        "cnn2",
        "cnn3",
        "mean_pool",
        "max_pool",
        "penultimate",
        "logits",
        "taggram",
    )

    def __init__(self, n_labels: int = 50, n_mels: int = 96, n_filters_midend: int = 64, n_units: int = 200) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, eps=_EPSILON, momentum=_MOMENTUM)
        self.timbral = nn.ModuleList(_Branch(_N_TIMBRAL, 7, int(fraction * n_mels)) for fraction in _TIMBRAL_FRACTIONS)
        self.temporal = nn.ModuleList(_Branch(_N_TEMPORAL, n_frames, 1) for n_frames in _TEMPORAL_FRAMES)
        n_features = len(self.timbral) * _N_TIMBRAL + len(self.temporal) * _N_TEMPORAL
        widths = (n_features, n_filters_midend, n_filters_midend)
        self.midend = nn.ModuleList(_Step(width, n_filters_midend) for width in widths)
        n_pooled = 2 * (n_features + len(widths) * n_filters_midend)
        self.pool_norm = nn.BatchNorm1d(n_pooled, eps=_EPSILON, momentum=_MOMENTUM)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(n_pooled, n_units)
        self.dense_norm = nn.BatchNorm1d(n_units, eps=_EPSILON, momentum=_MOMENTUM)
        self.head = nn.Linear(n_units, n_labels)

    def _vector(self, value: Tensor) -> Tensor:
        return value.mean(dim=2) if value.ndim == 3 else value  # (B, C, T) -> (B, C)

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, T, n_mels).
        """
        (frames,) = inputs
        x = self.input_norm(frames.unsqueeze(1))  # (B, T, M) -> (B, 1, T, M)
        timbral = torch.cat([branch(x) for branch in self.timbral], dim=1)
        yield "timbral", timbral
        temporal = torch.cat([branch(x) for branch in self.temporal], dim=1)
        yield "temporal", temporal
        features = [torch.cat((timbral, temporal), dim=1)]
        for i, step in enumerate(self.midend):
            out = step(features[-1])
            features.append(out + features[-1] if i else out)  # a shortcut from the second on
            yield f"cnn{i + 1}", features[-1]
        yield from self._pooled(torch.cat(features, dim=1))

    def _pooled(self, features: Tensor) -> Stages:
        mean = features.mean(dim=2)  # (B, C, T) -> (B, C)
        yield "mean_pool", mean
        highest = features.amax(dim=2)
        yield "max_pool", highest
        pooled = torch.stack((highest, mean), dim=2).flatten(1)  # 2 x (B, C) -> (B, 2 C), each pair side by side
        dense = self.dense(self.dropout(self.pool_norm(pooled))).relu()
        penultimate = self.dense_norm(dense)
        yield "penultimate", penultimate
        logits = self.head(self.dropout(penultimate))
        yield "logits", logits
        yield "taggram", probabilities(logits)
