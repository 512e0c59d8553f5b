"""Layers of a trained network as vectors, and a trained network as the body of another one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_audio.nets import LayeredNetwork

__all__ = ["LayerBody", "NetworkBody", "layers_run"]

EMBEDDING = "embedding"
_SCORES = ("logits", "probabilities")
_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase)


def layers_run(network: Any, example: tuple[Tensor, Tensor]) -> tuple[str, ...]:
    """List the layers of a network in the order of computation, before the logits.

    Those of a published network are its own; of another network, they are its dense, convolutional and recurrent
    modules, and "embedding" is the input of the last one, or what the method `embed` returns.
    """
    core = _layered(network)
    if core is not None:
        return tuple(name for name in core.layers if name not in _SCORES)
    modules = _modules_run(network, example)
    return (*(modules if _embed_of(network) else modules[:-1]), EMBEDDING)


def _embed_of(network: Any) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Return the method that computes the embedding, if the network has one."""
    return network.embed if hasattr(getattr(network, "backbone", None), "embed") else None


def _layered(network: Any) -> LayeredNetwork | None:
    found = getattr(getattr(network, "backbone", None), "network", None)
    return found if isinstance(found, LayeredNetwork) else None


def _modules_run(network: nn.Module, example: tuple[Tensor, Tensor]) -> list[str]:
    """List the dense, convolutional and recurrent modules in the order in which they run."""
    run = _embed_of(network) or network
    leaves = modules_run(network, lambda: run(*example))
    return [name for name in leaves if isinstance(network.get_submodule(name), _KINDS)]


def modules_run(network: nn.Module, run: Callable[[], Any]) -> list[str]:
    """List the modules without children, or with parameters of their own, in the order in which they run."""
    ran: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda _, __, name=name: ran.append(name))
        for name, module in leaves_of(network)
    ]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(ran))


def leaves_of(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Iterate over the modules without children, and those with parameters of their own."""
    for name, module in network.named_modules():
        if not list(module.children()) or list(module.parameters(recurse=False)):
            yield name, module


def blocks_between(
    network: nn.Module, layers: Iterable[str], names: Iterable[str], run: Callable[[str], Any]
) -> dict[str, list[str]]:
    """List the leaf modules that run from each layer to the next; those after the named layers have the name ""."""
    known: set[str] = set()
    blocks: dict[str, list[str]] = {}
    for name in layers:
        ran = [leaf for leaf in modules_run(network, partial(run, name)) if leaf not in known]
        known.update(ran)
        blocks.setdefault(name if name in names else "", []).extend(ran)
    # such as position embeddings, which belong to no leaf
    first, others = next(iter(blocks)), [name for name, _ in leaves_of(network) if name not in known]
    return {name: (others if name == first else []) + leaves for name, leaves in blocks.items()}


class LayerBody(nn.Module):
    """A trained network up to a layer, averaged over time and frequency."""

    def __init__(
        self,
        network_class: type[nn.Module],
        options: Mapping[str, Any],
        layer: str,
        *,
        last: str | None,
        network: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.layer = layer
        self.last = last  # the module whose input is the embedding, if no method computes it
        self.network = network_class(**options) if network is None else network

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the vectors.

        Shapes: values (B, T, ...), lengths (B,) -> (B, d).
        """
        network: Any = self.network
        core, embed = _layered(network), _embed_of(network)
        if core is not None:
            vectors: Tensor = core(network.normalised(values, lengths), layer=self.layer)
            return vectors
        if self.layer == EMBEDDING and embed is not None:
            return embed(values, lengths)
        found: list[Tensor] = []
        handle = self._hook(found)
        try:
            self.network(values, lengths)
        finally:
            handle.remove()
        return _averaged(found[0], lengths, values.shape[1])

    def _hook(self, found: list[Tensor]) -> Any:
        """Record the output of the layer, or the input of the last module."""
        if self.layer == EMBEDDING:
            last = self.network.get_submodule(self.last or "")
            return last.register_forward_pre_hook(lambda _, inputs: found.append(_by_channel(last, inputs[0])))
        module = self.network.get_submodule(self.layer)
        return module.register_forward_hook(lambda _, __, out: found.append(_by_channel(module, out)))


def _by_channel(module: nn.Module, value: Any) -> Tensor:
    """Move the channels of a map to the end.

    Shapes: value (B, C, ...) or (B, ..., d) -> (B, ..., d).
    """
    tensor: Tensor = value[0] if isinstance(value, tuple) else value
    return tensor.movedim(1, -1) if isinstance(module, (nn.Conv1d, nn.Conv2d)) else tensor


def _averaged(x: Tensor, lengths: Tensor, n_steps: int) -> Tensor:
    """Average over all but the first and last dimensions; of a padded sequence, over its steps."""
    n_more = x.shape[1] - n_steps if x.ndim == 3 else -1
    if n_more not in (0, 1):  # a transformer may have one more step than its input
        return x.flatten(1, -2).mean(dim=1) if x.ndim > 2 else x
    inside = torch.arange(x.shape[1], device=x.device) < (lengths + n_more)[:, None]
    return torch.where(inside[..., None], x, 0.0).sum(dim=1) / (lengths + n_more)[:, None]


@dataclass(frozen=True)
class NetworkBody:
    """A layer of a trained network as the body of a classifier."""

    network: Any
    options: Mapping[str, Any]
    layer: str
    example: tuple[Tensor, Tensor]
    has_frames: bool

    @property
    def make(self) -> partial[LayerBody]:
        """Constructor of the body, without its weights."""
        is_named = _layered(self.network) is not None or _embed_of(self.network) is not None
        last = None if is_named else _modules_run(self.network, self.example)[-1]
        return partial(LayerBody, type(self.network), self.options, self.layer, last=last)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the blocks: the layers, up to that of the vectors."""
        names = layers_run(self.network, self.example)
        return names[: names.index(self.layer) + 1]

    @property
    def width(self) -> int:
        """Number of values of a vector."""
        with torch.no_grad():
            return int(self.load()(*self.example).shape[1])

    def load(self) -> LayerBody:
        """Copy the network, on the CPU."""
        return self.make(network=copy.deepcopy(self.network).cpu()).eval()

    def blocks(self, body: LayerBody) -> dict[str, list[str]]:
        """List the leaf modules by block, in the order of computation; "" are those after the layer."""
        network: Any = copy.deepcopy(self.network).cpu()
        core = _layered(network)
        if core is not None:
            inputs = network.normalised(*self.example)
            blocks = blocks_between(core, core.layers, self.names, lambda name: core(inputs, layer=name))
            return {name: [f"backbone.network.{leaf}" for leaf in leaves] for name, leaves in blocks.items()}
        run, last = _embed_of(network) or network, self.make.keywords["last"]
        order = modules_run(network, lambda: run(*self.example))
        after = [name for name in modules_run(network, lambda: network(*self.example)) if name not in order]
        # such as position embeddings, which belong to no leaf
        order = [name for name, _ in leaves_of(network) if name not in (*order, *after)] + order
        ends = [0, *(order.index(name) + 1 for name in self.names if name in order)]
        if self.layer == EMBEDDING:
            ends.append(len(order) if last is None else order.index(last))
        parts = (order[start:end] for start, end in pairwise(ends))
        return dict(zip(self.names, parts, strict=True)) | {"": order[ends[-1] :] + after}
