"""Detection of diverged training, and its error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

__all__ = ["check_answers", "check_weights_finite", "divergence"]


def divergence(what: str, rate: float, lr: float) -> ValueError:
    """Create the error about diverged training, with advice."""
    return ValueError(
        f"{what} at a learning rate of {rate:g}: most likely the steps are too large. Lower lr (say, to {lr / 10:g}), "
        "clip the gradient (gradient_clip=1.0), or warm up."
    )


def check_weights_finite(network: nn.Module, when: str, rate: float, lr: float) -> None:
    """Raise if the last steps led to NaN or infinity, which no loss shows."""
    for name, tensor in _learned(network):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise divergence(f"the weights {name} became NaN or infinite {when}", rate, lr)


def _learned(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    # other buffers may hold infinity by design, such as masks
    for prefix, module in network.named_modules():
        if isinstance(module, _NormBase):
            yield from ((f"{prefix}.{name}", buffer) for name, buffer in module.named_buffers(recurse=False))


def check_answers(answers: NDArray[Any], owners: NDArray[np.int64] | None = None, first_row: int = 0) -> None:
    """Raise if the output of a network for a clip is NaN or infinite.

    Shapes: answers (n_segments, ...), owners (n_segments,).
    """
    finite = np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)
    if finite.all():
        return
    piece = int(np.argmin(finite))
    row = first_row + (piece if owners is None else int(owners[piece]))
    raise ValueError(
        f"row {row}: the network returns NaN or infinity for this clip. Its values are far larger than those in "
        "training, or training diverged; check the recording, or fit again with a lower lr."
    )
