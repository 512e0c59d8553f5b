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
    """Patches of a fixed number of frames, cut from the frames of the whole clip.

    Parameters
    ----------
    n_frames : int
        Frames of a patch.
    shortest : int
        Timepoints up to which a shorter clip is filled.
    fill : float, default=0.0
        Value of the frames that a partial patch lacks: the model's own rule.
    batch : int, default=8
        Patches of one forward pass, always; what is missing is filled with zeros.

    Examples
    --------
    >>> from sklearn_audio.engine.models import FramePatching
    >>> FramePatching(n_frames=96, shortest=15600).fill
    0.0
    """

    n_frames: int
    shortest: int
    fill: float = 0.0
    batch: int = 8


@dataclass(frozen=True)
class ClipPatching:
    """Clips whole up to a limit, longer ones in patches of the waveform; each is framed on its own.

    Parameters
    ----------
    shortest : int
        Timepoints up to which a shorter clip is filled.
    seconds : float, default=10.0
        Length of a patch of a longer clip; the last one is filled with silence.
    whole : float, default=30.0
        Seconds up to which a clip is taken whole.
    batch : int, default=1
        Patches of one length in a forward pass, always; what is missing is filled with zeros.

    Examples
    --------
    >>> from sklearn_audio.engine.models import ClipPatching
    >>> ClipPatching(shortest=9920).whole
    30.0
    """

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
    """What it takes to run a pretrained network as it was meant: weights are noise without their front end.

    Parameters
    ----------
    name : str
        Unique name, family first, such as "panns_cnn14".
    build : callable
        Makes the network with random weights.
    front_end : FrontEnd
        Waveform to frames; its rate is that of the network.
    patching : FramePatching or ClipPatching
        Clip to patches.
    converter : str
        Layout of the published checkpoint, as `sklearn_audio.weights` calls it.
    weights : str, default=None
        Name in the registry of weights; None where nothing is published.
    reads : tuple of {"waveform", "frames"}, default=("frames",)
        Inputs of the network, in order.
    layer : str, default="embedding"
        Layer that an embedder returns unless told otherwise.
    prepare : callable, default=None
        Takes the tensors of a converted checkpoint and the card, returns those of the network.
    labels : callable, default=None
        Returns the labels that the network scores, in order; None where they are not known.

    Examples
    --------
    >>> from sklearn_audio.engine.models import CARDS
    >>> card = CARDS["vggish"]["vggish"]
    >>> card.sample_rate, card.patching.n_frames
    (16000, 96)
    """

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
        """Build the network without memory for its weights.

        Returns
        -------
        nn.Module
            On torch's device "meta".
        """
        with torch.device("meta"):
            return self.build().eval()


@lru_cache(maxsize=256)
def layers_of(card: ModelCard) -> tuple[str, ...]:
    """List the layers of a network, in the order of computation.

    Parameters
    ----------
    card : ModelCard
        The model.

    Returns
    -------
    tuple of str
        Names.

    Examples
    --------
    >>> from sklearn_audio.engine.models import CARDS, layers_of
    >>> layers_of(CARDS["vggish"]["vggish"])[-1]
    'embedding'
    """
    names: Any = card.on_meta().layers
    return tuple(names)


@lru_cache(maxsize=256)
def layer_width(card: ModelCard, layer: str) -> int:
    """Count the numbers of a layer, without weights and without computing anything.

    Parameters
    ----------
    card : ModelCard
        The model.
    layer : str
        One of its layers.

    Returns
    -------
    int
        Numbers per patch.

    Examples
    --------
    >>> from sklearn_audio.engine.models import CARDS, layer_width
    >>> layer_width(CARDS["vggish"]["vggish"], "embedding")
    128
    """
    with torch.inference_mode():
        return int(card.on_meta()(*example_inputs(card), layer=layer).shape[1])


def layer_labels(card: ModelCard, layer: str) -> list[str] | None:
    """Name the numbers of a layer by the labels that they score.

    Parameters
    ----------
    card : ModelCard
        The model.
    layer : str
        One of its layers.

    Returns
    -------
    list of str or None
        None where the layer is no score of labels.

    Examples
    --------
    >>> from sklearn_audio.engine.models import CARDS, layer_labels
    >>> card = CARDS["musicnn"]["msd_musicnn"]
    >>> layer_labels(card, "taggram")[:3], layer_labels(card, "penultimate")
    (['rock', 'pop', 'alternative'], None)
    """
    return card.labels().tolist() if layer in _SCORES and card.labels is not None else None


def example_inputs(card: ModelCard) -> list[Tensor]:
    """Make the inputs of the shortest clip that a network takes, without memory for them.

    Parameters
    ----------
    card : ModelCard
        The model.

    Returns
    -------
    list of Tensor
        On torch's device "meta", in the order of `ModelCard.reads`.

    Examples
    --------
    >>> from sklearn_audio.engine.models import CARDS, example_inputs
    >>> [x.shape for x in example_inputs(CARDS["vggish"]["vggish"])]
    [torch.Size([1, 96, 64])]
    """
    shortest = card.patching.shortest
    whole = isinstance(card.patching, ClipPatching)
    n_frames = card.front_end.n_frames(shortest) if whole else getattr(card.patching, "n_frames", 0)
    shapes = {"waveform": (1, shortest), "frames": (1, n_frames, card.front_end.n_features)}
    return [torch.empty(shapes[name], device="meta") for name in card.reads]
