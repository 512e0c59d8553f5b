"""Embeddings of MusiCNN: Pons & Serra 2019."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["MusiCNNEmbedder"]


class MusiCNNEmbedder(PretrainedEmbedder):
    """Embed music with MusiCNN.

    Patches of 3 s at 16 kHz through a network whose filters are shaped for music; trained on the Million Song Dataset
    or on MagnaTagATune, each with 50 tags: ``layer="taggram"``. `AudioTagger` has the same networks.

    J. Pons & X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR 2019
    late-breaking demo (arXiv:1909.06654).

    Parameters
    ----------
    model : str, default="msd_musicnn"
        "msd_musicnn" or "mtt_musicnn", after the training set.
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to
        16 kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" pads it with silence and weights it by the fraction that is not
        padding in "mean" and "mean_std"; "drop" drops it unless it is the only one.
    short_clip : {"tile", "zero"}, default="tile"
        Extension of a clip shorter than a patch: repetition, or silence at its end.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: "max_pool".
        Maps are averaged over time and frequency.
    window : float, default=None
        Length of a patch in seconds: 3; other values raise.
    hop : float, default=None
        Seconds between patches; None is their length, 3 s. Refused where no clip is longer than a patch.

    Attributes
    ----------
    {embedder_attributes}

    See Also
    --------
    PANNsEmbedder : Embeddings for sounds of all kinds.
    AudioTagger : The tags of music, as a whole and along time.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import MusiCNNEmbedder
    >>> embedder = MusiCNNEmbedder(weights=None, sample_rate=16000)
    >>> embedder.transform([np.zeros(32000), np.zeros(80000)]).shape
    (2, 753)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["musicnn"]
    _prefix: ClassVar[str] = "musicnn"

    def __init__(
        self,
        model: str = "msd_musicnn",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, **shared)
