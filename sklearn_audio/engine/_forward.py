"""Patches through a network, at shapes that never depend on how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio.engine._patches import Patch
from sklearn_audio.engine.models import ModelCard

__all__ = ["Forward", "Segmentwise", "Vectors"]

Vectors = NDArray[np.float32]

# A forward pass takes all cores; two at once, from threads of one process, would fight for them.
_one_at_a_time = ForkSafeLock()
# An accelerator is idle at the batches that fill a CPU.
_ACCELERATOR_BATCHES = 16


class Forward:
    """Runs patches through a network, at shapes that never depend on how many there are.

    The kernels of float32 choose other orders of summation for other shapes; so a batch is always of the same size,
    filled up with zeros, and no row depends on its neighbours, to the bit.
    """

    def __init__(
        self,
        network: nn.Module,
        card: ModelCard,
        layer: str,
        device: torch.device,
        precision: Literal["float32", "bfloat16"] = "float32",
        finish: Callable[[Vectors], Vectors] | None = None,
    ) -> None:
        self._network = network
        self.batch = card.patching.batch * (1 if device.type == "cpu" else _ACCELERATOR_BATCHES)
        self._layer = layer
        self._device = device
        self._precision = precision
        self._finish = finish

    def __call__(self, patches: list[Patch]) -> list[Vectors]:
        """Compute the vectors of some patches.

        Shapes: -> (n_features,).
        """
        vectors: list[Vectors] = []
        for first in range(0, len(patches), self.batch):
            vectors.extend(self._run(patches[first : first + self.batch]))
        return vectors

    def _run(self, patches: list[Patch]) -> Vectors:
        inputs = [self._stacked(tensors) for tensors in zip(*(patch.inputs for patch in patches), strict=True)]
        low = torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bfloat16")
        with _one_at_a_time, torch.inference_mode(), low:
            out: Tensor = self._network(*inputs, layer=self._layer)
        vectors: Vectors = out.float().cpu().numpy()
        return (self._finish(vectors) if self._finish else vectors)[: len(patches)]

    def _stacked(self, tensors: tuple[Tensor, ...]) -> Tensor:
        stacked = torch.zeros((self.batch, *tensors[0].shape), dtype=torch.float32, device=self._device)
        torch.stack(tensors, out=stacked[: len(tensors)])
        return stacked


class Segmentwise(nn.Module):
    """Decisions on the segments of a clip, of a network that makes them."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, layer: str) -> Tensor:
        """Decide on the segments.

        Shapes: frames (B, T, n_mels) -> (B, n_segments, n_labels).
        """
        out: Tensor = self.network.segmentwise(frames)
        return out
