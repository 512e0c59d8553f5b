"""Embeddings of AST: Gong et al. 2021."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Unpack

from sklearn_audio._sklearn import Interval
from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard, ast_card

__all__ = ["ASTEmbedder"]


class ASTEmbedder(PretrainedEmbedder):
    """Embed clips with the audio spectrogram transformer.

    Patches of 10.24 s at 16 kHz, padded as in the original code, with zeros after the frames of the clip. The embedding
    is the mean of the class token and the distillation token (768 features). The models trained on AudioSet score 527
    classes of sounds: ``layer="probabilities"``.

    Y. Gong, Y.-A. Chung & J. Glass, "AST: audio spectrogram transformer", Interspeech 2021 (arXiv:2104.01778).

    Parameters
    ----------
    model : str, default="audioset_10_10_0.4593"
        "audioset_10_10_0.4593" (the best), "audioset_10_10_0.4495", "audioset_10_10_0.4483", "audioset_10_10_0.4475",
        "audioset_12_12_0.4467", "audioset_14_14_0.4431", "audioset_16_16_0.4422", "audioset_bal_10_10_0.3499" (training
        set, strides, mean average precision), "speechcommands_10_10_0.9812", or the image models that training starts
        from: "tiny224" (192 features), "small224" (384), "base224", "base384".
    n_frames : int, default=None
        Frames (of 10 ms) per patch, at least 16; None: those of the model. Position embeddings are adapted as in the
        paper.
    stride : tuple of (int, int), default=None
        Cells between adjacent squares of 16 by 16 along frequency and time; None: those of the model.
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to 16
        kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" pads it like the original code and weights it by the fraction
        that is not padding in "mean" and "mean_std"; "drop" drops it unless it is the only one.
    short_clip : {"tile", "zero"}, default="tile"
        Extension of a clip shorter than a frame of 25 ms: repetition, or silence at its end.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: "embedding".
        Maps are averaged over time and frequency.
    window : float, default=None
        Length of a patch in seconds: 10.24, or that of `n_frames`; other values raise.
    hop : float, default=None
        Seconds between the starts of patches; None: their length, 10.24. Raises if no clip is longer than a patch.

    Attributes
    ----------
    {embedder_attributes}

    See Also
    --------
    PANNsEmbedder : Convolutional networks for the same sounds.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import ASTEmbedder
    >>> embedder = ASTEmbedder(
    ...     "tiny224",
    ...     n_frames=96,
    ...     stride=(16, 16),
    ...     weights=None,
    ...     sample_rate=16000,
    ... )
    >>> embedder.transform([np.zeros(16000), np.zeros(32000)]).shape
    (2, 192)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["ast"]
    _prefix: ClassVar[str] = "ast"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PretrainedEmbedder._parameter_constraints,
        "n_frames": [None, Interval(Integral, 16, None, closed="left")],
        "stride": [None, tuple, list],
    }

    def __init__(
        self,
        model: str = "audioset_10_10_0.4593",
        *,
        n_frames: int | None = None,
        stride: tuple[int, int] | None = None,
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, **shared)
        self.n_frames = n_frames
        self.stride = stride

    def _card(self) -> ModelCard:
        published = super()._card()
        if self.n_frames is None and self.stride is None:
            return published
        stride = None if self.stride is None else tuple(self.stride)
        if stride is not None and (len(stride) != 2 or not all(isinstance(s, Integral) and s > 0 for s in stride)):
            raise ValueError(f"stride must be two positive numbers of cells, (frequency, time), got {self.stride!r}.")
        return ast_card(self.model, n_frames=self.n_frames, stride=stride)
