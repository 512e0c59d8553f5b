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

    Clips of up to 30 s are taken whole, longer ones in patches of 10 s. The networks were trained on AudioSet at 32 kHz
    (two of them at 16 and 8 kHz) and score 527 classes of sounds: ``layer="probabilities"``.

    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern recognition", IEEE/ACM TASLP
    28, 2020 (arXiv:1912.10211).

    Parameters
    ----------
    model : str, default="cnn14"
        "cnn14" (2,048 features), "cnn14_16k", "cnn14_8k", "cnn14_decision_max", "cnn14_decision_avg",
        "cnn14_decision_att", "cnn10", "cnn6" (512), "resnet22", "resnet38", "resnet54" (2,048), "mobilenet_v1",
        "mobilenet_v2" (1,024), "leenet11" (512), "leenet24" (1,024), "dainet19" (512), "res1dnet31", "res1dnet51"
        (2,048), "wavegram_cnn14" or "wavegram_logmel_cnn14" (2,048, the best).
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to the
        rate of the model.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" pads it with silence and weights it by the fraction that is not
        padding in "mean" and "mean_std"; "drop" drops it unless it is the only one.
    short_clip : {"tile", "zero"}, default="tile"
        Extension of a clip shorter than the minimum of the network (0.31 s for "cnn14"): repetition, or silence at its
        end.
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
