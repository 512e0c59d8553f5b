"""BERT: Devlin, Chang, Lee & Toutanova 2019, "BERT: pre-training of deep bidirectional transformers", NAACL-HLT.

There is one segment type, whose vector is part of the position embeddings. Each row begins with a learned vector; its
output, through a tanh layer, is classified.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from sklearn_audio.nets._sequences import MaskedPooling, length_mask, sequence_input
from sklearn_audio.nets._transformer import PostNormLayer

__all__ = ["BERTEncoder", "SequenceBERT"]

_EPSILON = 1e-12
_INITIAL_DEVIATION = 0.02


class BERTEncoder(nn.Module):
    """Transformer encoder that prepends a learned vector to each row."""

    def __init__(
        self,
        width: int = 128,
        n_layers: int = 2,
        n_heads: int = 4,
        feedforward_size: int = 512,
        max_length: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(width))
        self.positions = nn.Parameter(torch.zeros(max_length, width))
        self.norm = nn.LayerNorm(width, eps=_EPSILON)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            PostNormLayer(width, n_heads, feedforward_size, dropout, nn.GELU(), _EPSILON) for _ in range(n_layers)
        )
        for weights in [self.first, self.positions]:
            nn.init.normal_(weights, std=_INITIAL_DEVIATION)
        self.apply(_initialise)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Encode padded rows.

        Shapes: vectors (B, T, width), lengths (B,) -> (B, T + 1, width).
        """
        x = torch.cat([self.first.expand(len(vectors), 1, -1), vectors], dim=1)  # (B, T, d) -> (B, T + 1, d)
        mask = length_mask(lengths + 1, x.shape[1])
        x = self.dropout(self.norm(x + self.positions[: x.shape[1]]))
        for layer in self.layers:
            x = layer(x, mask)
        out: Tensor = x
        return out


class SequenceBERT(nn.Module):
    """BERT encoder over frames or tokens, with a classification head."""

    def __init__(
        self,
        n_outputs: int,
        *,
        n_features: int | None = None,
        n_tokens: int | None = None,
        width: int = 128,
        n_layers: int = 2,
        n_heads: int = 4,
        feedforward_size: int = 512,
        max_length: int = 512,
        pooling: Literal["first", "mean"] = "first",
        dropout: float = 0.1,
        per_clip: bool = False,
    ) -> None:
        super().__init__()
        self.input = sequence_input(n_features, n_tokens, width, per_clip=per_clip)
        self.encoder = BERTEncoder(width, n_layers, n_heads, feedforward_size, max_length, dropout)
        self.pool = MaskedPooling("mean", width) if pooling == "mean" else None
        self.pooler = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, n_outputs)
        self.apply(_initialise)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_outputs).
        """
        encoded = self.encoder(self.input(values, lengths), lengths)
        pooled = encoded[:, 0] if self.pool is None else self.pool(encoded[:, 1:], lengths)
        logits: Tensor = self.head(self.dropout(torch.tanh(self.pooler(pooled))))
        return logits


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=_INITIAL_DEVIATION)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=_INITIAL_DEVIATION)
        with torch.no_grad():
            module.weight[module.padding_idx] = 0
