"""Baselines: the mean of the vectors, which ignores order, and a perceptron over all frames at once."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._backbones import Backbone, check_size
from sklearn_audio.nets._sequences import MaskedPooling, sequence_input

__all__ = ["MLP", "MeanNetwork", "SequenceMLP"]


class MeanNetwork(nn.Module):
    """Linear head on the mean of the vectors of a row."""

    def __init__(
        self,
        n_outputs: int,
        *,
        n_features: int | None = None,
        n_tokens: int | None = None,
        width: int = 128,
        dropout: float = 0.0,
        per_clip: bool = False,
    ) -> None:
        super().__init__()
        self.input = sequence_input(n_features, n_tokens, width, per_clip=per_clip)
        self.rectify = n_tokens is None  # else projection and head would be one linear map
        self.pool = MaskedPooling("mean", width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_outputs).
        """
        x = self.input(values, lengths)
        x = self.pool(F.relu(x) if self.rectify else x, lengths)
        logits: Tensor = self.head(self.dropout(x))
        return logits


class SequenceMLP(nn.Module):
    """Fully connected layers over all frames of a row, padded or cut to one length."""

    def __init__(
        self,
        n_outputs: int,
        *,
        n_steps: int,
        n_features: int | None = None,
        n_tokens: int | None = None,
        embedding_size: int = 64,
        hidden_sizes: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        per_clip: bool = False,
    ) -> None:
        super().__init__()
        self.input = sequence_input(n_features, n_tokens, embedding_size, project=False, per_clip=per_clip)
        layers, width = _hidden_layers(n_steps * self.input.width, hidden_sizes, dropout)
        self.layers = nn.Sequential(*layers, nn.Linear(width, n_outputs))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: values (B, n_steps, n_features), lengths (B,) -> (B, n_outputs).
        """
        logits: Tensor = self.layers(self.input(values, lengths).flatten(1))  # (B, T, d) -> (B, T * d)
        return logits


class MLP(Backbone):
    """Fully connected layers over all frames of a clip of one length."""

    fixed_length: ClassVar[bool] = True

    def __init__(
        self,
        n_outputs: int,
        n_features: int,
        n_frames: int,
        *,
        hidden_sizes: Sequence[int] = (256, 128),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        check_size("MLP", n_features, n_frames, fewest_features=self.fewest_features, shortest=self.shortest)
        layers, self.n_embedding = _hidden_layers(n_frames * n_features, hidden_sizes, dropout)
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(self.n_embedding, n_outputs)

    def embed(self, frames: Tensor) -> Tensor:
        """Compute the last hidden layer.

        Shapes: frames (B, n_frames, n_features) -> (B, n_embedding).
        """
        vectors: Tensor = self.hidden(frames.flatten(1))  # (B, T, d) -> (B, T * d)
        return vectors

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, n_frames, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.head(self.embed(frames))
        return logits


def _hidden_layers(width: int, sizes: Sequence[int], dropout: float) -> tuple[list[nn.Module], int]:
    """Create the layers before the last one, and return them with the width of their output."""
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(f"hidden_sizes={tuple(sizes)!r}: give whole numbers above 0.")
    layers: list[nn.Module] = []
    for size in map(int, sizes):
        layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
        width = size
    return layers, width
