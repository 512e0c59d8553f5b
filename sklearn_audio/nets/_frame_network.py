"""Wrapper of trainable networks: log compression and input normalisation before a backbone."""

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
    """Return the architecture of a network given by name or class."""
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
    """A network of `ARCHITECTURES`, or a class of the user, with normalisation of its input.

    Frames with fewer features than the network needs are padded with zeros after normalisation.
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
        takes = architecture_of(architecture)
        width = 1 if n_features is None else n_features
        self.n_missing = max(0, takes.fewest_features - width)
        self.compress: nn.Module = LearnedLog() if learned_log else nn.Identity()
        self.input = FrameInput(width, per_clip=per_clip)
        self.backbone = takes.build(n_outputs, width + self.n_missing, n_frames, **(options or {}))
        if takes.channels_last:
            self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch omits it

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_outputs).
        """
        logits: Tensor = self.backbone(self.normalised(values, lengths))
        return logits

    def embed(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the input of the last layer, if the backbone has `embed`.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_embedding).
        """
        embed: Any = self.backbone.embed
        vectors: Tensor = embed(self.normalised(values, lengths))
        return vectors

    def normalised(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the input of the backbone.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, T, at least n_features).
        """
        if values.ndim == 2:
            normal: Tensor = self.input(values[..., None], lengths)  # (B, T) -> (B, T, 1)
            return normal[..., 0]
        normal = self.input(self.compress(values), lengths)
        return F.pad(normal, (0, self.n_missing)) if self.n_missing else normal

    def start_from(self, encoder: Mapping[str, Tensor], architecture: object) -> None:
        """Copy the weights of a trained encoder into the blocks of the same names and shapes of the backbone."""
        own = self.backbone.state_dict()
        for name, array in encoder.items():
            if name not in own or own[name].shape != array.shape:
                there = tuple(own[name].shape) if name in own else "nothing"
                raise ValueError(
                    f"the encoder holds {name!r} of shape {tuple(array.shape)}, where architecture {architecture!r} "
                    f"has {there}; an encoder with the filters of its default starts 'cnn4' only."
                )
        # load_state_dict copies, so training the backbone does not change the encoder
        self.backbone.load_state_dict(own | dict(encoder))
