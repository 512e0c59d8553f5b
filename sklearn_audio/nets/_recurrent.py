"""LSTM over sequences: Hochreiter & Schmidhuber 1997, "Long short-term memory", Neural Computation 9(8).

Bidirectional as in Schuster & Paliwal 1997. The backward direction starts at the end of each row, so that padding comes
last in both directions and the output equals that of a packed sequence. Unlike with packing, the order of summation
does not depend on the other rows of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_audio.nets._sequences import MaskedPooling, SequencePool, length_mask, sequence_input

__all__ = ["SequenceLSTM"]


class SequenceLSTM(nn.Module):
    """LSTM layers, pooling over time, and a linear head."""

    def __init__(
        self,
        n_outputs: int,
        *,
        n_features: int | None = None,
        n_tokens: int | None = None,
        embedding_size: int = 64,
        hidden_size: int = 128,
        n_layers: int = 1,
        bidirectional: bool = True,
        pooling: SequencePool = "mean",
        dropout: float = 0.0,
        per_clip: bool = False,
    ) -> None:
        super().__init__()
        self.input = sequence_input(n_features, n_tokens, embedding_size, project=False, per_clip=per_clip)
        n_directions = 2 if bidirectional else 1
        widths = [self.input.width] + [hidden_size * n_directions] * (n_layers - 1)
        self.forwards = nn.ModuleList(nn.LSTM(width, hidden_size, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(
            nn.LSTM(width, hidden_size, batch_first=True) for width in (widths if bidirectional else [])
        )
        self.dropout = nn.Dropout(dropout)
        self.pool = MaskedPooling(pooling, hidden_size * n_directions)
        self.head = nn.Linear(hidden_size * n_directions, n_outputs)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: values (B, T, n_features), lengths (B,) -> (B, n_outputs).
        """
        x = self.input(values, lengths)
        mirrored = _mirror(lengths, x.shape[1])
        for i, ahead in enumerate(self.forwards):
            x = self.dropout(x) if i else x
            directions = [ahead(x)[0]]
            if self.backwards:
                directions.append(_reorder(self.backwards[i](_reorder(x, mirrored))[0], mirrored))
            x = torch.cat(directions, dim=2)  # 2 x (B, T, d) -> (B, T, 2 d)
        logits: Tensor = self.head(self.dropout(self._pool(x, lengths)))
        return logits

    def _pool(self, x: Tensor, lengths: Tensor) -> Tensor:
        pooled: Tensor = self.pool(x, lengths)
        if self.pool.pooling == "last" and self.backwards:
            width = x.shape[2] // 2
            # the last output of the backward direction is at the first step
            return torch.cat([pooled[:, :width], x[:, 0, width:]], dim=1)
        return pooled


def _mirror(lengths: Tensor, n_steps: int) -> Tensor:
    """Return positions that reverse the valid steps of each row and leave its padding; their own inverse."""
    positions = torch.arange(n_steps, device=lengths.device).expand(len(lengths), -1)
    return torch.where(length_mask(lengths, n_steps), lengths[:, None] - 1 - positions, positions)


def _reorder(x: Tensor, positions: Tensor) -> Tensor:
    return x.gather(1, positions[..., None].expand_as(x))
