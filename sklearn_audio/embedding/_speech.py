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

    Windows of 0.76 s, every 80 ms, at 16 kHz; 330,000 weights, trained on 200 million clips of keywords in English. It
    knows speech, and little else. The extra ``speech`` installs a package that carries the weights, so that nothing is
    downloaded.

    J. Lin, K. Kilgour, D. Roblek & M. Sharifi, "Training keyword spotters with limited and synthesized speech data",
    ICASSP 2020 (arXiv:2002.01322). The frames are those of openWakeWord.

    Parameters
    ----------
    model : str, default="speech_embedding"
        The only one (96 numbers).
    short_clip : {"tile", "zero"}, default="zero"
        How a clip shorter than 1.28 s is filled: by repetition, or by silence at both ends, which is better for single
        words.
    {embedder_parameters}
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained" takes the weights from the package ``pyopen-wakeword`` where that is installed, without importing
        it, and else downloads them once, into the user's cache; a path reads an ``.onnx`` or ``.tflite`` file of the
        network, or safetensors; None draws random weights from `random_state`, for tests.
    sample_rate : int, default=None
        Rate in Hz of arrays that carry none; None refuses such arrays. Files and arrays with a rate are resampled to
        16 kHz.
    partial : {"weight", "drop"}, default="weight"
        What becomes of a last window that the clip does not fill: "weight" fills it with silence and lets it weigh by
        its share in "mean" and "mean_std"; "drop" leaves it out, as openWakeWord does.
    layer : str or list of str, default=None
        Which representation to return, one of `layers()`; several are put side by side, "all" is every one; None is
        "embedding". Maps are averaged over time and frequency.
    window : float, default=None
        Seconds of a patch: 0.76 s, and no other.
    hop : float, default=None
        Seconds between windows; None is 0.08. Another hop is slower, because windows then share no computation.
        Refused where no clip is longer than a window.

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

    def __init__(  # type: ignore[misc] # with defaults of its own
        self,
        model: str = "speech_embedding",
        *,
        short_clip: Literal["tile", "zero"] = "zero",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, short_clip=short_clip, **shared)
