"""Batch norms folded into the convolutions before them: the same numbers with one pass less over every map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["fold_batch_norms"]

_CONVS = (nn.Conv1d, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_POOLS = (nn.AvgPool1d, nn.AvgPool2d)  # a mean commutes with a factor and a term per channel


@torch.no_grad()
def fold_batch_norms(network: nn.Module, example: Sequence[Tensor]) -> None:
    """Fold, in place, every batch norm that takes nothing but the output of a convolution.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    example : sequence of Tensor
        Inputs; one forward pass shows what follows what.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sklearn_audio.engine._folding import fold_batch_norms
    >>> network = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2)).eval()
    >>> fold_batch_norms(network, [torch.zeros(1, 1, 5)])
    >>> network[1]
    Identity()
    """
    for conv_name, norm_name in _pairs(network, example):
        conv, norm = network.get_submodule(conv_name), network.get_submodule(norm_name)
        _fold(conv, norm)
        network.set_submodule(norm_name, nn.Identity())


def _pairs(network: nn.Module, example: Sequence[Tensor]) -> list[tuple[str, str]]:
    """Names of convolutions and of the batch norms behind them."""
    makers: dict[int, str] = {}
    alive: list[Any] = []  # as long as a tensor lives, no other has its id
    pairs: list[tuple[str, str]] = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            alive.extend((inputs[0], output))
            if isinstance(module, _CONVS):
                makers[id(output)] = name
            elif id(inputs[0]) in makers and isinstance(module, _POOLS):
                makers[id(output)] = makers[id(inputs[0])]
            elif id(inputs[0]) in makers:
                pairs.append((makers[id(inputs[0])], name))

        return hook

    watched = [
        (name, module) for name, module in network.named_modules() if isinstance(module, _CONVS + _NORMS + _POOLS)
    ]
    handles = [module.register_forward_hook(watch(name)) for name, module in watched]
    try:
        network(*example)
    finally:
        for handle in handles:
            handle.remove()
    return pairs


def _fold(conv: Any, norm: Any) -> None:
    # in float64, and back: what is rounded is the product alone
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    if conv.bias is not None:
        shift = shift + conv.bias.double() * scale
    shape = (-1, *[1] * (conv.weight.ndim - 1))  # one factor per output channel
    conv.weight = nn.Parameter((conv.weight.double() * scale.reshape(shape)).to(conv.weight.dtype), requires_grad=False)
    conv.bias = nn.Parameter(shift.to(conv.weight.dtype), requires_grad=False)
