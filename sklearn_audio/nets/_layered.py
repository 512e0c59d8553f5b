"""`LayeredNetwork`: the base of published networks, whose representations have names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["OVER_TIME", "LayeredNetwork", "Stages", "probabilities"]

Stages = Iterator[tuple[str, Tensor]]
# After the name of a layer: mean, standard deviation and maximum of the layer over the time steps of its map.
OVER_TIME = ":time"
# A multiple of the values that a processor takes at once.
_LANES = 64


def probabilities(logits: Tensor) -> Tensor:
    """Apply the sigmoid such that a row does not depend, to the bit, on its position in the batch.

    PyTorch computes the last values of a tensor, which do not fill the lanes of the processor, with another function.

    Shapes: (..., n_labels) -> (..., n_labels).
    """
    n_labels = logits.shape[-1]
    return F.pad(logits, (0, -n_labels % _LANES)).sigmoid()[..., :n_labels]


class LayeredNetwork(nn.Module):
    """Representations by name, one or several in one forward pass; a subclass lists and computes its stages."""

    layers: tuple[str, ...]
    default_layer: ClassVar[str] = "embedding"
    # Layers that are also available over time.
    over_time: tuple[str, ...] = ()

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations, in the order of computation, up to the last requested one."""
        raise TypeError(f"{type(self).__name__} must define stages.")  # pragma: no cover - abstract

    @overload
    def forward(self, *inputs: Tensor, layer: str | None = None) -> Tensor: ...

    @overload
    def forward(self, *inputs: Tensor, layer: tuple[str, ...]) -> tuple[Tensor, ...]: ...

    def forward(self, *inputs: Tensor, layer: str | tuple[str, ...] | None = None) -> Tensor | tuple[Tensor, ...]:
        """Compute one representation of each patch, or several.

        Shapes: inputs (B, n_timepoints) or (B, n_frames, n_features) -> (B, n_values) each.
        """
        layer = layer or self.default_layer
        wanted = (layer,) if isinstance(layer, str) else layer
        found: dict[str, Tensor] = {}
        for name, value in self.stages(*inputs, wanted=wanted):
            if name in wanted:
                found[name] = self._statistics(value) if name.endswith(OVER_TIME) else self._vector(value)
            if name + OVER_TIME in wanted and name in self.over_time and value.ndim == 4:
                found[name + OVER_TIME] = self._statistics(self._steps(value))
            if len(found) == len(set(wanted)):
                return found[layer] if isinstance(layer, str) else tuple(found[each] for each in layer)
        missing = next(each for each in wanted if each not in found)
        raise ValueError(f"no layer {missing!r}; choose one of {list(self.layers)}.")

    def _vector(self, value: Tensor) -> Tensor:
        return value.mean(dim=(2, 3)) if value.ndim == 4 else value  # (B, C, T', M') -> (B, C)

    def _steps(self, value: Tensor) -> Tensor:
        """Average a map over frequency.

        Shapes: value (B, C, T', M') -> (B, C, T').
        """
        return value.mean(dim=3)

    def _statistics(self, steps: Tensor) -> Tensor:
        """Compute mean, deviation and maximum over time.

        Shapes: steps (B, C, T') -> (B, 3 C).
        """
        deviation, mean = torch.std_mean(steps.float(), dim=2, correction=0)
        return torch.cat([mean, deviation, steps.float().amax(dim=2)], dim=1)
