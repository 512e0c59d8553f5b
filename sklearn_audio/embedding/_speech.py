"""Embeddings of speech_embedding: Lin et al. 2020."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Unpack

from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["SpeechEmbedder"]


class SpeechEmbedder(PretrainedEmbedder):
    """Embed speech with speech_embedding, a small network for keywords.

    Windows of 0.76 s every 80 ms, at 16 kHz. The network has 330,000 parameters, was trained on 200 million clips of
    English keywords, and suits little but speech. The extra ``speech`` installs a package that contains the weights, so
    that nothing is downloaded.

    J. Lin, K. Kilgour, D. Roblek & M. Sharifi, "Training keyword spotters with limited and synthesized speech data",
    ICASSP 2020 (arXiv:2002.01322). The frames are those of openWakeWord.

    Parameters
    ----------
    model : str, default="speech_embedding"
        "speech_embedding", the only one (96 features).
    short_clip : {"tile", "zero"}, default="zero"
        Extension of a clip shorter than 1.28 s: repetition, or silence at both ends, which is better for single words.
    {embedder_parameters}
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained" reads the weights from the package ``pyopen-wakeword`` if it is installed, without importing it, or
        else downloads them once, to the cache of the user; a path reads an ``.onnx`` or ``.tflite`` file of the
        network, or safetensors; None: random weights from `random_state`, for tests.
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to 16
        kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last window: "weight" pads it with silence and weights it by the fraction that is not
        padding in "mean" and "mean_std"; "drop" drops it, like openWakeWord.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: "embedding".
        Maps are averaged over time and frequency.
    window : float, default=None
        Length of a patch in seconds: 0.76; other values raise.
    hop : float, default=None
        Seconds between the starts of windows; None: 0.08. Another hop is slower, because windows then share no
        computation. Raises if no clip is longer than a window.

    Attributes
    ----------
    {embedder_attributes}

    See Also
    --------
    VGGishEmbedder : Embeddings for sounds of all kinds.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import SpeechEmbedder
    >>> embedder = SpeechEmbedder(weights=None, sample_rate=16000)
    >>> embedder.transform([np.zeros(16000), np.zeros(48000)]).shape
    (2, 96)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["speech"]
    _prefix: ClassVar[str] = "speechembedding"

    def __init__(  # type: ignore[misc] # with its own defaults
        self,
        model: str = "speech_embedding",
        *,
        short_clip: Literal["tile", "zero"] = "zero",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, short_clip=short_clip, **shared)
