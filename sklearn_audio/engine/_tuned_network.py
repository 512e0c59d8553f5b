"""Networks for fine-tuning: a pretrained body, which maps clips to vectors, and a linear head."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sklearn_audio.augmentation import SpecAugment
from sklearn_audio.engine._layer_body import blocks_between
from sklearn_audio.engine._networks import WeightsSource, read_network
from sklearn_audio.engine._patches import Patch, PatchOptions, iter_patches
from sklearn_audio.engine.models import ModelCard, example_inputs, layer_width, layers_of
from sklearn_audio.nets import OVER_TIME

__all__ = ["ClipBody", "PretrainedBody", "TunedNetwork", "add_low_rank", "blend", "check_masks", "merge_low_rank"]

_N_STATISTICS = 3  # of a layer over time, the first of which is the mean


@dataclass(frozen=True)
class PretrainedBody:
    """A layer of a pretrained network as the body of a classifier: mean vectors of the patches of a clip."""

    card: ModelCard
    layer: str
    output: str
    patches: PatchOptions
    source: WeightsSource

    @property
    def make(self) -> Callable[..., ClipBody]:
        """Constructor of the body, without its weights."""
        return partial(ClipBody, self.card, self.output, self.patches)

    @property
    def width(self) -> int:
        """Number of values of a vector."""
        return layer_width(self.card, self.output) // (_N_STATISTICS if self.output.endswith(OVER_TIME) else 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the blocks: the layers, up to that of the vectors."""
        names = layers_of(self.card)
        return names[: names.index(self.layer) + 1]

    @property
    def has_frames(self) -> bool:
        """Whether the network takes frames, which masks can change."""
        return "frames" in self.card.reads

    def load(self) -> ClipBody:
        """Build the body with the pretrained weights, on the CPU."""
        return self.make(network=read_network(self.card, self.source))

    def blocks(self, body: ClipBody) -> dict[str, list[str]]:
        """List the leaf modules of the body by block, in the order of computation; "" are those after the layer."""
        is_native = self.card.assemble is not None  # a network of transformers computes nothing on "meta"
        network: Any = body.network if is_native else self.card.on_meta()
        example = [torch.zeros(x.shape) if is_native else x for x in example_inputs(self.card)]
        return blocks_between(network, layers_of(self.card), self.names, lambda name: network(*example, layer=name))


def check_masks(body: Any, spec_augment: Any, embedder: Any, default: Any) -> None:
    """Raise for masks, other than by default, if the body takes no frames."""
    if spec_augment not in (default, None, False) and not body.has_frames:
        raise ValueError(
            f"spec_augment={spec_augment!r} masks frames, which the network of {embedder!r} does not take; leave "
            f"spec_augment at {default!r}."
        )


class ClipBody(nn.Module):
    """A pretrained network with its front end and patches: waveforms to mean vectors, as an embedder computes them."""

    def __init__(
        self, card: ModelCard, output: str, patches: PatchOptions, *, network: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.card = card
        self.output = output
        self.patches = patches
        self.network = card.build() if network is None else network
        self.masks: SpecAugment | None = None

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the mean vector of the patches of each clip; the front end has no gradient.

        Shapes: values (B, n_timepoints), lengths (B,) -> (B, d).
        """
        total, weight = values.new_zeros(1), values.new_zeros(len(values), 1)
        for owners, patches in self._by_shape(values, lengths):
            vectors = self._vectors(patches)  # (n, W, d)
            weights = self._weights(patches, vectors)  # (n, W, 1)
            index = torch.tensor(owners, device=values.device)
            weight = weight.index_add(0, index, weights.sum(dim=1))
            total = vectors.new_zeros(len(values), vectors.shape[2]) if total.ndim == 1 else total
            total = total.index_add(0, index, (vectors * weights).sum(dim=1))
        return total / weight

    def _by_shape(self, values: Tensor, lengths: Tensor) -> list[tuple[list[int], list[Patch]]]:
        """Cut the clips into patches, and group patches of one shape, with their rows."""
        groups: dict[Any, tuple[list[int], list[Patch]]] = {}
        device = values.device if values.device.type != "cpu" else None
        for row, (waveform, n_timepoints) in enumerate(zip(values.cpu().numpy(), lengths.tolist(), strict=True)):
            for patch in iter_patches(self.card, iter([waveform[:n_timepoints]]), self.patches, device):
                owners, alike = groups.setdefault(tuple(x.shape for x in patch.inputs), ([], []))
                owners.append(row)
                alike.append(patch)
        return list(groups.values())

    def _vectors(self, patches: list[Patch]) -> Tensor:
        inputs = [torch.stack(tensors) for tensors in zip(*(patch.inputs for patch in patches), strict=True)]
        if self.training and self.masks is not None:
            inputs = [self._masked(self.masks, x) if kind == "frames" else x for kind, x in self._named(inputs)]
        vectors: Tensor = self.network(*inputs, layer=self.output)
        if self.output.endswith(OVER_TIME):
            vectors = vectors[..., : vectors.shape[-1] // _N_STATISTICS]
        return vectors if vectors.ndim == 3 else vectors.unsqueeze(1)  # (n, d) -> (n, 1, d)

    def _named(self, inputs: list[Tensor]) -> Iterator[tuple[str, Tensor]]:
        yield from zip(self.card.reads, inputs, strict=True)

    def _masked(self, masks: SpecAugment, frames: Tensor) -> Tensor:
        rng = np.random.default_rng(int(torch.randint(2**31, (1,))))
        hidden = frames.cpu().numpy().copy()
        masks.hide(hidden, np.full(len(hidden), hidden.shape[1]), rng)
        return torch.from_numpy(hidden).to(frames.device)

    def _weights(self, patches: list[Patch], vectors: Tensor) -> Tensor:
        weights = vectors.new_zeros(vectors.shape[:2])
        for row, patch in zip(weights, patches, strict=True):
            row[: len(patch.weights)] = torch.tensor(patch.weights)
        return weights[..., None]


class TunedNetwork(nn.Module):
    """A body and a linear head; modules that are `still` or held stay in evaluation mode, with their statistics."""

    def __init__(
        self, make_body: Callable[..., nn.Module], width: int, n_outputs: int, *, body: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.body = make_body() if body is None else body
        self.head = nn.Linear(width, n_outputs)
        self.still: list[nn.Module] = []
        self.held: dict[nn.Module, bool] = {}

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits of clips.

        Shapes: values (B, T, ...), lengths (B,) -> (B, n_outputs).
        """
        return self.classify(self.body(values, lengths)[:, None], lengths)

    def classify(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits of vectors.

        Shapes: values (B, 1, width), lengths (B,) -> (B, n_outputs).
        """
        logits: Tensor = self.head(values[:, 0])
        return logits

    def hold(self, names: Iterable[str], is_held: bool) -> None:
        """Exclude modules of the body from training, or train them."""
        body: Any = self.body
        for module in map(body.network.get_submodule, names):
            self.held[module] = is_held
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(not is_held)

    def train(self, mode: bool = True) -> TunedNetwork:
        """Set the mode of all but the modules that stay in evaluation mode."""
        super().train(mode)
        for module in (*self.still, *(module for module, is_held in self.held.items() if is_held)):
            module.eval()
        return self


class LowRank(nn.Module):
    """A weight plus a product of two narrow matrices, which is zero at first: Hu et al. 2022, "LoRA", ICLR."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        n_inputs = weight[0].numel()
        self.down = nn.Parameter(torch.randn(min(rank, n_inputs), n_inputs) / math.sqrt(n_inputs))
        self.up = nn.Parameter(torch.zeros(len(weight), len(self.down)))

    def forward(self, weight: Tensor) -> Tensor:
        """Add the product.

        Shapes: weight (n_outputs, n_inputs, ...) -> same.
        """
        return weight + (self.up @ self.down).view_as(weight)


def add_low_rank(network: nn.Module, rank: int) -> None:
    """Let only low-rank changes of dense layers and 1x1 convolutions be trained."""
    network.requires_grad_(False)
    for module in list(network.modules()):
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and _is_dense(module)):
            parametrize.register_parametrization(module, "weight", LowRank(module.weight, rank))


def _is_dense(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == (1, 1) and conv.groups == 1


def merge_low_rank(network: nn.Module) -> None:
    """Replace the weights with low-rank changes by their sums."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)


def blend(start: Mapping[str, Tensor], end: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Interpolate two states of a network; tensors that are equal stay equal, bit for bit."""
    return {
        name: torch.lerp(tensor, end[name].to(tensor.device), alpha) if tensor.is_floating_point() else end[name]
        for name, tensor in start.items()
    }
