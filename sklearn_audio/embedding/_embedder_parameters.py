"""Parameters that all embedders share: types, defaults, documentation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from joblib import Memory

from sklearn_audio._shared_parameters import SharedParameters

__all__ = ["SHARED_BY_EMBEDDERS", "EmbedderOptions"]


class EmbedderOptions(TypedDict, total=False):
    """Types of the parameters, in the order of the signatures."""

    weights: str | os.PathLike[str] | None
    sample_rate: int | None
    pooling: str | None
    partial: Literal["weight", "drop"]
    short_clip: Literal["tile", "zero"]
    layer: str | Sequence[str] | None
    window: float | None
    hop: float | None
    batch_size: int
    device: Any
    precision: Literal["float32", "bfloat16"]
    n_jobs: int | None
    cache: str | os.PathLike[str] | Memory | None
    cache_key: Literal["content", "stat"]
    cache_layers: Literal["asked", "all"]
    bundle_weights: bool
    on_error: Literal["raise", "nan"]
    random_state: Any
    verbose: int


EMBEDDER_DEFAULTS: dict[str, Any] = {
    "weights": "pretrained",
    "sample_rate": None,
    "pooling": "mean",
    "partial": "weight",
    "short_clip": "tile",
    "layer": None,
    "window": None,
    "hop": None,
    "batch_size": 32,
    "device": "auto",
    "precision": "float32",
    "n_jobs": None,
    "cache": None,
    "cache_key": "content",
    "cache_layers": "asked",
    "bundle_weights": False,
    "on_error": "raise",
    "random_state": None,
    "verbose": 0,
}

EMBEDDER_PARAMETERS = """\
weights : {"pretrained"}, path or None, default="pretrained"
    "pretrained" downloads the published weights once, to the cache of the user; a path reads a checkpoint in any
    published layout; None: random weights from `random_state`, for tests.
sample_rate : int, default=None
    Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled.
pooling : {"mean", "max", "mean_std", "mean_max"} or None, default="mean"
    How the vectors of the patches of a clip are combined; None returns a `Ragged` of one vector per patch. If the
    network takes a clip whole, standard deviation and maximum are over the time steps of its maps, otherwise over the
    patches. For a single step or patch, the standard deviation is 0 and the maximum equals the mean.
partial : {"weight", "drop"}, default="weight"
    Treatment of an incomplete last patch: "weight" pads it and weights it by the fraction that is not padding in "mean"
    and "mean_std"; "drop" drops it unless it is the only one.
short_clip : {"tile", "zero"}, default="tile"
    Extension of a clip shorter than the minimum of the network: repetition, or silence at its end.
layer : str or list of str, default=None
    Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: that of the card.
window : float, default=None
    Length of a patch in seconds, if the network takes patches of any length; None: the length of the card.
hop : float, default=None
    Seconds between the starts of patches; None: their length. Raises if no clip is longer than a patch.
batch_size : int, default=32
    Patches per forward pass; changes speed and memory, never results.
device : str or torch.device, default="auto"
    "auto" is CUDA if available, else MPS, else the CPU.
precision : {"float32", "bfloat16"}, default="float32"
    "bfloat16" is faster on hardware that supports it, and correct to two or three digits.
n_jobs : int, default=None
    Number of threads that decode and compute frames; None: 1, -1: one per core.
cache : None, str, path or joblib.Memory, default=None
    Folder of embeddings, one entry per clip, so that a grid search embeds once; None: no cache. See the user guide.
cache_key : {"content", "stat"}, default="content"
    How a file is identified in the cache: by its bytes, or, without reading it, by its path with links resolved, size,
    inode and times of modification and change.
cache_layers : {"asked", "all"}, default="asked"
    What a forward pass stores in the cache: the requested layers, or all, so that a grid over `layer` and `pooling`
    costs one pass.
bundle_weights : bool, default=False
    Whether to include the weights in pickles, so that these work without cache and network; a pickle is then as large
    as the weights.
on_error : {"raise", "nan"}, default="raise"
    "raise" stops at the first unusable clip; "nan" returns a row of NaN for it and warns once at the end.
random_state : int, RandomState instance or None, default=None
    Seed of the random weights of ``weights=None``; None: 0.
verbose : int, default=0
    1 shows progress bars, also of downloads."""

EMBEDDER_ATTRIBUTES = """\
n_features_in_ : int
    Number of timepoints, if X was an array of shape (n_clips, n_timepoints).
feature_names_in_ : ndarray of str, shape (n_features_in_,)
    Names of the columns, if X was a DataFrame of numbers."""

SHARED_BY_EMBEDDERS = SharedParameters(
    EmbedderOptions,
    EMBEDDER_DEFAULTS,
    {"{embedder_parameters}": EMBEDDER_PARAMETERS, "{embedder_attributes}": EMBEDDER_ATTRIBUTES},
)
