"""Embeddings of VGGish: Hershey et al. 2017."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from joblib import Memory

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._sklearn import StrOptions
from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._vggish_postprocess import VGGishPostprocess, load_pca, pack_pca
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["VGGishEmbedder"]


class VGGishEmbedder(PretrainedEmbedder):
    """Embed clips with VGGish.

    Patches of 0.96 s at 16 kHz to 128 numbers. Three things are called "VGGish embedding", and all are here: the plain
    output, as in TensorFlow's models since 2020 (default); with ``output_activation="relu"``, as in older code and in
    torchvggish; and with ``postprocess="quantized"`` the codes from 0 to 255 that were released with AudioSet. With
    ``partial="drop"`` the patches are exactly those of the original code.

    S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017 (arXiv:1609.09430).

    Parameters
    ----------
    model : str, default="vggish"
        "vggish", the only one.
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained" downloads the published weights once, into the user's cache; a path reads a checkpoint in any
        published layout; None draws random weights from `random_state`, for tests.
    sample_rate : int, default=None
        Rate in Hz of arrays that carry none; None refuses such arrays. Files and arrays with a rate are resampled to
        16 kHz.
    pooling : {"mean", "max", "mean_std", "mean_max"} or None, default="mean"
        How the vectors of the patches of a clip become one; None returns a `Ragged` of one vector per patch.
        Of a clip of a single patch, the deviation is 0 and the maximum is the mean.
    partial : {"weight", "drop"}, default="weight"
        What becomes of a last patch that the clip does not fill: "weight" fills it with silence and lets it weigh by
        its share in "mean" and "mean_std"; "drop" leaves it out where there is a whole one.
    short_clip : {"tile", "zero"}, default="tile"
        How a clip shorter than a patch (0.975 s) is filled: by repetition, or by silence at its end.
    layer : str, default=None
        Which representation to return, one of `layers()`; None is "embedding". Maps are averaged over time and
        frequency.
    hop : float, default=None
        Seconds between patches; None is their length, 0.96 s. Refused where no clip is longer than a patch.
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
    output_activation : {"relu"} or None, default=None
        Applied to the 128 numbers.
    postprocess : {"pca", "quantized"} or None, default=None
        "pca" decorrelates and whitens the 128 numbers with the published matrix; "quantized" then clips them to [-2, 2]
        and maps that onto the whole numbers from 0 to 255, rounding down as TensorFlow does.
    pca_weights : {"pretrained"} or path, default="pretrained"
        The matrix of `postprocess`: the published one, or a file in its ``.npz`` or ``.pth`` layout.

    Attributes
    ----------
    n_features_in_ : int
        Number of timepoints, if X was an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X was a DataFrame of numbers.

    See Also
    --------
    PANNsEmbedder : Newer, larger networks.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import VGGishEmbedder
    >>> embedder = VGGishEmbedder(weights=None, sample_rate=16000)
    >>> embedder.transform([np.zeros(16000), np.zeros(32000)]).shape
    (2, 128)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = CARDS["vggish"]
    _prefix: ClassVar[str] = "vggish"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PretrainedEmbedder._parameter_constraints,
        "output_activation": [StrOptions({"relu"}), None],
        "postprocess": [StrOptions({"pca", "quantized"}), None],
        "pca_weights": [str, os.PathLike],
    }
    _parameter_uses: ClassVar[Uses] = {
        **PretrainedEmbedder._parameter_uses,
        "pca_weights": needs("postprocess", lambda owner: owner.postprocess is not None, "postprocess"),
    }

    def __init__(
        self,
        model: str = "vggish",
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
        output_activation: Literal["relu"] | None = None,
        postprocess: Literal["pca", "quantized"] | None = None,
        pca_weights: str | os.PathLike[str] = "pretrained",
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
        self.output_activation = output_activation
        self.postprocess = postprocess
        self.pca_weights = pca_weights

    def _layer(self, card: ModelCard) -> str:
        layer = super()._layer(card)
        if layer != "embedding" and (self.output_activation or self.postprocess):
            raise ValueError(
                f"output_activation and postprocess are for layer='embedding', not {layer!r}; set them to None."
            )
        return layer

    def _postprocess(self) -> VGGishPostprocess | None:
        if self.output_activation is None and self.postprocess is None:
            return None
        packed = self._packed_parts().get("pca")
        return VGGishPostprocess(self.output_activation, self.postprocess, self.pca_weights, packed, self.verbose)

    def _files_of_weights(self) -> dict[str, Any]:
        files = super()._files_of_weights()
        return files | {"pca_weights": self.pca_weights} if files and self.postprocess else files

    def _pack(self) -> dict[str, bytes]:
        parts = super()._pack()
        return parts | {"pca": pack_pca(load_pca(self.pca_weights))} if self.postprocess else parts
