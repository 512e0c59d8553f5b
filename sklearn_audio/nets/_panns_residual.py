"""The residual and mobile networks of PANNs: Kong et al. 2020, after He et al. 2016, Howard et al. 2017, and others."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._panns import HEAD, ConvBlock, PANNsNetwork, Stages, initialise

__all__ = ["MobileNetV1", "MobileNetV2", "ResNet"]


class _Residual(nn.Module):
    """Residual block of two 3x3 convolutions, or of three with a bottleneck; strides are average pooling."""

    def __init__(self, width: int, inner: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outer = 4 * inner if bottleneck else inner
        kernels = (1, 3, 1) if bottleneck else (3, 3)
        widths = (width, inner, inner, outer) if bottleneck else (width, inner, outer)
        self.stride, self.n_convs = stride, len(kernels)
        for i, kernel in enumerate(kernels, start=1):
            conv = nn.Conv2d(widths[i - 1], widths[i], kernel, padding=kernel // 2, bias=False)
            self.add_module(f"conv{i}", conv)
            norm = nn.BatchNorm2d(widths[i])
            self.add_module(f"bn{i}", norm)
        nn.init.zeros_(norm.weight)  # a block starts as the identity
        steps: list[nn.Module] = [nn.AvgPool2d(2)] if stride == 2 else []
        if stride == 2 or width != outer:
            steps += [nn.Conv2d(width, outer, 1, bias=False), nn.BatchNorm2d(outer)]
        self.downsample = nn.Sequential(*steps)  # the identity if shapes are unchanged

    def forward(self, x: Tensor) -> Tensor:
        identity = self.downsample(x)
        if self.stride == 2:
            x = F.avg_pool2d(x, 2)
        for i in range(1, self.n_convs + 1):
            x = F.dropout(x, 0.1, self.training and i == self.n_convs)
            x = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(x))
            if i < self.n_convs:
                x = F.relu_(x)
        return F.relu_(x + identity)


class ResNet(PANNsNetwork):
    """Residual networks between two blocks of convolutions: embeddings of 2,048."""

    layers = ("block1", "stage1", "stage2", "stage3", "stage4", "block2", *HEAD)
    dropout_of_maps = 0.2

    def __init__(self, depth: Literal[22, 38, 54], n_labels: int = 527, *, n_mels: int = 64) -> None:
        super().__init__(2048, 2048, n_labels, n_mels)
        self.conv_block1 = ConvBlock(1, 64)
        self.resnet = nn.Module()
        width = 64
        for stage, n_blocks in enumerate((2, 2, 2, 2) if depth == 22 else (3, 4, 6, 3)):
            blocks = []
            for i in range(n_blocks):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(_Residual(width, 64 << stage, stride, bottleneck=depth == 54))
                width = (64 << stage) * (4 if depth == 54 else 1)
            self.resnet.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.conv_block_after1 = ConvBlock(width, 2048)
        initialise(self)

    def maps(self, x: Tensor) -> Stages:
        x = self.conv_block1(x)
        yield "block1", x
        x = F.dropout(x, 0.2, self.training)
        for stage in range(1, 5):
            x = self.resnet.get_submodule(f"layer{stage}")(x)
            yield f"stage{stage}", x
        x = self.conv_block_after1(F.dropout(F.avg_pool2d(x, 2), 0.2, self.training), pool=1)
        yield "block2", x


def _conv(width: int, wider: int, kernel: int, *, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(width, wider, kernel, padding=kernel // 2, groups=groups, bias=False)


class _Features(PANNsNetwork):
    """Base of networks whose `features` are steps, each a layer."""

    features: nn.Sequential

    def maps(self, x: Tensor) -> Stages:
        for i, step in enumerate(self.features, start=1):
            x = step(x)
            yield f"block{i}", x


class MobileNetV1(_Features):
    """Depthwise separable convolutions: embeddings of 1,024 with 4.8 million parameters."""

    layers = (*(f"block{i}" for i in range(1, 15)), *HEAD)

    def __init__(self, n_labels: int = 527, *, n_mels: int = 64) -> None:
        super().__init__(1024, 1024, n_labels, n_mels)
        steps = [nn.Sequential(_conv(1, 32, 3), nn.AvgPool2d(2), nn.BatchNorm2d(32), nn.ReLU(inplace=True))]
        widths = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
        for i, (width, wider) in enumerate(pairwise(widths)):
            stride = 2 if i in (1, 3, 5, 11) else 1
            depthwise = (_conv(width, width, 3, groups=width), nn.AvgPool2d(stride), nn.BatchNorm2d(width))
            pointwise = (_conv(width, wider, 1), nn.BatchNorm2d(wider), nn.ReLU(inplace=True))
            steps.append(nn.Sequential(*depthwise, nn.ReLU(inplace=True), *pointwise))
        self.features = nn.Sequential(*steps)
        initialise(self)


class _Inverted(nn.Module):
    """Inverted residual: expansion, depthwise convolution, projection, and a shortcut if the shapes agree."""

    def __init__(self, width: int, wider: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        steps: list[nn.Module] = []
        if expansion != 1:
            steps += [_conv(width, inner, 1), nn.BatchNorm2d(inner), nn.ReLU6(inplace=True)]
        steps += [_conv(inner, inner, 3, groups=inner), nn.AvgPool2d(stride), nn.BatchNorm2d(inner)]
        steps += [nn.ReLU6(inplace=True), _conv(inner, wider, 1), nn.BatchNorm2d(wider)]
        self.conv = nn.Sequential(*steps)
        self.shortcut = stride == 1 and width == wider

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.shortcut else out


class MobileNetV2(_Features):
    """Inverted residuals: embeddings of 1,024 with 4.1 million parameters."""

    layers = (*(f"block{i}" for i in range(1, 20)), *HEAD)
    dropout_of_pooled = 0.0

    def __init__(self, n_labels: int = 527, *, n_mels: int = 64) -> None:
        super().__init__(1280, 1024, n_labels, n_mels)
        steps: list[nn.Module] = [
            nn.Sequential(_conv(1, 32, 3), nn.AvgPool2d(2), nn.BatchNorm2d(32), nn.ReLU6(inplace=True))
        ]
        width = 32
        # expansion, width, repeats, stride
        table = (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 2),
            (6, 160, 3, 1),
            (6, 320, 1, 1),
        )
        for expansion, wider, repeats, stride in table:
            for i in range(repeats):
                steps.append(_Inverted(width, wider, stride if i == 0 else 1, expansion))
                width = wider
        steps.append(nn.Sequential(_conv(width, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(inplace=True)))
        self.features = nn.Sequential(*steps)
        initialise(self)
