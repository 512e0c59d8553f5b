"""Embeddings of VGGish: Hershey et al. 2017."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Unpack

from torch import nn

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._sklearn import StrOptions
from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.embedding._vggish_postprocess import VGGishPostprocess, load_pca, pack_pca
from sklearn_audio.engine.models import CARDS, ModelCard

__all__ = ["VGGishEmbedder"]


class VGGishEmbedder(PretrainedEmbedder):
    """Embed clips with VGGish.

    Patches of 0.96 s at 16 kHz become 128 features, in one of three published variants: the unmodified output, as in
    the TensorFlow models since 2020 (default); with ``output_activation="relu"``, as in older code and in torchvggish;
    or, with ``postprocess="quantized"``, the codes from 0 to 255 that were released with AudioSet. With
    ``partial="drop"``, the patches are exactly those of the original code.

    S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017 (arXiv:1609.09430).

    Parameters
    ----------
    model : str, default="vggish"
        "vggish", the only one.
    output_activation : {"relu"} or None, default=None
        Activation applied to the 128 features.
    postprocess : {"pca", "quantized"} or None, default=None
        "pca" decorrelates and whitens the 128 features with the published matrix; "quantized" then clips them to [-2,
        2] and maps this range to the integers from 0 to 255, rounding down like TensorFlow.
    pca_weights : {"pretrained"} or path, default="pretrained"
        The matrix of `postprocess`: the published one, or a file in its ``.npz`` or ``.pth`` layout.
    {embedder_parameters}
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to 16
        kHz.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" pads it with silence and weights it by the fraction that is not
        padding in "mean" and "mean_std"; "drop" drops it unless it is the only one.
    short_clip : {"tile", "zero"}, default="tile"
        Extension of a clip shorter than a patch (0.975 s): repetition, or silence at its end.
    layer : str or list of str, default=None
        Representation to return, one of `layers()`; several are concatenated, "all" returns all; None: "embedding".
        Maps are averaged over time and frequency.
    window : float, default=None
        Length of a patch in seconds: 0.96; other values raise.
    hop : float, default=None
        Seconds between the starts of patches; None: their length, 0.96. Raises if no clip is longer than a patch.

    Attributes
    ----------
    {embedder_attributes}

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
        output_activation: Literal["relu"] | None = None,
        postprocess: Literal["pca", "quantized"] | None = None,
        pca_weights: str | os.PathLike[str] = "pretrained",
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, **shared)
        self.output_activation = output_activation
        self.postprocess = postprocess
        self.pca_weights = pca_weights

    def _layers(self, card: ModelCard) -> tuple[str, ...]:
        layers = super()._layers(card)
        if layers != ("embedding",) and (self.output_activation or self.postprocess):
            raise ValueError(
                f"output_activation and postprocess are for layer='embedding', not {self.layer!r}; set them to None."
            )
        return layers

    def _postprocess(self) -> VGGishPostprocess | None:
        if self.output_activation is None and self.postprocess is None:
            return None
        packed = self._packed_parts().get("pca")
        return VGGishPostprocess(self.output_activation, self.postprocess, self.pca_weights, packed, self.verbose)

    def _files_of_weights(self) -> dict[str, Any]:
        files = super()._files_of_weights()
        return files | {"pca_weights": self.pca_weights} if files and self.postprocess else files

    def _pack(self, network: nn.Module | None = None) -> dict[str, bytes]:
        parts = super()._pack(network)
        return parts | {"pca": pack_pca(load_pca(self.pca_weights))} if self.postprocess else parts
