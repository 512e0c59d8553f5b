"""A transformer layer as originally published: Vaswani et al. 2017, "Attention is all you need", NeurIPS."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["PostNormLayer"]


class _SelfAttention(nn.Module):
    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.dropout = n_heads, dropout
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        # (B, N, d) -> (B, N, heads, d / heads) -> (B, heads, N, d / heads)
        q, k, v = (
            layer(x).unflatten(2, (self.n_heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=None if mask is None else mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        out: Tensor = self.output(attended.transpose(1, 2).flatten(2))  # (B, heads, N, d / heads) -> (B, N, d)
        return out


class PostNormLayer(nn.Module):
    """Attention and feed-forward network, each with a residual connection and layer normalisation after it."""

    def __init__(
        self,
        width: int,
        n_heads: int,
        feedforward_size: int,
        dropout: float,
        activation: nn.Module,
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.attention = _SelfAttention(width, n_heads, dropout)
        self.attention_norm = nn.LayerNorm(width, eps=epsilon)
        self.widen, self.narrow = nn.Linear(width, feedforward_size), nn.Linear(feedforward_size, width)
        self.output_norm = nn.LayerNorm(width, eps=epsilon)
        self.dropout, self.activation = nn.Dropout(dropout), activation

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compute the layer.

        Shapes: x (B, N, width), mask (B, N) -> (B, N, width).
        """
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        out: Tensor = self.output_norm(x + self.dropout(self.narrow(self.activation(self.widen(x)))))
        return out
