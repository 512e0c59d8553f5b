"""Networks rewritten for fast inference: folded batch norms, channels-last memory, convolutions as matrix products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.engine.models import ModelCard, example_inputs

__all__ = ["MatmulConv", "fold_batch_norms", "tune"]

_CONVS = (nn.Conv1d, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_POOLS = (nn.AvgPool1d, nn.AvgPool2d)  # a mean commutes with a factor and a term per channel
# Measured: up to this many bands and from this many channels on, a matrix product is faster than a convolution.
_FEW_BANDS, _MANY_CHANNELS = 4, 256


@torch.no_grad()
def tune(network: Any, card: ModelCard, device: torch.device, precision: Literal["float32", "bfloat16"]) -> None:
    """Rewrite a network for inference, in place; its outputs do not change beyond float32 rounding."""
    on_meta, example = card.on_meta(), example_inputs(card)
    fold_batch_norms(network, _pairs(on_meta, example))
    if device.type == "cpu" and _has_deep_maps(network):
        narrow = _narrow_convs(on_meta, example)
        _transpose(network)
        network.to(memory_format=torch.channels_last)
        for name in narrow:
            network.set_submodule(name, MatmulConv(network.get_submodule(name)))
    for module in network.modules():
        if isinstance(module, nn.Linear) and device.type == "cpu":
            module.weight.data = module.weight.t().contiguous().t()  # column-major: faster for few rows
        if precision == "bfloat16" and isinstance(module, (*_CONVS, nn.Linear, MatmulConv)):
            module.to(torch.bfloat16)
    network.to(device).requires_grad_(False)


@torch.no_grad()
def fold_batch_norms(network: Any, pairs: Sequence[tuple[str, str]]) -> None:
    """Fold batch norms into the convolutions before them, which saves a pass over every feature map."""
    for conv, norm in pairs:
        _fold(network.get_submodule(conv), network.get_submodule(norm))
        network.set_submodule(norm, nn.Identity())


def _fold(conv: Any, norm: Any) -> None:
    # in float64, so that only the product is rounded; one filter at a time, to save memory
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    if conv.bias is not None:
        shift = shift + conv.bias.double() * scale
    folded = torch.empty_like(conv.weight)
    for new, old, factor in zip(folded, conv.weight, scale, strict=True):
        new.copy_(old.double() * factor)
    conv.weight, conv.bias = nn.Parameter(folded), nn.Parameter(shift.to(folded.dtype))


def _watch(
    network: Any, example: Sequence[Tensor], kinds: tuple[type[nn.Module], ...], seen: Callable[..., Any]
) -> None:
    """Run the network once to its last layer and report the input and output of each module of some kinds."""

    def hook_of(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: seen(name, module, inputs[0], output)

    handles = [
        module.register_forward_hook(hook_of(name))
        for name, module in network.named_modules()
        if isinstance(module, kinds)
    ]
    try:
        network(*example, layer=network.layers[-1])
    finally:
        for handle in handles:
            handle.remove()


def _pairs(network: nn.Module, example: Sequence[Tensor]) -> list[tuple[str, str]]:
    """Find the batch norms that take the output of a convolution."""
    if not any(isinstance(module, _NORMS) for module in network.modules()):
        return []
    makers: dict[int, str] = {}
    alive: list[Tensor] = []  # keeps the ids of tensors unique
    pairs: list[tuple[str, str]] = []

    def seen(name: str, module: nn.Module, x: Tensor, out: Tensor) -> None:
        alive.extend((x, out))
        if isinstance(module, _CONVS):
            makers[id(out)] = name
        elif id(x) in makers and isinstance(module, _POOLS):
            makers[id(out)] = makers[id(x)]
        elif id(x) in makers:
            pairs.append((makers[id(x)], name))

    _watch(network, example, _CONVS + _NORMS + _POOLS, seen)
    return pairs


def _narrow_convs(network: nn.Module, example: Sequence[Tensor]) -> list[str]:
    """Find the convolutions over few bands of many channels."""
    names: list[str] = []
    if not any(isinstance(module, nn.Conv2d) and _mixes_many_channels(module) for module in network.modules()):
        return names

    def seen(name: str, conv: nn.Conv2d, x: Tensor, out: Tensor) -> None:
        if _mixes_many_channels(conv) and x.shape[2:] == out.shape[2:] and x.shape[3] <= _FEW_BANDS:
            names.append(name)

    _watch(network, example, (nn.Conv2d,), seen)
    return names


def _mixes_many_channels(conv: nn.Conv2d) -> bool:
    return conv.in_channels >= _MANY_CHANNELS and conv.groups == 1 and conv.kernel_size != (1, 1)


def _has_deep_maps(network: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) and module.in_channels > 1 for module in network.modules())


def _transpose(network: Any) -> None:
    """Store the feature maps of a network that supports it with time along the rows, which a CPU computes faster."""
    if not hasattr(network, "transposed"):
        return
    for conv in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
        conv.weight.data = conv.weight.transpose(2, 3)  # (O, C, time, bands) -> (O, C, bands, time)
        for name in ("kernel_size", "stride", "padding", "dilation"):
            setattr(conv, name, getattr(conv, name)[::-1])
    network.transposed = True


class MatmulConv(nn.Module):
    """A convolution of stride one that keeps the size of its map, as one matrix product.

    On maps with few bands and many channels, convolution kernels use vector registers poorly; a matrix product over
    shifted copies is up to four times faster.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.kernel_size = conv.kernel_size
        weight = conv.weight.detach().permute(0, 2, 3, 1).flatten(1)  # (O, C, h, w) -> (O, h * w * C)
        self.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Shapes: x (B, C, T, W) -> (B, n_channels, T, W).
        """
        height, width = self.kernel_size
        x = x.permute(0, 2, 3, 1)  # (B, C, T, W) -> (B, T, W, C)
        x = F.pad(x, (0, 0, width // 2, width // 2, height // 2, height // 2))
        shape = (x.shape[1] - height + 1, x.shape[2] - width + 1)
        shifted = [x[:, i : i + shape[0], j : j + shape[1]] for i in range(height) for j in range(width)]
        out = F.linear(torch.cat(shifted, dim=3), self.weight, self.bias)  # (B, T, W, h * w * C) -> (B, T, W, O)
        return out.permute(0, 3, 1, 2)  # (B, T, W, O) -> (B, O, T, W)
