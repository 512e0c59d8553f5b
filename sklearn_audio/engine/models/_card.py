"""`ModelCard`: a network together with the front end and the patches it was trained on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio.dsp import FrontEnd

__all__ = [
    "Backbone",
    "ClipPatching",
    "FramePatching",
    "ModelCard",
    "Patching",
    "example_inputs",
    "has_time_steps",
    "layer_labels",
    "layer_width",
    "layers_of",
    "of_length",
]

Reads = Literal["waveform", "frames"]


def _up(seconds: float) -> float:
    """Round up to the precision of a message."""
    return math.ceil(seconds * 1000) / 1000


@dataclass(frozen=True)
class FramePatching:
    """Patches of a fixed number of frames, cut from the frames of the whole clip.

    Parameters
    ----------
    n_frames : int
        Frames per patch.
    shortest : int
        Minimum length in timepoints, to which shorter clips are extended by repetition or silence.
    fill : float, default=0.0
        Value of the frames that pad an incomplete last patch.
    batch : int, default=8
        Patches per forward pass on a CPU. The number is always the same, so it changes only the speed.
    hop : int, default=None
        Default number of frames between the starts of patches; None: `n_frames`.
    joint : tuple of int, default=(1,)
        Numbers of consecutive patches that the network takes as one joint input, and maps to as many vectors: n patches
        are ``n_frames + (n - 1) * hop`` frames, which become (B, n, n_values). For networks that share computation
        between overlapping patches. A clip is cut into joint inputs of the first number, the largest, and its remainder
        becomes one of the smallest number that holds it; with another hop, patches are taken one by one.
    centred : bool, default=False
        Whether silence is added at both ends of a clip that is too short, instead of at its end.
    keeps_end : bool, default=False
        Whether an incomplete last patch has all frames that start within the clip, the last of them padded with
        silence, or only complete frames. `shortest` is then the length of a patch.

    Examples
    --------
    >>> from sklearn_audio.embedding import FramePatching
    >>> FramePatching(n_frames=96, shortest=15600).batch
    8
    """

    n_frames: int
    shortest: int
    fill: float = 0.0
    batch: int = 8
    hop: int | None = None
    joint: tuple[int, ...] = (1,)
    centred: bool = False
    keeps_end: bool = False


@dataclass(frozen=True)
class ClipPatching:
    """Clips whole up to a limit, longer ones in patches of the waveform; each is framed on its own.

    Parameters
    ----------
    shortest : int
        Minimum length in timepoints, to which shorter clips are extended by repetition or silence.
    seconds : float, default=10.0
        Length of a patch in seconds.
    whole : float, default=30.0
        Maximum length in seconds of a clip that is a single patch.
    batch : int, default=1
        Patches of one shape per forward pass on a CPU. The number is always the same, so it changes only the speed.
    fills : bool, default=True
        Whether an incomplete last patch is padded with silence; otherwise, it goes through the network unpadded.
    hop : float, default=None
        Default number of seconds between the starts of patches; None: `seconds`.
    lead : float, default=0.0
        Seconds of silence before the clip, with which patches are centred on multiples of `hop`.
    fixed : bool, default=False
        Whether the network takes only patches of `seconds`, so that a single patch is padded, too.

    Examples
    --------
    >>> from sklearn_audio.embedding import ClipPatching
    >>> ClipPatching(shortest=9920).whole
    30.0
    """

    shortest: int
    seconds: float = 10.0
    whole: float = 30.0
    batch: int = 1
    fills: bool = True
    hop: float | None = None
    lead: float = 0.0
    fixed: bool = False


Patching = FramePatching | ClipPatching
# windows per forward pass: nearly all of them have the same length
_WINDOWS = 8
State = dict[str, Tensor]
# layers with one value per label
_SCORES = ("logits", "probabilities", "taggram")


class Backbone(Protocol):
    """Protocol of the networks that embedders use: representations by name.

    Every `torch.nn.Module` with an attribute ``layers`` and an argument ``layer`` of ``forward`` implements it.

    Examples
    --------
    >>> from torch import nn
    >>> class Linear(nn.Module):
    ...     layers = ("embedding",)
    ...
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dense = nn.Linear(64, 8)
    ...
    ...     def forward(self, frames, layer="embedding"):
    ...         return self.dense(frames.mean(dim=1))  # (B, T, 64) -> (B, 8)
    """

    # Names of the representations, in the order of computation.
    layers: tuple[str, ...]

    def __call__(self, *inputs: Tensor, layer: str) -> Tensor:
        """Compute one representation of each patch, from the inputs listed in `ModelCard.reads`, in that order.

        Shapes: inputs (B, n_timepoints) or (B, n_frames, n_features) -> (B, n_values).
        """


@dataclass(frozen=True)
class ModelCard:
    """A pretrained network with its front end, its patches and its weights.

    Parameters
    ----------
    name : str
        Unique name of the network and its geometry, which identifies networks in memory and cached embeddings.
    build : callable
        Function without arguments that builds the network, a `Backbone`.
    front_end : FrontEnd
        Computes the frames.
    patching : FramePatching or ClipPatching
        How clips are cut into inputs of the network.
    converter : str, default="plain"
        Layout of the checkpoint, as in `sklearn_audio.weights.read_checkpoint`. "plain" has the names of the network
        itself.
    weights : str, default=None
        Name of the weights in `sklearn_audio.weights.registry`; None: none are published.
    reads : tuple of {"waveform", "frames"}, default=("frames",)
        Inputs of the network, in this order.
    layer : str, default="embedding"
        Default layer of an embedder.
    prepare : callable, default=None
        Converts the tensors of a checkpoint before they are loaded: ``prepare(tensors, card)`` returns a dict.
    labels : callable, default=None
        Returns the labels of the layers "logits" and "probabilities".
    assemble : callable, default=None
        Builds the network from the tensors of a checkpoint, if more than names must be changed: ``assemble(tensors)``
        returns a module, or raises `WeightsError`.
    statistics : bool, default=False
        Whether `pooling` is always over the time steps of all patches of a clip, for which the network returns mean,
        standard deviation and maximum, instead of over the vectors of the patches.

    See Also
    --------
    PretrainedEmbedder : Runs the networks of its cards.

    Examples
    --------
    >>> from sklearn_audio import PANNsEmbedder
    >>> card = PANNsEmbedder.cards["cnn14"]
    >>> card.sample_rate, card.patch_seconds
    (32000, 10.0)
    """

    name: str
    build: Callable[[], nn.Module]
    front_end: FrontEnd
    patching: Patching
    converter: str = "plain"
    weights: str | None = None
    reads: tuple[Reads, ...] = ("frames",)
    layer: str = "embedding"
    prepare: Callable[[State, ModelCard], State] | None = None
    labels: Callable[[], NDArray[np.str_]] | None = None
    assemble: Callable[[State], nn.Module] | None = None
    statistics: bool = False

    @property
    def sample_rate(self) -> int:
        """Rate in Hz of the waveforms that the network takes."""
        return self.front_end.sample_rate

    @property
    def patch_seconds(self) -> float:
        """Hop in seconds of patches without overlap."""
        if isinstance(self.patching, ClipPatching):
            return self.patching.seconds
        return self.patching.n_frames * self.front_end.hop_length / self.sample_rate

    def windowed(self, window: float | None) -> ModelCard:
        """Describe the network with patches of another length.

        Parameters
        ----------
        window : float or None
            Length in seconds; None: that of the card.

        Returns
        -------
        ModelCard
            The same network.

        Raises
        ------
        ValueError
            If the network does not support this length.
        """
        return self if window is None else replace(self, patching=_windowed(self, float(window)))

    def on_meta(self) -> nn.Module:
        """Build the network without allocating its weights.

        Returns
        -------
        Module
            The network on torch's device "meta", in evaluation mode.
        """
        with torch.device("meta"):
            return self.build().eval()


def of_length(patching: ClipPatching, seconds: float) -> ClipPatching:
    """Return patching with another length, into which all longer clips are cut."""
    return replace(patching, seconds=seconds, whole=seconds, batch=_WINDOWS)


def _windowed(card: ModelCard, window: float) -> Patching:
    """Return patching with another length, if the network supports it."""
    patching = card.patching
    if isinstance(patching, ClipPatching) and not patching.fixed:
        shortest = patching.shortest / card.sample_rate
        if shortest <= window <= patching.whole:
            return of_length(patching, window)
        raise ValueError(
            f"window={window:g} s is not for {card.name}, which takes {_up(shortest):g} to {patching.whole:g} s at "
            "once; give a window between these."
        )
    if abs(window - card.patch_seconds) < card.front_end.hop_length / card.sample_rate:
        return patching
    raise ValueError(
        f"window={window:g} s is not for {card.name}, which takes only patches of {card.patch_seconds:g} s; leave "
        "window at None, or choose PANNsEmbedder or EfficientATEmbedder, which take any length."
    )


# A pass may put hooks on the network that answers for its layers, which another thread must not run meanwhile.
_one_at_a_time = ForkSafeLock()


@lru_cache(maxsize=16)
def _shapes_of(card: ModelCard) -> Any:
    """Build the network on "meta" once for all questions about its layers."""
    return card.on_meta()


@lru_cache(maxsize=256)
def layers_of(card: ModelCard) -> tuple[str, ...]:
    """List the layers of a network, in the order of computation."""
    names: Any = _shapes_of(card).layers
    return tuple(names)


@lru_cache(maxsize=256)
def layer_width(card: ModelCard, layer: str) -> int:
    """Return the number of values of a layer, without loading weights or computing anything."""
    with _one_at_a_time, torch.inference_mode():
        return int(_shapes_of(card)(*example_inputs(card), layer=layer).shape[-1])


@lru_cache(maxsize=256)
def has_time_steps(card: ModelCard, layer: str) -> bool:
    """Whether the network also returns statistics of a layer over time, as the layer of this name + `OVER_TIME`."""
    return layer in getattr(_shapes_of(card), "over_time", ())


def layer_labels(card: ModelCard, layer: str) -> list[str] | None:
    """Return the labels whose scores are the values of a layer, if it has any."""
    return card.labels().tolist() if layer in _SCORES and card.labels is not None else None


def example_inputs(card: ModelCard) -> list[Tensor]:
    """Create the inputs for the shortest clip of a network, without allocating them."""
    shortest = card.patching.shortest
    whole = isinstance(card.patching, ClipPatching)
    if isinstance(card.patching, ClipPatching) and card.patching.fixed:
        shortest = round(card.patching.seconds * card.sample_rate)
    n_frames = card.front_end.n_frames(shortest) if whole else getattr(card.patching, "n_frames", 0)
    shapes = {"waveform": (1, shortest), "frames": (1, n_frames, card.front_end.n_features)}
    return [torch.empty(shapes[name], device="meta") for name in card.reads]
