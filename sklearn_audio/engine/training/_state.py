"""Networks as plain arrays, for pickles that do not depend on a device."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio._isolation import Generators, isolated

__all__ = ["NetworkState", "network_from_state", "network_to_state"]

_OURS = ("sklearn_audio.", "torch.")


class NetworkState(NamedTuple):
    """Class, options and arrays of a network."""

    network: type[nn.Module]
    options: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def network_to_state(network: nn.Module, options: dict[str, Any]) -> NetworkState:
    """Copy the arrays of a network."""
    arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
    return NetworkState(type(network), options, arrays)


def network_from_state(state_of: NetworkState) -> nn.Module:
    """Rebuild the network, on the CPU and in evaluation mode."""
    # on "meta", no random numbers are drawn
    with isolated(), torch.device("meta"):
        network = state_of.network(**state_of.options)
    if not all(type(module).__module__.startswith(_OURS) for module in network.modules()):
        # a network of the user may have tensors outside its state, which only its constructor computes
        with isolated(Generators(0)):
            network = state_of.network(**state_of.options)
    own = network.state_dict()
    state = {name: _laid_like(own.get(name), array) for name, array in state_of.arrays.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def _laid_like(own: Tensor | None, array: NDArray[Any]) -> Tensor:
    """Create a tensor with the strides of the one in the network, which affect the order of summation in kernels."""
    tensor = torch.from_numpy(np.array(array))  # copied, as it may be a read-only memory map
    if own is None or own.shape != tensor.shape or own.stride() == tensor.stride():
        return tensor
    return torch.empty_strided(own.shape, own.stride(), dtype=tensor.dtype).copy_(tensor)
