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
    "pretrained" downloads the published weights once, into the user's cache; a path reads a checkpoint in any
    published layout; None draws random weights from `random_state`, for tests.
sample_rate : int, default=None
    Rate in Hz of arrays that carry none; None refuses such arrays. Files and arrays with a rate are resampled.
pooling : {"mean", "max", "mean_std", "mean_max"} or None, default="mean"
    How the vectors of the patches of a clip become one; None returns a `Ragged` of one vector per patch. Where the
    network takes a clip whole, deviation and maximum are those of the time steps of its maps; elsewhere, those of the
    patches. Of a single step or patch, the deviation is 0 and the maximum is the mean.
partial : {"weight", "drop"}, default="weight"
    What becomes of a last patch that the clip does not fill: "weight" fills it and lets it weigh by its
    share in "mean" and "mean_std"; "drop" leaves it out where there is a whole one.
short_clip : {"tile", "zero"}, default="tile"
    How a clip shorter than the network takes is filled: by repetition, or by silence at its end.
layer : str or list of str, default=None
    Which representation to return, one of `layers()`; several are put side by side, "all" is every one; None is that
    of the card.
window : float, default=None
    Seconds of a patch, where the network takes patches of any length; None is the length of the card.
hop : float, default=None
    Seconds between patches; None is their length. Refused where no clip is longer than a patch.
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
cache_layers : {"asked", "all"}, default="asked"
    What a forward pass puts into the cache: the layers asked for, or all, so that a grid over `layer` and `pooling`
    costs one pass.
bundle_weights : bool, default=False
    Put the weights into the pickle, so that it works without cache and network; the pickle is as large as they are.
on_error : {"raise", "nan"}, default="raise"
    "raise" ends at the first clip that cannot be used; "nan" turns it into a row of NaN and warns once at the end.
random_state : int, RandomState instance or None, default=None
    Seed of the random weights of ``weights=None``; None is 0.
verbose : int, default=0
    1 shows progress bars, also of a download."""

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
