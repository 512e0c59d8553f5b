"""Small networks for few clips: Pons, Serra & Serra 2019, "Training neural audio classifiers with few data", ICASSP.

arXiv:1810.10274. SB-CNN is that of Salamon & Bello 2017, IEEE SPL 24(3), and "timbre" goes back to Pons et al. 2017,
EUSIPCO. There the kernels are (time, frequency), too; weights are drawn by Xavier's rule.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._backbones import Backbone, check_size
from sklearn_audio.nets._panns import initialise

__all__ = ["SBCNN", "VGG", "LearnedLog", "Timbre"]

# Of the batch norms, as published. Their averages follow faster than there, which few clips, and so few steps, need.
_EPSILON = 1e-3


class LearnedLog(nn.Module):
    """Compress power by ``log(alpha * x + beta)`` with a learned alpha and beta, both positive.

    Stands before a network whose frames would otherwise be logarithms. At the start alpha is ``exp(7)`` and beta
    ``log(1 + e)``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import LearnedLog
    >>> LearnedLog()(torch.zeros(2, 5, 64)).shape
    torch.Size([2, 5, 64])
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor(7.0))
        self.raw_beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, frames: Tensor) -> Tensor:
        """Compress.

        Parameters
        ----------
        frames : Tensor of any shape
            Power, at least zero.

        Returns
        -------
        Tensor of the same shape
            Logarithms.
        """
        return torch.log(self.log_alpha.exp() * frames + F.softplus(self.raw_beta))


class _FlatNetwork(Backbone):
    """Maps, flattened; what is behind them depends on their size."""

    fixed_length: ClassVar[bool] = True
    dropout: nn.Dropout
    head: nn.Linear

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Parameters
        ----------
        frames : Tensor of shape (B, n_frames, n_features)
            Log-mel frames.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        logits: Tensor = self.head(self.dropout(self.embed(frames)))
        return logits


class SBCNN(_FlatNetwork):
    """Three 5x5 convolutions and two dense layers, for clips of one length.

    Parameters
    ----------
    n_outputs : int
        Logits per clip.
    n_features : int
        Numbers per frame, at least 32; 128 as published.
    n_frames : int
        Frames of all clips, at least 100; 128 as published.
    dropout : float, default=0.5
        Share of the numbers dropped before each dense layer.
    input_norm : bool, default=False
        Begin with a batch norm over all frames and bands, the second variant of the paper's code.

    Raises
    ------
    ValueError
        If the frames are too few or too narrow.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import SBCNN
    >>> network = SBCNN(10, 128, 128).eval()
    >>> network(torch.zeros(2, 128, 128)).shape, network.embed(torch.zeros(2, 128, 128)).shape
    (torch.Size([2, 10]), torch.Size([2, 64]))
    """

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
        n_places = (((n_frames - 4) // 4 - 4) // 4 - 4) * (((n_features - 4) // 2 - 4) // 2 - 4)
        self.dense = nn.Linear(48 * n_places, self.n_embedding)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.n_embedding, n_outputs)
        initialise(self)

    def embed(self, frames: Tensor) -> Tensor:
        """Compute what the last dense layer reads.

        Parameters
        ----------
        frames : Tensor of shape (B, n_frames, n_features)
            Log-mel frames.

        Returns
        -------
        Tensor of shape (B, 64)
            One vector per clip.
        """
        maps = self.maps(self.norm(frames.unsqueeze(1)))  # (B, T, M) -> (B, 1, T, M) -> (B, 48, T', M')
        return F.relu(self.dense(self.dropout(maps.flatten(1))))


class VGG(_FlatNetwork):
    """Five blocks of one 3x3 convolution and one dense layer, for clips of one length.

    Parameters
    ----------
    n_outputs : int
        Logits per clip.
    n_features : int
        Numbers per frame, at least 32; 128 as published.
    n_frames : int
        Frames of all clips, at least 32; 128 as published.
    n_filters : int, default=32
        Filters of each convolution; 32 and 128 are published.
    dropout : float, default=0.5
        Share of the numbers dropped before the dense layer.

    Raises
    ------
    ValueError
        If the frames are too few or too narrow.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import VGG
    >>> network = VGG(10, 128, 128).eval()
    >>> network(torch.zeros(2, 128, 128)).shape, network.embed(torch.zeros(2, 128, 128)).shape
    (torch.Size([2, 10]), torch.Size([2, 512]))
    """

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
        """Compute what the dense layer reads.

        Parameters
        ----------
        frames : Tensor of shape (B, n_frames, n_features)
            Log-mel frames.

        Returns
        -------
        Tensor of shape (B, n_filters * (n_frames // 32) * (n_features // 32))
            One vector per clip.
        """
        maps: Tensor = self.maps(frames.unsqueeze(1))  # (B, T, M) -> (B, 1, T, M) -> (B, C, T // 32, M // 32)
        return maps.flatten(1)


class Timbre(Backbone):
    """One convolution, as high as most of the spectrum, and the maximum of each filter: one filter per output.

    Parameters
    ----------
    n_outputs : int
        Logits per clip.
    n_features : int
        Numbers per frame; 128 as published. The filters span 108 of 128 of them, and seven frames.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import Timbre
    >>> Timbre(10, 128).eval()(torch.zeros(2, 50, 128)).shape
    torch.Size([2, 10])
    """

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

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features)
            Log-mel frames, at least seven.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        maps: Tensor = self.conv(self.norm(frames.unsqueeze(1)))  # (B, T, M) -> (B, 1, T, M) -> (B, C, T - 6, M')
        return maps.amax(dim=(2, 3))

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the maximum of each filter; these are the logits, as nothing comes after them.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features)
            Log-mel frames, at least seven.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            One vector per clip.
        """
        return self.forward(frames)
