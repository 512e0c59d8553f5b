"""The PANNs on waveforms: Kong et al. 2020, after Lee et al. 2017 and Dai et al. 2017."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._panns import HEAD, Cnn14, ConvBlock, PANNsNetwork, Stages, initialise

__all__ = ["DaiNet19", "LeeNet", "Res1dNet", "WavegramCnn14", "WavegramLogmelCnn14", "WavegramLogmelOfWaveforms"]


def _conv(width: int, wider: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> nn.Conv1d:
    padding = kernel // 2 * dilation
    return nn.Conv1d(width, wider, kernel, stride=stride, padding=padding, dilation=dilation, bias=False)


class _WaveformNetwork(PANNsNetwork):
    """Base of the networks on waveforms alone."""

    def __init__(self, width: int, n_embedding: int, n_labels: int) -> None:
        super().__init__(width, n_embedding, n_labels, n_mels=None)

    def all_maps(self, *inputs: Tensor) -> Stages:
        (waveform,) = inputs
        for name, value in self.maps(waveform.unsqueeze(1)):  # (B, N) -> (B, 1, N)
            yield name, value.unsqueeze(3)  # (B, C, T') -> (B, C, T', 1), as in the other networks


class _LeeBlock(nn.Module):
    """One or two convolutions of kernel size 3, each followed by batch norm and ReLU, and maximum pooling."""

    def __init__(self, width: int, wider: int, stride: int, *, twice: bool) -> None:
        super().__init__()
        self.twice = twice
        self.conv1, self.bn1 = _conv(width, wider, 3, stride=stride), nn.BatchNorm1d(wider)
        if twice:
            self.conv2, self.bn2 = _conv(wider, wider, 3), nn.BatchNorm1d(wider)

    def forward(self, x: Tensor, pool: int) -> Tensor:
        x = F.relu_(self.bn1(self.conv1(x)))
        if self.twice:
            x = F.relu_(self.bn2(self.conv2(x)))
        return x if pool == 1 else F.max_pool1d(x, pool, padding=pool // 2)


class LeeNet(_WaveformNetwork):
    """Blocks of small convolutions on the waveform: embeddings of 512 or 1,024."""

    layers = (*(f"block{i}" for i in range(1, 10)), *HEAD)

    def __init__(self, depth: Literal[11, 24], n_labels: int = 527) -> None:
        widths = (64, 64, 64, 128, 128, 128, 128, 128, 256)
        if depth == 24:
            widths = (64, 96, 128, 128, 256, 256, 512, 512, 1024)
        super().__init__(widths[-1], 512 if depth == 11 else 1024, n_labels)
        self.depth = depth
        for i, (width, wider) in enumerate(zip((1, *widths[:-1]), widths, strict=True), start=1):
            block = _LeeBlock(width, wider, 3 if i == 1 else 1, twice=depth == 24)
            self.add_module(f"conv_block{i}", block)
        initialise(self)

    def maps(self, x: Tensor) -> Stages:
        for i in range(1, 10):
            # the first block has a stride instead, and the last of the deeper network keeps its resolution
            pool = 1 if i == 1 or (i == 9 and self.depth == 24) else 3
            x = self.get_submodule(f"conv_block{i}")(x, pool=pool)
            yield f"block{i}", x
            x = F.dropout(x, 0.1, self.training and self.depth == 24)


class _DaiBlock(nn.Module):
    """Residual block of four convolutions of kernel size 3."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        for i in range(1, 5):
            norm = nn.BatchNorm1d(wider)
            self.add_module(f"conv{i}", _conv(width if i == 1 else wider, wider, 3))
            self.add_module(f"bn{i}", norm)
        nn.init.zeros_(norm.weight)  # a block starts as the identity
        self.widens = width != wider
        # unused by the first block, but its weights are in the checkpoint
        self.downsample, self.bn_downsample = _conv(width, wider, 1), nn.BatchNorm1d(wider)

    def forward(self, x: Tensor) -> Tensor:
        identity = self.bn_downsample(self.downsample(x)) if self.widens else x
        for i in range(1, 5):
            x = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(x))
            if i < 4:
                x = F.relu_(x)
        return F.relu_(x + identity)


class DaiNet19(_WaveformNetwork):
    """Residual blocks on the waveform: embeddings of 512."""

    layers = (*(f"block{i}" for i in range(1, 5)), *HEAD)

    def __init__(self, n_labels: int = 527) -> None:
        super().__init__(512, 512, n_labels)
        self.conv0 = nn.Conv1d(1, 64, 80, stride=4, bias=False)
        self.bn0 = nn.BatchNorm1d(64)
        for i, (width, wider) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), start=1):
            self.add_module(f"conv_block{i}", _DaiBlock(width, wider))
        initialise(self)

    def maps(self, x: Tensor) -> Stages:
        x = self.bn0(self.conv0(x))
        for i in range(1, 5):
            x = self.get_submodule(f"conv_block{i}")(F.max_pool1d(x, 4) if i > 1 else x)
            yield f"block{i}", x


class _WaveResidual(nn.Module):
    """Residual block of two convolutions over time, the second dilated; strides are pooling."""

    def __init__(self, width: int, wider: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1, self.bn1 = _conv(width, wider, 3), nn.BatchNorm1d(wider)
        self.conv2, self.bn2 = _conv(wider, wider, 3, dilation=2), nn.BatchNorm1d(wider)
        nn.init.zeros_(self.bn2.weight)  # a block starts as the identity
        steps: list[nn.Module] = []
        if stride != 1 or width != wider:
            steps = [nn.AvgPool1d(stride), nn.Conv1d(width, wider, 1, bias=False), nn.BatchNorm1d(wider)]
        self.downsample = nn.Sequential(*steps)  # the identity if shapes are unchanged

    def forward(self, x: Tensor) -> Tensor:
        identity = self.downsample(x)
        x = F.max_pool1d(x, self.stride) if self.stride > 1 else x
        x = F.dropout(F.relu_(self.bn1(self.conv1(x))), 0.1, self.training)
        return F.relu_(self.bn2(self.conv2(x)) + identity)


class Res1dNet(_WaveformNetwork):
    """Seven stages of residual blocks on the waveform: embeddings of 2,048."""

    layers = (*(f"stage{i}" for i in range(1, 8)), *HEAD)

    def __init__(self, depth: Literal[31, 51], n_labels: int = 527) -> None:
        super().__init__(2048, 2048, n_labels)
        self.conv0, self.bn0 = _conv(1, 64, 11, stride=5), nn.BatchNorm1d(64)
        self.resnet = nn.Module()
        width = 64
        widths = (64, 128, 256, 512, 1024, 1024, 2048)
        repeats: Sequence[int] = (2,) * 7 if depth == 31 else (2, 3, 4, 6, 4, 3, 2)
        for i, (wider, n_blocks) in enumerate(zip(widths, repeats, strict=True), start=1):
            first = _WaveResidual(width, wider, 1 if i == 1 else 4)
            rest = (_WaveResidual(wider, wider, 1) for _ in range(n_blocks - 1))
            self.resnet.add_module(f"layer{i}", nn.Sequential(first, *rest))
            width = wider
        initialise(self)

    def maps(self, x: Tensor) -> Stages:
        x = self.bn0(self.conv0(x))
        for i in range(1, 8):
            x = self.resnet.get_submodule(f"layer{i}")(x)
            yield f"stage{i}", x


class _WaveBlock(nn.Module):
    """Two convolutions over time, the second dilated, and maximum pooling by four."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(width, wider, 3), nn.BatchNorm1d(wider)
        self.conv2, self.bn2 = _conv(wider, wider, 3, dilation=2), nn.BatchNorm1d(wider)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu_(self.bn1(self.conv1(x)))
        return F.max_pool1d(F.relu_(self.bn2(self.conv2(x))), 4)


def _add_wavegram(network: nn.Module) -> None:
    network.pre_conv0, network.pre_bn0 = _conv(1, 64, 11, stride=5), nn.BatchNorm1d(64)
    network.pre_block1, network.pre_block2 = _WaveBlock(64, 64), _WaveBlock(64, 128)
    network.pre_block3, network.pre_block4 = _WaveBlock(128, 128), ConvBlock(4, 64)


def _wavegram(network: PANNsNetwork, waveform: Tensor) -> Tensor:
    """Compute learned maps of 32 bands at 50 frames per second."""
    pre = network.get_submodule
    x = F.relu_(pre("pre_bn0")(pre("pre_conv0")(waveform.unsqueeze(1))))  # (B, N) -> (B, 64, N / 5)
    x = pre("pre_block3")(pre("pre_block2")(pre("pre_block1")(x)))  # (B, 64, N / 5) -> (B, 128, N / 320)
    x = x.unflatten(1, (4, 32))  # (B, 128, T) -> (B, 4, 32, T)
    out: Tensor
    if network.transposed:
        out = pre("pre_block4")(x, pool=(1, 2), mode="mean")
    else:
        out = pre("pre_block4")(x.transpose(2, 3), pool=(2, 1), mode="mean")  # (B, 4, 32, T) -> (B, 4, T, 32)
    return out


class WavegramCnn14(Cnn14):
    """Cnn14 with a learned front end: embeddings of 2,048."""

    layers = ("wavegram", *(f"block{i}" for i in range(2, 7)), *HEAD)

    def __init__(self, n_labels: int = 527) -> None:
        super().__init__(n_labels)
        del self.bn0, self.conv_block1  # replaced by the wavegram
        _add_wavegram(self)
        initialise(self)

    def normalised(self, frames: Tensor) -> Tensor:
        return frames  # a waveform has no bands

    def maps(self, x: Tensor) -> Stages:
        x = _wavegram(self, x)
        yield "wavegram", x
        yield from self.maps_from(2, F.dropout(x, 0.2, self.training))


class WavegramLogmelCnn14(Cnn14):
    """Cnn14 on a learned front end and log-mel frames together, the best network of the paper."""

    layers = ("wavegram", *(f"block{i}" for i in range(1, 7)), *HEAD)

    def __init__(self, n_labels: int = 527, *, n_mels: int = 64) -> None:
        super().__init__(n_labels, n_mels=n_mels)
        _add_wavegram(self)
        self.conv_block2 = ConvBlock(128, 128)
        initialise(self)

    def all_maps(self, *inputs: Tensor) -> Stages:
        """Iterate over the maps.

        Shapes: inputs (B, N), (B, T, n_mels).
        """
        waveform, frames = inputs
        learned = _wavegram(self, waveform)
        yield "wavegram", learned
        x = self.get_submodule("conv_block1")(self.normalised(frames))
        yield "block1", x
        # one of the two may be a frame longer
        time = 3 if self.transposed else 2
        n_frames = min(x.shape[time], learned.shape[time])
        maps = [part.narrow(time, 0, n_frames) for part in (x, learned)]
        x = torch.cat(maps, dim=1)  # 2 x (B, 64, T', 32) -> (B, 128, T', 32)
        yield from self.maps_from(2, F.dropout(x, 0.2, self.training))


class WavegramLogmelOfWaveforms(WavegramLogmelCnn14):
    """The same on waveforms alone, whose log-mel frames a given function computes, clip by clip."""

    def __init__(self, n_labels: int = 527, *, front_end: Callable[[Tensor], Tensor]) -> None:
        super().__init__(n_labels)
        self.front_end = front_end

    def all_maps(self, *inputs: Tensor) -> Stages:
        """Iterate over the maps.

        Shapes: inputs (B, N).
        """
        (waveforms,) = inputs
        device = waveforms.device.type
        with torch.no_grad(), torch.autocast("cpu" if device == "meta" else device, enabled=False):
            frames = torch.stack([self.front_end(waveform) for waveform in waveforms.float()])
        yield from super().all_maps(waveforms, frames)
