"""EfficientAT: Schmid, Koutini & Widmer 2023, "Efficient large-scale audio tagging via transformer-to-CNN ...", ICASSP.

MobileNetV3-Large of Howard et al. 2019 at several widths (arXiv:2211.04772). The parameters have the names of the
published checkpoints.
"""

from __future__ import annotations

from torch import Tensor, nn

from sklearn_audio.nets._layered import OVER_TIME, LayeredNetwork, Stages, probabilities

__all__ = ["EfficientAT"]

# kernel, inner width, outer width, squeeze and excitation, hard swish, stride: tables 1 and 2 of Howard et al. 2019
_BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)


def _to_eight(width: float) -> int:
    """Round to a multiple of eight that is at least nine tenths of the width."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8


def _unit(
    width: int, wider: int, kernel: int, activation: type[nn.Module] | None, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    conv = nn.Conv2d(width, wider, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    norm = nn.BatchNorm2d(wider, eps=1e-3, momentum=0.01)
    return nn.Sequential(conv, norm, *([activation(inplace=True)] if activation else []))


class _Excitation(nn.Module):
    """Squeeze and excitation: weights the channels by a function of their means over time and frequency."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = _to_eight(width // 4)
        gate = nn.Module()
        gate.fc1, gate.fc2 = nn.Linear(width, squeezed), nn.Linear(squeezed, width)
        self.conc_se_layers = nn.ModuleList([gate])

    def forward(self, x: Tensor) -> Tensor:
        gate = self.conc_se_layers[0]
        scale: Tensor = gate.get_submodule("fc1")(x.mean(dim=(2, 3)))  # (B, C, M', T') -> (B, C / 4)
        scale = gate.get_submodule("fc2")(scale.relu())
        return x * probabilities(scale)[:, :, None, None]


class _Block(nn.Module):
    """Inverted residual: expansion, depthwise convolution, excitation, projection, and a shortcut if shapes agree."""

    def __init__(self, width: int, spec: tuple[int, int, int, bool, bool, int], factor: float) -> None:
        super().__init__()
        kernel, inner, outer = spec[0], _to_eight(spec[1] * factor), _to_eight(spec[2] * factor)
        excites, swish, stride = spec[3:]
        activation = nn.Hardswish if swish else nn.ReLU
        steps: list[nn.Module] = [] if inner == width else [_unit(width, inner, 1, activation)]
        steps.append(_unit(inner, inner, kernel, activation, stride=stride, groups=inner))
        if excites:
            steps.append(_Excitation(inner))
        steps.append(_unit(inner, outer, 1, None))
        self.block = nn.Sequential(*steps)
        self.shortcut = stride == 1 and width == outer

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        return out + x if self.shortcut else out


class EfficientAT(LayeredNetwork):
    """MobileNetV3-Large on log-mel frames, with its widths multiplied by a factor."""

    layers = (
        "stem",
        *(f"block{i}" for i in range(1, len(_BLOCKS) + 1)),
        "embedding",
        "penultimate",
        "logits",
        "probabilities",
    )
    over_time = layers

    def __init__(self, width: float = 1.0, n_labels: int = 527, *, dropout: float = 0.2) -> None:
        super().__init__()
        channels = _to_eight(16 * width)
        steps: list[nn.Module] = [_unit(1, channels, 3, nn.Hardswish, stride=2)]
        for spec in _BLOCKS:
            steps.append(_Block(channels, spec, width))
            channels = _to_eight(spec[2] * width)
        steps.append(_unit(channels, 6 * channels, 1, nn.Hardswish))
        self.features = nn.Sequential(*steps)
        self.n_penultimate = last = _to_eight(1280 * width)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6 * channels, last),
            nn.Hardswish(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(last, n_labels),
        )
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0.0, 0.01)
                nn.init.zeros_(module.bias)

    def _steps(self, value: Tensor) -> Tensor:
        return value.mean(dim=2)  # (B, C, M', T') -> (B, C, T')

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, T, 128).
        """
        (frames,) = inputs
        x = frames.transpose(1, 2).unsqueeze(1)  # (B, T, M) -> (B, 1, M, T)
        for name, step in zip(self.layers[: len(self.features)], self.features, strict=True):
            x = step(x)
            yield name, x
        yield from self._head(self.classifier[:2](x))  # (B, C, M', T') -> (B, C)
        if any(name.endswith(OVER_TIME) for name in wanted):
            # each time step as a separate clip
            for name, value in self._head(self._steps(x).transpose(1, 2)):
                yield name + OVER_TIME, value.transpose(1, 2)  # (B, T', d) -> (B, d, T')

    def _head(self, x: Tensor) -> Stages:
        x = self.classifier[2:4](x)
        yield "penultimate", x
        x = self.classifier[4:](x)
        yield "logits", x
        yield "probabilities", probabilities(x)
