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
    """Look a network up."""
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

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_outputs).
        """
        logits: Tensor = self.backbone(self.normalised(values, lengths))
        return logits

    def embed(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute what the last layer reads, with networks that tell.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_embedding).
        """
        embed: Any = self.backbone.embed
        vectors: Tensor = embed(self.normalised(values, lengths))
        return vectors

    def normalised(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute what the network itself is given.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, T, at least n_features).
        """
        if values.ndim == 2:
            normal: Tensor = self.input(values[..., None], lengths)  # (B, T) -> (B, T, 1)
            return normal[..., 0]
        normal = self.input(self.compress(values), lengths)
        return F.pad(normal, (0, self.n_missing)) if self.n_missing else normal
