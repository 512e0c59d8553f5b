"""A network as plain arrays: what a pickle holds, whatever device it was trained on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio._generators import Generators
from sklearn_audio._isolation import isolated

__all__ = ["Frozen", "freeze", "thaw"]

_OURS = ("sklearn_audio.", "torch.")


class Frozen(NamedTuple):
    """How to build a network, and what it learned."""

    network: type[nn.Module]
    options: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def freeze(network: nn.Module, options: dict[str, Any]) -> Frozen:
    """Take the arrays out of a network."""
    arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
    return Frozen(type(network), options, arrays)


def thaw(frozen: Frozen) -> nn.Module:
    """Build the network again, on the CPU and in evaluation mode."""
    # on "meta" nothing is drawn at random
    with isolated(), torch.device("meta"):
        network = frozen.network(**frozen.options)
    if not all(type(module).__module__.startswith(_OURS) for module in network.modules()):
        # a network from elsewhere may hold tensors beside its state, which must be computed
        with isolated(Generators(0)):
            network = frozen.network(**frozen.options)
    own = network.state_dict()
    state = {name: _laid_like(own.get(name), array) for name, array in frozen.arrays.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def _laid_like(own: Tensor | None, array: NDArray[Any]) -> Tensor:
    """Make a tensor in the layout of the network's own: kernels sum in another order for another one."""
    tensor = torch.from_numpy(np.array(array))  # copied: it may be a memory map that is read only
    if own is None or own.shape != tensor.shape or own.stride() == tensor.stride():
        return tensor
    return torch.empty_strided(own.shape, own.stride(), dtype=tensor.dtype).copy_(tensor)
