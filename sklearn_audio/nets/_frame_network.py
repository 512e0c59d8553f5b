"""What stands around a network that is trained on frames or waveforms: compression, normalisation, its least size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._architectures import ARCHITECTURES, Architecture
from sklearn_audio.nets._few_audio import LearnedLog
from sklearn_audio.nets._sequences import FrameInput

__all__ = ["FrameNetwork", "architecture_of"]


def architecture_of(architecture: str | type[nn.Module]) -> Architecture:
    """Look a network up.

    Parameters
    ----------
    architecture : str or type
        A name of `ARCHITECTURES`, or a class of one's own, called with `n_outputs`, `n_features` and options; its
        attributes `waveforms`, `shortest` and `fewest_features` are heeded where it has them.

    Returns
    -------
    Architecture
        How to build it, and what it takes.

    Examples
    --------
    >>> from sklearn_audio.nets import architecture_of
    >>> architecture_of("leenet11").waveforms
    True
    """
    if isinstance(architecture, str):
        return ARCHITECTURES[architecture]
    network_class = architecture

    def build(n_outputs: int, n_features: int | None, n_frames: int | None = None, **options: Any) -> nn.Module:
        return network_class(n_outputs=n_outputs, n_features=n_features, **options)

    return Architecture(
        build,
        waveforms=bool(getattr(network_class, "waveforms", False)),
        shortest=_number(network_class, "shortest"),
        fewest_features=_number(network_class, "fewest_features"),
    )


def _number(network_class: type[nn.Module], name: str) -> int:
    value = getattr(network_class, name, 1)
    return value if isinstance(value, int) else 1


class FrameNetwork(nn.Module):
    """A network of `ARCHITECTURES`, or of one's own, behind the normalisation that is learned with it.

    Frames of fewer numbers than the network takes are filled up with zeros once they are normalised.

    Parameters
    ----------
    n_outputs : int
        Logits per row.
    n_features : int, default=None
        Numbers per frame; None for waveforms.
    architecture : str or type, default="cnn6"
        As in `architecture_of`.
    n_frames : int, default=None
        Frames of every row, for the networks that are built for one length.
    options : mapping, default=None
        More arguments of the network.
    per_clip : bool, default=False
        Normalise by the row itself, else by the buffers `input.mean` and `input.scale`.
    learned_log : bool, default=False
        Compress by `LearnedLog` first.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import FrameNetwork
    >>> network = FrameNetwork(3, n_features=64, architecture="cnn6").eval()
    >>> network(torch.zeros(2, 40, 64), torch.tensor([40, 40])).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_outputs: int,
        *,
        n_features: int | None = None,
        architecture: str | type[nn.Module] = "cnn6",
        n_frames: int | None = None,
        options: Mapping[str, Any] | None = None,
        per_clip: bool = False,
        learned_log: bool = False,
    ) -> None:
        super().__init__()
        what = architecture_of(architecture)
        width = 1 if n_features is None else n_features
        self.n_missing = max(0, what.fewest_features - width)
        self.compress: nn.Module = LearnedLog() if learned_log else nn.Identity()
        self.input = FrameInput(width, per_clip=per_clip)
        self.backbone = what.build(n_outputs, width + self.n_missing, n_frames, **(options or {}))
        if what.channels_last:
            self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch omits it

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Parameters
        ----------
        values : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Rows of one length.
        lengths : Tensor of int, shape (B,)
            What of each row is real; the rest becomes zero once the row is normalised.

        Returns
        -------
        Tensor of shape (B, n_outputs)
            Logits.
        """
        logits: Tensor = self.backbone(self.normalised(values, lengths))
        return logits

    def embed(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute what the last layer reads, with networks that tell.

        Parameters
        ----------
        values : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Rows of one length.
        lengths : Tensor of int, shape (B,)
            What of each row is real.

        Returns
        -------
        Tensor of shape (B, n_embedding)
            One vector per row.
        """
        embed: Any = self.backbone.embed
        vectors: Tensor = embed(self.normalised(values, lengths))
        return vectors

    def normalised(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute what the network itself is given.

        Parameters
        ----------
        values : Tensor of shape (B, T, n_features), or of shape (B, T) for waveforms
            Rows of one length.
        lengths : Tensor of int, shape (B,)
            What of each row is real.

        Returns
        -------
        Tensor of shape (B, T, at least n_features), or of shape (B, T)
            Compressed, normalised, and zero where nothing is real.
        """
        if values.ndim == 2:
            normal: Tensor = self.input(values[..., None], lengths)  # (B, T) -> (B, T, 1)
            return normal[..., 0]
        normal = self.input(self.compress(values), lengths)
        return F.pad(normal, (0, self.n_missing)) if self.n_missing else normal
