"""Embeddings of EfficientAT: Schmid et al. 2023."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["EfficientATEmbedder"]


class EfficientATEmbedder(PretrainedEmbedder):
    """Embed clips with the MobileNets of EfficientAT.

    Small networks that learned AudioSet from a large transformer, at 32 kHz. A clip is taken whole up to 30 s, a longer
    one in patches of 10 s. They tag 527 kinds of sounds: ``layer="probabilities"``.

    F. Schmid, K. Koutini & G. Widmer, "Efficient large-scale audio tagging via transformer-to-CNN knowledge
    distillation", ICASSP 2023 (arXiv:2211.04772).

    Parameters
    ----------
    model : str, default="mn10_as"
        "mn04_as" (384 numbers), "mn05_as" (480), "mn10_as" (960), "mn20_as" (1,920), "mn30_as" (2,880) or "mn40_as"
        (3,840): the width of the network in tenths.
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays that carry none; None refuses such arrays. Files and arrays with a rate are resampled to
        32 kHz.
    partial : {"weight", "drop"}, default="weight"
        What becomes of a last patch that the clip does not fill: "weight" fills it with silence and lets it weigh by
        its share in "mean" and "mean_std"; "drop" leaves it out where there is a whole one.
    short_clip : {"tile", "zero"}, default="tile"
        How a clip shorter than 32 ms is filled: by repetition, or by silence at its end.
    layer : str or list of str, default=None
        Which representation to return, one of `layers()`; several are put side by side, "all" is every one; None is
        "embedding". Maps are averaged over time and frequency.
    window : float, default=None
        Seconds of a patch, up to 30, into which longer clips are then cut; None takes clips whole up to 30 s, and
        longer ones in patches of 10 s.
    hop : float, default=None
        Seconds between patches of `window`, or of 10 s, which clips longer than that are then cut into; None is their
        length. Refused where no clip is longer than a patch.

    Attributes
    ----------
    {embedder_attributes}

    See Also
    --------
    PANNsEmbedder : Larger networks for the same sounds.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import EfficientATEmbedder
    >>> embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000)
    >>> embedder.transform([np.zeros(32000), np.zeros(48000)]).shape
    (2, 384)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["efficientat"]
    _prefix: ClassVar[str] = "efficientat"

    def __init__(
        self,
        model: str = "mn10_as",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, **shared)
