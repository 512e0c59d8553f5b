"""AST: Gong, Chung & Glass 2021, "AST: audio spectrogram transformer", Interspeech (arXiv:2104.01778).

The encoder is the distilled DeiT of Touvron et al. 2021. The parameters have the names of the published checkpoints.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._layered import LayeredNetwork, Stages, probabilities

__all__ = ["AST", "AST_SIZES", "adapt_positions", "grid_shape"]

_PATCH = 16
AST_SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}  # width, heads
_DEPTH = 12


def grid_shape(n_frames: int, n_mels: int, stride: tuple[int, int]) -> tuple[int, int]:
    """Return the number of patches of 16 x 16 along frequency and time."""
    return (n_mels - _PATCH) // stride[0] + 1, (n_frames - _PATCH) // stride[1] + 1


def adapt_positions(positions: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Adapt position embeddings to another grid of patches, as in the paper.

    Along each axis, first time and then frequency, a smaller grid is cropped from the middle of the old one, and a
    larger one is interpolated linearly.

    Shapes: positions (1, 2 + old[0] * old[1], width) -> (1, 2 + new[0] * new[1], width).
    """
    if positions.shape[1] != 2 + old[0] * old[1]:
        raise ValueError(f"{positions.shape[1]} positions are not 2 + {old[0]} x {old[1]}.")
    grid = positions[:, 2:].transpose(1, 2).reshape(1, -1, *old)  # (1, f * t, d) -> (1, d, f, t)
    for axis in (3, 2):
        size, wanted = grid.shape[axis], new[axis - 2]
        if wanted <= size:
            grid = grid.narrow(axis, size // 2 - wanted // 2, wanted)
        else:
            shape = (grid.shape[2], wanted) if axis == 3 else (wanted, grid.shape[3])
            grid = F.interpolate(grid, size=shape, mode="bilinear")
    return torch.cat([positions[:, :2], grid.flatten(2).transpose(1, 2)], dim=1)  # (1, d, f, t) -> (1, 2 + f * t, d)


class _Attention(nn.Module):
    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, n_first: int | None = None) -> Tensor:
        """Compute attention of the first tokens, or of all, to all."""
        width = x.shape[2]
        if n_first is None:
            q, k, v = self.qkv(x).chunk(3, dim=2)  # (B, N, 3 d) -> 3 x (B, N, d)
        else:
            weight, bias = self.qkv.weight, self.qkv.bias
            q = F.linear(x[:, :n_first], weight[:width], bias[:width])  # (B, n, d)
            k, v = F.linear(x, weight[width:], bias[width:]).chunk(2, dim=2)  # (B, N, 2 d) -> 2 x (B, N, d)
        x = F.scaled_dot_product_attention(self._heads(q), self._heads(k), self._heads(v))
        out: Tensor = self.proj(x.transpose(1, 2).flatten(2))  # (B, heads, n, d / heads) -> (B, n, d)
        return out

    def _heads(self, x: Tensor) -> Tensor:
        # (B, n, d) -> (B, n, heads, d / heads) -> (B, heads, n, d / heads)
        return x.reshape(*x.shape[:2], self.n_heads, -1).transpose(1, 2)


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class _Block(nn.Module):
    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = _Attention(width, n_heads), _Mlp(width)

    def forward(self, x: Tensor, n_first: int | None = None) -> Tensor:
        """Compute the block for the first tokens, or for all."""
        x = x[:, :n_first] + self.attn(self.norm1(x), n_first)
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class _PatchEmbed(nn.Module):
    def __init__(self, width: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, width, _PATCH, stride=stride)


class _Encoder(nn.Module):
    """The distilled vision transformer."""

    def __init__(self, width: int, n_heads: int, n_patches: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, n_patches + 2, width))
        self.patch_embed = _PatchEmbed(width, stride)
        self.blocks = nn.Sequential(*(_Block(width, n_heads) for _ in range(_DEPTH)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def tokens(self, frames: Tensor) -> Tensor:
        x = self.patch_embed.proj(frames.transpose(1, 2).unsqueeze(1))  # (B, T, M) -> (B, 1, M, T) -> (B, d, f, t)
        x = x.flatten(2).transpose(1, 2)  # (B, d, f, t) -> (B, f * t, d)
        first = (token.expand(len(x), -1, -1) for token in (self.cls_token, self.dist_token))
        return torch.cat([*first, x], dim=1) + self.pos_embed  # (B, 2 + f * t, d)


class AST(LayeredNetwork):
    """Transformer on overlapping patches of a log-mel spectrogram."""

    def __init__(
        self,
        size: str = "base",
        n_labels: int | None = 527,
        *,
        n_frames: int = 1024,
        n_mels: int = 128,
        stride: tuple[int, int] = (10, 10),
    ) -> None:
        super().__init__()
        if size not in AST_SIZES:
            raise ValueError(f"no size {size!r}; choose one of {list(AST_SIZES)}.")
        width, n_heads = AST_SIZES[size]
        self.width = width
        self.grid = grid_shape(n_frames, n_mels, stride)
        self.v = _Encoder(width, n_heads, self.grid[0] * self.grid[1], stride)
        self.mlp_head = nn.Sequential()
        if n_labels is not None:
            self.mlp_head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_labels))
        for token in (self.v.cls_token, self.v.dist_token, self.v.pos_embed):
            nn.init.trunc_normal_(token, std=0.02)

        head = ("logits", "probabilities") if len(self.mlp_head) else ()
        self.layers = (*(f"block{i}" for i in range(1, _DEPTH + 1)), "embedding", *head)

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, n_frames, n_mels).
        """
        x = self.v.tokens(*inputs)
        for i, block in enumerate(self.v.blocks, start=1):
            if i < _DEPTH and f"block{i}" in wanted:
                # the patches of a requested block may not be needed: its output is always computed without them, so
                # that it does not depend on the other requested blocks, bit for bit
                yield f"block{i}", block(x, n_first=2).mean(dim=1)
            x = block(x, n_first=2 if i == _DEPTH else None)
        yield f"block{_DEPTH}", x.mean(dim=1)
        x = self.v.norm(x).mean(dim=1)  # (B, 2, d) -> (B, d)
        yield "embedding", x
        if len(self.mlp_head):
            x = self.mlp_head(x)
            yield "logits", x
            yield "probabilities", probabilities(x)
