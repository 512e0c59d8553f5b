"""CNN and transformer: Li, Qu, Huang & Metze 2022, "AudioTagging done right", Interspeech (arXiv:2203.13448).

The convolutions and the poolings are those of TALNet. As published, one layer of the transformer is run several times.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_audio.nets._backbones import check_size
from sklearn_audio.nets._talnet import ConvStack, FrameDecider, FramePool, FramePooling
from sklearn_audio.nets._transformer import PostNormLayer

__all__ = ["CNNTransformer"]

_N_HEADS = 8
_LOUDER = 8  # the frames, next to the positions that are added to them


class CNNTransformer(FrameDecider):
    """Ten convolutions, a transformer, decisions every four frames, and their pooling.

    Parameters
    ----------
    n_outputs : int
        Logits per clip.
    n_features : int
        Numbers per frame, at least 32; 64 or 128 in the paper.
    n_embedding : int, default=1024
        Numbers per vector, about: the attribute of this name tells how many there are, a multiple of eight.
    pooling : {"max", "mean", "linear", "exponential", "attention"}, default="linear"
        How the decisions become that on the clip.
    n_layers : int, default=2
        Passes through the transformer.
    shared_layers : bool, default=True
        All passes go through one layer, as published; else each has its own.
    positions : bool, default=False
        Add sines of the time to the frames.
    dropout : float, default=0.0
        Share of the numbers dropped before each convolution and before the transformer and behind it.
    transformer_dropout : float, default=0.5
        Share of the attention and of the outputs dropped within the transformer.

    Raises
    ------
    ValueError
        If the frames are too narrow, or there is no such pooling.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import CNNTransformer
    >>> network = CNNTransformer(3, 64, n_embedding=128).eval()
    >>> network(torch.zeros(2, 20, 64)).shape, network.embed(torch.zeros(2, 20, 64)).shape
    (torch.Size([2, 3]), torch.Size([2, 128]))
    """

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
        """Compute the vectors that the decisions are made on.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features)
            Log-mel frames, at least four.

        Returns
        -------
        Tensor of shape (B, T // 4, n_embedding)
            One vector per four frames.
        """
        if self.positions:
            frames = _LOUDER * frames + _sines(frames)
        x = self.convolutions(frames)
        for i in range(self.n_passes):
            x = self.layers[i % len(self.layers)](x)
        kept: Tensor = self.dropout(x)
        return kept


def _sines(frames: Tensor) -> Tensor:
    """Sines and cosines of the time, in pairs, each of a longer period than the one before."""
    n_frames, width = frames.shape[1:]
    # In double precision and rounded once, as the last bits of a single-precision sine depend on the processor; on the
    # CPU, as not every device has double precision.
    exponents = torch.arange(0, width, 2, dtype=torch.float64, device="cpu") / width
    phases = torch.arange(n_frames, dtype=torch.float64, device="cpu")[:, None] * 10000.0**-exponents
    pairs = torch.stack([phases.sin(), phases.cos()], dim=2).flatten(1)  # 2 x (T, M / 2) -> (T, M / 2, 2) -> (T, M)
    return pairs[:, :width].to(frames)
