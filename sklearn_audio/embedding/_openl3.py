"""Embeddings of OpenL3: Cramer et al. 2019."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Literal, Unpack

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._sklearn import Options
from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["OpenL3Embedder"]


class OpenL3Embedder(PretrainedEmbedder):
    """Embed clips with OpenL3, trained without labels on the sound and the pictures of videos.

    Windows of 1 s at 48 kHz, centred on every 0.1 s of the clip, as in the authors' ``get_audio_embedding``; ``hop=1``
    is ten times faster. The windows at both ends reach into silence. The frames are those of the authors' code since
    release 0.4. The published weights are files of Keras, so the first use needs the extra ``hdf5``.

    J. Cramer, H.-H. Wu, J. Salamon & J. P. Bello, "Look, listen, and learn more: design choices for deep audio
    embeddings", ICASSP 2019.

    Parameters
    ----------
    model : str, default="music_mel256"
        Training set and frames: "music" or "env" (environmental sounds), then "mel256", "mel128" or "linear", such as
        "env_mel128".
    embedding_size : {512, 6144}, default=512
        Number of features of the embedding: the last map of the network, pooled to few or to many places.
    short_clip : {"tile", "zero"}, default="zero"
        Extension of a clip shorter than half a window: repetition, or silence at its end, as in the original code.
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to
        48 kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last window: "weight" pads it with silence, as in the original code, and weights it
        by the fraction that is not padding in "mean" and "mean_std"; "drop" drops it unless it is the only one.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: the embedding
        of `embedding_size`. Maps are averaged over time and frequency.
    window : float, default=None
        Length of a window in seconds: 1; other values raise.
    hop : float, default=None
        Seconds between windows; None is 0.1. Refused where no clip is longer than half a window.

    Attributes
    ----------
    {embedder_attributes}

    See Also
    --------
    MusiCNNEmbedder : A smaller network for music.
    PANNsEmbedder : Embeddings for sounds of all kinds.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import OpenL3Embedder
    >>> embedder = OpenL3Embedder("env_mel128", weights=None, sample_rate=48000)
    >>> embedder.transform([np.zeros(12000), np.zeros(28800)]).shape
    (2, 512)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["openl3"]
    _prefix: ClassVar[str] = "openl3"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PretrainedEmbedder._parameter_constraints,
        "embedding_size": [Options(Integral, {512, 6144})],
    }
    _parameter_uses: ClassVar[Uses] = {
        **PretrainedEmbedder._parameter_uses,
        "embedding_size": needs("layer=None", lambda owner: owner.layer is None, "layer"),
    }

    def __init__(  # type: ignore[misc] # with defaults of its own
        self,
        model: str = "music_mel256",
        *,
        embedding_size: Literal[512, 6144] = 512,
        short_clip: Literal["tile", "zero"] = "zero",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, short_clip=short_clip, **shared)
        self.embedding_size = embedding_size

    def _card(self) -> ModelCard:
        return replace(super()._card(), layer=f"embedding_{self.embedding_size}")
