"""PANNs: Kong et al. 2020, "PANNs: large-scale pretrained audio neural networks for audio pattern recognition".

IEEE/ACM TASLP 28, arXiv:1912.10211. This file has the plain convolutional networks and the parts that all PANNs share;
the residual and mobile networks, and those on waveforms, have their own files. The parameters have the names of the
published checkpoints.
"""

from __future__ import annotations

import itertools
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._layered import OVER_TIME, LayeredNetwork, Stages, probabilities

__all__ = ["HEAD", "Cnn6", "Cnn10", "Cnn14", "Cnn14DecisionLevel", "ConvBlock", "PANNsNetwork", "Stages", "initialise"]

HEAD = ("embedding", "logits", "probabilities")


def _names(n_blocks: int) -> tuple[str, ...]:
    return (*(f"block{i}" for i in range(1, n_blocks + 1)), *HEAD)


def initialise(network: nn.Module) -> None:
    """Initialise convolutions and dense layers: weights by Xavier's method, biases with zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class PANNsNetwork(LayeredNetwork):
    """Base of all PANNs: the layers over time, and the head."""

    dropout_of_pooled = 0.5
    dropout_of_maps = 0.0  # of the last maps
    # Maps are (B, C, T', M') as in the paper, or (B, C, M', T') with transposed kernels if set: long rows are faster on
    # a CPU.
    transposed = False

    def __init__(self, width: int, n_embedding: int, n_labels: int, n_mels: int | None) -> None:
        super().__init__()
        self.bn0: nn.Module = nn.Identity() if n_mels is None else nn.BatchNorm2d(n_mels)
        self.fc1 = nn.Linear(width, n_embedding)
        self.fc_audioset = nn.Linear(n_embedding, n_labels)

    @property
    def over_time(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every layer: those of the head are computed of each time step of the last map."""
        return self.layers

    def _steps(self, value: Tensor) -> Tensor:
        return self.upright(value).mean(dim=3)  # (B, C, T', M') -> (B, C, T')

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, T, n_mels).
        """
        last = inputs[-1]
        for name, last in self.all_maps(*inputs):
            yield name, last
        last = F.dropout(last, self.dropout_of_maps, self.training)
        yield from self.head(last)
        if any(name.endswith(OVER_TIME) for name in wanted):
            for name, steps in self.head_of_steps(last):
                yield name + OVER_TIME, steps.transpose(1, 2)  # (B, T', d) -> (B, d, T')

    def all_maps(self, *inputs: Tensor) -> Stages:
        yield from self.maps(self.normalised(*inputs))

    def normalised(self, frames: Tensor) -> Tensor:
        # (B, T, M) -> (B, M, 1, T) for the batch norm over bands -> (B, 1, M, T)
        x: Tensor = self.bn0(frames.transpose(1, 2).unsqueeze(2)).transpose(1, 2)
        return x if self.transposed else x.transpose(2, 3)

    def upright(self, x: Tensor) -> Tensor:
        """Return maps as (B, C, T', M')."""
        return x.transpose(2, 3) if self.transposed else x

    def maps(self, x: Tensor) -> Stages:
        raise TypeError(f"{type(self).__name__} must define maps.")  # pragma: no cover - abstract

    def head(self, x: Tensor) -> Stages:
        x = self.upright(x).mean(dim=3)  # (B, C, T', M') -> (B, C, T')
        yield from self.dense(x.amax(dim=2) + x.mean(dim=2))  # (B, C, T') -> (B, C)

    def head_of_steps(self, x: Tensor) -> Stages:
        """Compute the head of each time step as of a clip of its own, whose maximum and mean are the step."""
        yield from self.dense(2 * self._steps(x).transpose(1, 2))  # (B, C, T') -> (B, T', C)

    def dense(self, x: Tensor) -> Stages:
        x = F.relu(self.fc1(F.dropout(x, self.dropout_of_pooled, self.training)))
        yield "embedding", x
        x = self.fc_audioset(x)
        yield "logits", x
        yield "probabilities", probabilities(x)


class ConvBlock(nn.Module):
    """One or two convolutions, each followed by batch norm and ReLU, and average or maximum pooling."""

    def __init__(self, width: int, wider: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, wider, kernel, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(wider)
        self.twice = kernel == 3
        if self.twice:
            self.conv2 = nn.Conv2d(wider, wider, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(wider)

    def forward(self, x: Tensor, pool: int | tuple[int, int] = 2, mode: Literal["mean", "max"] = "mean") -> Tensor:
        x = F.relu_(self.bn1(self.conv1(x)))
        if self.twice:
            x = F.relu_(self.bn2(self.conv2(x)))
        if pool == 1:
            return x
        return F.avg_pool2d(x, pool) if mode == "mean" else F.max_pool2d(x, pool)


class _Cnn(PANNsNetwork):
    """Blocks of convolutions, each twice as wide as the previous one."""

    widths: ClassVar[tuple[int, ...]] = (64, 128, 256, 512, 1024, 2048)
    kernel: ClassVar[int] = 3
    dropout_of_maps = 0.2

    def __init__(self, n_labels: int = 527, *, n_mels: int = 64, n_embedding: int | None = None) -> None:
        super().__init__(self.widths[-1], n_embedding or self.widths[-1], n_labels, n_mels)
        for i, (width, wider) in enumerate(itertools.pairwise((1, *self.widths)), start=1):
            self.add_module(f"conv_block{i}", ConvBlock(width, wider, self.kernel))
        initialise(self)

    def maps(self, x: Tensor) -> Stages:
        yield from self.maps_from(1, x)

    def maps_from(self, first: int, x: Tensor) -> Stages:
        for i in range(first, len(self.widths) + 1):
            x = F.dropout(x, self.dropout_of_maps if i > first else 0.0, self.training)
            # the sixth block of Cnn14 keeps its resolution
            x = self.get_submodule(f"conv_block{i}")(x, pool=1 if i == 6 else 2)
            yield f"block{i}", x


class Cnn14(_Cnn):
    """Six blocks of two 3x3 convolutions, the main network of the paper: embeddings of 2,048."""

    layers = _names(6)


class Cnn10(_Cnn):
    """Four blocks of two 3x3 convolutions: embeddings of 512."""

    layers = _names(4)
    widths = (64, 128, 256, 512)


class Cnn6(_Cnn):
    """Four blocks of one 5x5 convolution: embeddings of 512."""

    layers = _names(4)
    widths = (64, 128, 256, 512)
    kernel = 5


class Cnn14DecisionLevel(_Cnn):
    """Cnn14 that pools decisions on segments of 0.32 s, for sound event detection."""

    layers = tuple(name for name in _names(6) if name != "logits")

    def __init__(self, pool: Literal["max", "mean", "attention"], n_labels: int = 527, *, n_mels: int = 64) -> None:
        super().__init__(n_labels, n_mels=n_mels)
        self.pool = pool
        if pool == "attention":
            del self.fc_audioset
            self.att_block = nn.ModuleDict({name: nn.Conv1d(2048, n_labels, 1) for name in ("att", "cla")})
            initialise(self.att_block)

    def head(self, x: Tensor) -> Stages:
        x = self._segments(x)
        yield "embedding", x.mean(dim=1)  # (B, S, 2048) -> (B, 2048)
        decisions = self._decide(x)
        yield "segments", decisions  # (B, S, n_labels), S segments of 32 frames
        if self.pool == "mean":
            yield "probabilities", decisions.mean(dim=1)
        elif self.pool == "max":
            yield "probabilities", decisions.amax(dim=1)
        else:
            attention = self.att_block["att"](x.transpose(1, 2)).clamp(-10, 10).softmax(dim=2)  # (B, n_labels, S)
            yield "probabilities", (attention.transpose(1, 2) * decisions).sum(dim=1)

    def head_of_steps(self, x: Tensor) -> Stages:
        x = self._segments(x)
        yield "embedding", x
        yield "probabilities", self._decide(x)

    def _segments(self, x: Tensor) -> Tensor:
        x = self.upright(x).mean(dim=3)  # (B, 2048, S, M') -> (B, 2048, S)
        x = F.max_pool1d(x, 3, stride=1, padding=1) + F.avg_pool1d(x, 3, stride=1, padding=1)
        x = F.dropout(x, 0.5, self.training).transpose(1, 2)  # (B, 2048, S) -> (B, S, 2048)
        return F.dropout(F.relu(self.fc1(x)), 0.5, self.training)

    def _decide(self, x: Tensor) -> Tensor:
        if self.pool != "attention":
            return probabilities(self.fc_audioset(x))
        return probabilities(self.att_block["cla"](x.transpose(1, 2)).transpose(1, 2))  # (B, S, n_labels)
