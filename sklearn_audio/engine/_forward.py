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

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    card : ModelCard
        Its description.
    layer : str
        Which representation to return.
    device : torch.device
        Where the network is.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" lets torch compute in it where that is safe.
    finish : callable, default=None
        Applied to each batch of vectors, a float32 array of shape (batch, n_features).

    Attributes
    ----------
    batch : int
        Patches of a forward pass.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine._networks import Source, load_network
    >>> from sklearn_audio.engine._patches import Patch
    >>> from sklearn_audio.engine._forward import Forward
    >>> from sklearn_audio.engine.models import CARDS
    >>> card, cpu = CARDS["panns"]["leenet11"], torch.device("cpu")
    >>> forward = Forward(load_network(card, Source(None), cpu), card, "embedding", cpu)
    >>> [vector.shape for vector in forward([Patch((torch.zeros(32000),), 1.0)])]
    [(512,)]
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

        Parameters
        ----------
        patches : list of Patch
            Of one shape, and of any number.

        Returns
        -------
        list of ndarray of float32, each of shape (n_features,)
            In the order of the patches.
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
    """Decisions on the segments of a clip, of a network that makes them.

    Parameters
    ----------
    network : nn.Module
        Has a method `segmentwise`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine._forward import Segmentwise
    >>> from sklearn_audio.nets import Cnn14DecisionLevel
    >>> with torch.device("meta"):
    ...     network = Segmentwise(Cnn14DecisionLevel("max"))
    >>> network(torch.empty(1, 1001, 64, device="meta"), layer="").shape
    torch.Size([1, 31, 527])
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, layer: str) -> Tensor:
        """Decide on the segments.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_mels)
            Log-mel frames.
        layer : str
            Ignored.

        Returns
        -------
        Tensor of shape (B, n_segments, n_labels)
            Probabilities.
        """
        out: Tensor = self.network.segmentwise(frames)
        return out
