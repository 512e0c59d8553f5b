"""Embeddings of PANNs: Kong et al. 2020."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["PANNsEmbedder"]


class PANNsEmbedder(PretrainedEmbedder):
    """Embed clips with the networks of PANNs.

    A clip is taken whole up to 30 s, a longer one in patches of 10 s. The networks were trained on AudioSet at 32 kHz
    (two of them at 16 and 8 kHz), and tag 527 kinds of sounds: ``layer="probabilities"``.

    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern recognition", IEEE/ACM TASLP
    28, 2020 (arXiv:1912.10211).

    Parameters
    ----------
    model : str, default="cnn14"
        "cnn14" (2,048 numbers), "cnn14_16k", "cnn14_8k", "cnn14_decision_max", "cnn14_decision_avg",
        "cnn14_decision_att", "cnn10", "cnn6" (512), "resnet22", "resnet38", "resnet54" (2,048), "mobilenet_v1",
        "mobilenet_v2" (1,024), "leenet11" (512), "leenet24" (1,024), "dainet19" (512), "res1dnet31", "res1dnet51"
        (2,048), "wavegram_cnn14" or "wavegram_logmel_cnn14" (2,048, the best).
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays that carry none; None refuses such arrays. Files and arrays with a rate are resampled to
        the rate of the model.
    partial : {"weight", "drop"}, default="weight"
        What becomes of a last patch that the clip does not fill: "weight" fills it with silence and lets it weigh by
        its share in "mean" and "mean_std"; "drop" leaves it out where there is a whole one.
    short_clip : {"tile", "zero"}, default="tile"
        How a clip shorter than what the network can take (0.31 s for "cnn14") is filled: by repetition, or by silence
        at its end.
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
    VGGishEmbedder : An older, smaller embedding.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import PANNsEmbedder
    >>> embedder = PANNsEmbedder("leenet11", weights=None, sample_rate=32000)
    >>> embedder.transform([np.zeros(32000), np.zeros(48000)]).shape
    (2, 512)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["panns"]
    _prefix: ClassVar[str] = "panns"

    def __init__(
        self,
        model: str = "cnn14",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, **shared)
