"""Embeddings of YAMNet: Plakal & Ellis 2020."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Unpack

from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["YAMNetEmbedder"]


class YAMNetEmbedder(PretrainedEmbedder):
    """Embed clips with YAMNet, a small network for sounds of all kinds.

    Patches of 0.96 s, every 0.48 s, at 16 kHz, to 1,024 numbers or the scores of 521 sounds of AudioSet; 3.7 million
    weights. The patches are those of the published code.

    M. Plakal & D. Ellis, "YAMNet", TensorFlow Model Garden, 2020: the network of A. Howard et al., "MobileNets:
    efficient convolutional neural networks for mobile vision applications", 2017 (arXiv:1704.04861), trained on
    AudioSet.

    Parameters
    ----------
    model : str, default="yamnet"
        "yamnet", the only one.
    short_clip : {"tile", "zero"}, default="zero"
        Extension of a clip shorter than a patch (0.975 s): repetition, or silence at its end, as in the published code.
    {embedder_parameters}
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained" downloads the published weights once, into the user's cache; a path reads the published ``.h5``, an
        ``.npz`` of the network in 8 bits, or safetensors; None draws random weights from `random_state`, for tests.
        An ``.h5`` file needs the extra ``hdf5``, which its conversion after the download does, too.
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to
        16 kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" pads it with silence and weights it by the fraction that is not
        padding in "mean" and "mean_std"; "drop" drops it unless it is the only one. The published code pads it, and
        its mean gives all patches the same weight.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: "embedding".
        Maps are averaged over time and frequency.
    window : float, default=None
        Length of a patch in seconds: 0.96; other values raise.
    hop : float, default=None
        Seconds between patches; None is 0.48. Refused where no clip is longer than a patch.

    Attributes
    ----------
    {embedder_attributes}

    See Also
    --------
    VGGishEmbedder : An older network on the same patches.
    AudioTagger : The names of the sounds in a recording.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import YAMNetEmbedder
    >>> embedder = YAMNetEmbedder(weights=None, sample_rate=16000)
    >>> embedder.transform([np.zeros(16000), np.zeros(32000)]).shape
    (2, 1024)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["yamnet"]
    _prefix: ClassVar[str] = "yamnet"

    def __init__(  # type: ignore[misc] # with defaults of its own
        self,
        model: str = "yamnet",
        *,
        short_clip: Literal["tile", "zero"] = "zero",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, short_clip=short_clip, **shared)
