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

    Small networks at 32 kHz, distilled from a large transformer on AudioSet. Clips of up to 30 s are taken whole,
    longer ones in patches of 10 s. The networks score 527 classes of sounds: ``layer="probabilities"``.

    F. Schmid, K. Koutini & G. Widmer, "Efficient large-scale audio tagging via transformer-to-CNN knowledge
    distillation", ICASSP 2023 (arXiv:2211.04772).

    Parameters
    ----------
    model : str, default="mn10_as"
        "mn04_as" (384 features), "mn05_as" (480), "mn10_as" (960), "mn20_as" (1,920), "mn30_as" (2,880) or "mn40_as"
        (3,840): the width of the network in tenths.
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to 32
        kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" pads it with silence and weights it by the fraction that is not
        padding in "mean" and "mean_std"; "drop" drops it unless it is the only one.
    short_clip : {"tile", "zero"}, default="tile"
        Extension of a clip shorter than 32 ms: repetition, or silence at its end.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: "embedding".
        Maps are averaged over time and frequency.
    window : float, default=None
        Length of a patch in seconds, up to 30, into which longer clips are cut; None: clips of up to 30 s are taken
        whole, longer ones in patches of 10 s.
    hop : float, default=None
        Seconds between the starts of patches of `window`, or of 10 s; longer clips are cut into these. None: their
        length. Raises if no clip is longer than a patch.

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
