"""What networks have in common that are trained on frames or waveforms of one length per batch."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

__all__ = ["Backbone", "LayeredBackbone", "check_size"]


def check_size(name: str, n_features: int, n_frames: int | None, *, fewest_features: int, shortest: int) -> None:
    """Refuse frames and clips of which poolings and convolutions would leave nothing.

    Parameters
    ----------
    name : str
        Of the network, for the error.
    n_features : int
        Numbers per frame.
    n_frames : int or None
        Frames per clip; None where they do not matter.
    fewest_features, shortest : int
        What the network takes at least.

    Raises
    ------
    ValueError
        If there are too few of either.

    Examples
    --------
    >>> from sklearn_audio.nets._backbones import check_size
    >>> check_size("Cnn14", 64, None, fewest_features=32, shortest=32)
    """
    if n_features < fewest_features:
        raise ValueError(
            f"{name} takes frames of at least {fewest_features} numbers, but they have {n_features}; compute more mel "
            "bands or choose another architecture."
        )
    if n_frames is not None and n_frames < shortest:
        raise ValueError(
            f"{name} takes at least {shortest} frames, but n_frames is {n_frames}; give longer clips or choose another "
            "architecture."
        )


class Backbone(nn.Module):
    """A network that maps the frames of a clip to one vector, and the vector to logits.

    Attributes
    ----------
    waveforms : bool
        Whether it reads waveforms instead of frames.
    fixed_length : bool
        Whether its constructor takes `n_frames` and all clips must be as long.
    shortest : int
        Frames, or timepoints, that it takes at least.
    fewest_features : int
        Numbers per frame that it takes at least.
    n_embedding : int
        Numbers that `embed` returns per clip.
    """

    waveforms: bool = False
    fixed_length: ClassVar[bool] = False
    shortest: int = 1
    fewest_features: int = 1
    n_embedding: int

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Clips of one length.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        raise TypeError(f"{type(self).__name__} must define forward.")  # pragma: no cover - abstract

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the vector that the last layer of the network reads.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Clips of one length.

        Returns
        -------
        Tensor of shape (B, n_embedding)
            One vector per clip.
        """
        raise TypeError(f"{type(self).__name__} must define embed.")  # pragma: no cover - abstract


class LayeredBackbone(Backbone):
    """A published network, of which training needs the logits and `embed` the layer before them.

    Parameters
    ----------
    network : nn.Module
        A network with named layers, "logits" among them.
    n_embedding : int
        Numbers of the layer that `embed` returns.
    layer : str, default="embedding"
        Name of that layer.
    waveforms : bool, default=False
        Whether the network reads waveforms.
    shortest : int, default=1
        Frames, or timepoints, that it takes at least.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import Cnn6, LayeredBackbone
    >>> backbone = LayeredBackbone(Cnn6(3, n_mels=32), 512, shortest=16)
    >>> backbone(torch.zeros(2, 20, 32)).shape, backbone.embed(torch.zeros(2, 20, 32)).shape
    (torch.Size([2, 3]), torch.Size([2, 512]))
    """

    def __init__(
        self,
        network: nn.Module,
        n_embedding: int,
        layer: str = "embedding",
        *,
        waveforms: bool = False,
        shortest: int = 1,
    ) -> None:
        super().__init__()
        self.network = network
        self.n_embedding, self.layer = n_embedding, layer
        self.waveforms, self.shortest = waveforms, shortest

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Clips of one length.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        logits: Tensor = self.network(frames, layer="logits")
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the layer before the logits.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Clips of one length.

        Returns
        -------
        Tensor of shape (B, n_embedding)
            One vector per clip.
        """
        vectors: Tensor = self.network(frames, layer=self.layer)
        return vectors
