"""`ModelCard`: a network together with the front end and the patches it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio.dsp import FrontEnd

__all__ = [
    "ClipPatching",
    "FramePatching",
    "ModelCard",
    "Patching",
    "example_inputs",
    "layer_labels",
    "layer_width",
    "layers_of",
]

Reads = Literal["waveform", "frames"]


@dataclass(frozen=True)
class FramePatching:
    """Patches of a fixed number of frames, cut from the frames of the whole clip."""

    n_frames: int
    shortest: int
    fill: float = 0.0
    batch: int = 8


@dataclass(frozen=True)
class ClipPatching:
    """Clips whole up to a limit, longer ones in patches of the waveform; each is framed on its own."""

    shortest: int
    seconds: float = 10.0
    whole: float = 30.0
    batch: int = 1


Patching = FramePatching | ClipPatching
State = dict[str, Tensor]
# layers with one number per label
_SCORES = ("logits", "probabilities", "taggram")


@dataclass(frozen=True)
class ModelCard:
    """What it takes to run a pretrained network as it was meant: weights are noise without their front end."""

    name: str
    build: Callable[[], nn.Module]
    front_end: FrontEnd
    patching: Patching
    converter: str
    weights: str | None = None
    reads: tuple[Reads, ...] = ("frames",)
    layer: str = "embedding"
    prepare: Callable[[State, ModelCard], State] | None = None
    labels: Callable[[], NDArray[np.str_]] | None = None

    @property
    def sample_rate(self) -> int:
        """Rate in Hz of the waveforms that the network takes."""
        return self.front_end.sample_rate

    @property
    def patch_seconds(self) -> float:
        """Seconds from the start of a patch to that of the next one without overlap."""
        if isinstance(self.patching, ClipPatching):
            return self.patching.seconds
        return self.patching.n_frames * self.front_end.hop_length / self.sample_rate

    def on_meta(self) -> nn.Module:
        """Build the network without memory for its weights."""
        with torch.device("meta"):
            return self.build().eval()


@lru_cache(maxsize=256)
def layers_of(card: ModelCard) -> tuple[str, ...]:
    """List the layers of a network, in the order of computation."""
    names: Any = card.on_meta().layers
    return tuple(names)


@lru_cache(maxsize=256)
def layer_width(card: ModelCard, layer: str) -> int:
    """Count the numbers of a layer, without weights and without computing anything."""
    with torch.inference_mode():
        return int(card.on_meta()(*example_inputs(card), layer=layer).shape[1])


def layer_labels(card: ModelCard, layer: str) -> list[str] | None:
    """Name the numbers of a layer by the labels that they score."""
    return card.labels().tolist() if layer in _SCORES and card.labels is not None else None


def example_inputs(card: ModelCard) -> list[Tensor]:
    """Make the inputs of the shortest clip that a network takes, without memory for them."""
    shortest = card.patching.shortest
    whole = isinstance(card.patching, ClipPatching)
    n_frames = card.front_end.n_frames(shortest) if whole else getattr(card.patching, "n_frames", 0)
    shapes = {"waveform": (1, shortest), "frames": (1, n_frames, card.front_end.n_features)}
    return [torch.empty(shapes[name], device="meta") for name in card.reads]
