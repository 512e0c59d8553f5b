"""Small networks for few clips: Pons, Serra & Serra 2019, "Training neural audio classifiers with few data", ICASSP.

arXiv:1810.10274. SB-CNN is from Salamon & Bello 2017, IEEE SPL 24(3), and "timbre" from Pons et al. 2017, EUSIPCO. As
there, kernels are (time, frequency), and weights have Xavier initialisation.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._backbones import Backbone, check_size
from sklearn_audio.nets._panns import initialise

__all__ = ["SBCNN", "VGG", "LearnedLog", "Timbre"]

# Of the batch norms, as published. Their momentum is larger than published, as few clips mean few training steps.
_EPSILON = 1e-3


class LearnedLog(nn.Module):
    """Compress power by ``log(alpha * x + beta)`` with a learned alpha and beta, both positive.

    Used in place of log compression by the front end. Initially alpha is ``exp(7)`` and beta ``log(1 + e)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor(7.0))
        self.raw_beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, frames: Tensor) -> Tensor:
        """Compress the frames."""
        return torch.log(self.log_alpha.exp() * frames + F.softplus(self.raw_beta))


class _FlatNetwork(Backbone):
    """Base of networks on flattened maps, whose dense layers depend on the number of frames."""

    fixed_length: ClassVar[bool] = True
    dropout: nn.Dropout
    head: nn.Linear

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, n_frames, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.head(self.dropout(self.embed(frames)))
        return logits


class SBCNN(_FlatNetwork):
    """Three 5x5 convolutions and two dense layers, for clips of one length."""

    shortest = 100
    fewest_features = 32
    n_embedding = 64

    def __init__(
        self, n_outputs: int, n_features: int, n_frames: int, *, dropout: float = 0.5, input_norm: bool = False
    ) -> None:
        super().__init__()
        check_size("SBCNN", n_features, n_frames, fewest_features=self.fewest_features, shortest=self.shortest)
        self.norm = nn.BatchNorm2d(1, eps=_EPSILON) if input_norm else nn.Identity()
        self.maps = nn.Sequential(
            *(nn.Conv2d(1, 24, 5), nn.ReLU(), nn.MaxPool2d((4, 2))),
            *(nn.Conv2d(24, 48, 5), nn.ReLU(), nn.MaxPool2d((4, 2))),
            *(nn.Conv2d(48, 48, 5), nn.ReLU()),
        )
        n_cells = (((n_frames - 4) // 4 - 4) // 4 - 4) * (((n_features - 4) // 2 - 4) // 2 - 4)
        self.dense = nn.Linear(48 * n_cells, self.n_embedding)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.n_embedding, n_outputs)
        initialise(self)

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the input of the last dense layer.

        Shapes: frames (B, n_frames, n_features) -> (B, 64).
        """
        maps = self.maps(self.norm(frames.unsqueeze(1)))  # (B, T, M) -> (B, 1, T, M) -> (B, 48, T', M')
        return F.relu(self.dense(self.dropout(maps.flatten(1))))


class VGG(_FlatNetwork):
    """Five blocks of one 3x3 convolution and one dense layer, for clips of one length."""

    shortest = 32
    fewest_features = 32

    def __init__(
        self, n_outputs: int, n_features: int, n_frames: int, *, n_filters: int = 32, dropout: float = 0.5
    ) -> None:
        super().__init__()
        check_size("VGG", n_features, n_frames, fewest_features=self.fewest_features, shortest=self.shortest)
        steps: list[nn.Module] = [nn.BatchNorm2d(1, eps=_EPSILON)]
        for i in range(5):
            conv = nn.Conv2d(1 if i == 0 else n_filters, n_filters, 3, padding=1)
            steps += [conv, nn.ELU(), nn.BatchNorm2d(n_filters, eps=_EPSILON), nn.MaxPool2d(2)]
        self.maps = nn.Sequential(*steps)
        self.n_embedding = n_filters * (n_frames // 32) * (n_features // 32)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.n_embedding, n_outputs)
        initialise(self)

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the input of the dense layer.

        Shapes: frames (B, n_frames, n_features) -> (B, n_filters * (n_frames // 32) * (n_features // 32)).
        """
        maps: Tensor = self.maps(frames.unsqueeze(1))  # (B, T, M) -> (B, 1, T, M) -> (B, C, T // 32, M // 32)
        return maps.flatten(1)


class Timbre(Backbone):
    """One convolution that spans most of the spectrum, and the maximum of each filter: one filter per output."""

    shortest = 7

    def __init__(self, n_outputs: int, n_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1, eps=_EPSILON)
        height = max(1, round(n_features * 108 / 128))
        self.conv = nn.Conv2d(1, n_outputs, (self.shortest, height))
        self.n_embedding = n_outputs
        initialise(self)

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        maps: Tensor = self.conv(self.norm(frames.unsqueeze(1)))  # (B, T, M) -> (B, 1, T, M) -> (B, C, T - 6, M')
        return maps.amax(dim=(2, 3))

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the maximum of each filter, which are also the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        return self.forward(frames)
