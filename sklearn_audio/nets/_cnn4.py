"""The network of deep_audio_features: https://github.com/tyiannak/deep_audio_features, T. Giannakopoulos et al.

Its last layer has a leaky rectifier on the logits there, which tilts every probability; here the logits stay as they
are.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from sklearn_audio.nets._autoencoder import FrameEncoder
from sklearn_audio.nets._backbones import Backbone, check_size

__all__ = ["Cnn4"]

_N_CHANNELS = 256  # behind the last block
_DROPOUT = (0.75, 0.5)


class Cnn4(Backbone):
    """Four blocks of one 5x5 convolution and three dense layers, for clips of one length.

    Parameters
    ----------
    n_outputs : int
        Logits per clip.
    n_features : int
        Numbers per frame, at least 16; 128 as published.
    n_frames : int
        Frames of all clips, at least 16; 51 as published.
    dropout : float, default=None
        Share of the numbers dropped before the first dense layer and before the second; None drops 0.75 and 0.5 of
        them, as published.

    Raises
    ------
    ValueError
        If the frames are too few or too narrow.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import Cnn4
    >>> network = Cnn4(4, 64, 30).eval()
    >>> network(torch.zeros(2, 30, 64)).shape, network.embed(torch.zeros(2, 30, 64)).shape
    (torch.Size([2, 4]), torch.Size([2, 256]))
    """

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

        Parameters
        ----------
        frames : Tensor of shape (B, n_frames, n_features)
            Log-mel frames.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        logits: Tensor = self.head(self.embed(frames))
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Compute what the last dense layer reads.

        Parameters
        ----------
        frames : Tensor of shape (B, n_frames, n_features)
            Log-mel frames.

        Returns
        -------
        Tensor of shape (B, 256)
            One vector per clip.
        """
        maps = self.encoder(frames)  # (B, T, M) -> (B, 256, T // 16, M // 16)
        vectors: Tensor = self.dense(maps.flatten(1))
        return vectors
