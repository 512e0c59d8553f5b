"""Embeddings of PANNs: Kong et al. 2020."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from joblib import Memory

from sklearn_audio.embedding._base import PretrainedEmbedder
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
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained" downloads the published weights once, into the user's cache; a path reads a checkpoint in any
        published layout; None draws random weights from `random_state`, for tests.
    sample_rate : int, default=None
        Rate in Hz of arrays that carry none; None refuses such arrays. Files and arrays with a rate are resampled to
        the rate of the model.
    pooling : {"mean", "max", "mean_std", "mean_max"} or None, default="mean"
        How the vectors of the patches of a clip become one; None returns a `Ragged` of one vector per patch.
        Of a clip of a single patch, the deviation is 0 and the maximum is the mean.
    partial : {"weight", "drop"}, default="weight"
        What becomes of a last patch that the clip does not fill: "weight" fills it with silence and lets it weigh by
        its share in "mean" and "mean_std"; "drop" leaves it out where there is a whole one.
    short_clip : {"tile", "zero"}, default="tile"
        How a clip shorter than what the network can take (0.31 s for "cnn14") is filled: by repetition, or by silence
        at its end.
    layer : str, default=None
        Which representation to return, one of `layers()`; None is "embedding". Maps are averaged over time and
        frequency.
    hop : float, default=None
        Seconds between patches of 10 s, which clips longer than that are then cut into; None cuts clips of more than
        30 s, without overlap. Refused where no clip is longer than a patch.
    batch_size : int, default=32
        Patches collected before they go through the network; changes speed and memory, never a result.
    device : str or torch.device, default="auto"
        "auto" takes CUDA, else Apple's MPS, else the CPU.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" is faster where the hardware has it, and correct to two or three digits.
    n_jobs : int, default=None
        Threads that decode and compute frames; None is 1, -1 one per core.
    cache : None, str, path or joblib.Memory, default=None
        Folder of embeddings, one entry per clip, so that a grid search embeds once; None is off. See the user guide.
    cache_key : {"content", "stat"}, default="content"
        What tells a file from others in the cache: its bytes, or, without reading it, its path with links resolved,
        size, inode and times of modification and change.
    bundle_weights : bool, default=False
        Put the weights into the pickle, so that it works without cache and network; the pickle is as large as they are.
    on_error : {"raise", "nan"}, default="raise"
        "raise" ends at the first clip that cannot be used; "nan" turns it into a row of NaN and warns once at the end.
    random_state : int, RandomState instance or None, default=None
        Seed of the random weights of ``weights=None``; None is 0.
    verbose : int, default=0
        1 shows progress bars, also of a download.

    Attributes
    ----------
    n_features_in_ : int
        Number of timepoints, if X was an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X was a DataFrame of numbers.

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
        *,
        weights: str | os.PathLike[str] | None = "pretrained",
        sample_rate: int | None = None,
        pooling: str | None = "mean",
        partial: Literal["weight", "drop"] = "weight",
        short_clip: Literal["tile", "zero"] = "tile",
        layer: str | None = None,
        hop: float | None = None,
        batch_size: int = 32,
        device: Any = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | Memory | None = None,
        cache_key: Literal["content", "stat"] = "content",
        bundle_weights: bool = False,
        on_error: Literal["raise", "nan"] = "raise",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.weights = weights
        self.sample_rate = sample_rate
        self.pooling = pooling
        self.partial = partial
        self.short_clip = short_clip
        self.layer = layer
        self.hop = hop
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.cache = cache
        self.cache_key = cache_key
        self.bundle_weights = bundle_weights
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose
