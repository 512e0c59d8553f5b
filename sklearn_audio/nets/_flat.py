"""Baselines: the mean of the vectors, which ignores order, and a perceptron over all frames at once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._sequences import MaskedPooling, sequence_input

__all__ = ["MeanNetwork", "SequenceMLP"]


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
        layers: list[nn.Module] = []
        width = n_steps * self.input.width
        for size in hidden_sizes:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, n_outputs))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: values (B, n_steps, n_features), lengths (B,) -> (B, n_outputs).
        """
        logits: Tensor = self.layers(self.input(values, lengths).flatten(1))  # (B, T, d) -> (B, T * d)
        return logits
