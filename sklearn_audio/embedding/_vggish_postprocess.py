"""Post-processing of VGGish's embedding: rectification, and the PCA and the quantisation released with AudioSet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from sklearn_audio import weights as published
from sklearn_audio._paths import local_path
from sklearn_audio.engine import content_of
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._readers import read_packed

__all__ = ["PCA", "VGGishPostprocess", "load_pca", "pack_pca", "unpack_pca"]

Vectors = NDArray[np.float32]


class PCA(NamedTuple):
    """The matrix that decorrelates the embedding of VGGish."""

    eigen_vectors: Vectors
    means: Vectors


@dataclass(frozen=True)
class VGGishPostprocess:
    """Post-processing after the network; `packed` is the matrix from a pickle."""

    output_activation: str | None
    postprocess: str | None
    pca_weights: str | os.PathLike[str]
    packed: bytes | None = None
    verbose: int = 0

    def identity(self) -> tuple[object, ...]:
        """Return everything that the result depends on, for the cache key."""
        return self.output_activation, self.postprocess, self._matrix_identity() if self.postprocess else ()

    def _matrix_identity(self) -> tuple[object, ...]:
        if self.packed is not None:
            return ("packed", hashlib.sha256(self.packed).hexdigest())
        return content_of(_file(self.pca_weights, self.verbose))

    def load(self) -> Callable[[Vectors], Vectors]:
        """Read the matrix, if one is needed."""
        pca = None
        if self.postprocess is not None:
            packed = self.packed
            pca = load_pca(self.pca_weights, verbose=self.verbose) if packed is None else unpack_pca(packed)
        return partial(
            _postprocessed, relu=self.output_activation == "relu", pca=pca, quantized=self.postprocess == "quantized"
        )


def _postprocessed(vectors: Vectors, *, relu: bool, pca: PCA | None, quantized: bool) -> Vectors:
    if relu:
        vectors = np.maximum(vectors, 0)
    if pca is None:
        return vectors
    projected = (vectors - pca.means) @ pca.eigen_vectors.T  # (B, 128) -> (B, 128)
    if quantized:
        projected = np.floor((np.clip(projected, -2, 2) + 2) * (255 / 4))
    return projected.astype(np.float32)


def _file(weights: str | os.PathLike[str], verbose: int) -> Path:
    if weights == "pretrained":
        return published.fetch("vggish_pca", verbose=verbose)
    return Path(local_path(weights))


def load_pca(weights: str | os.PathLike[str], *, verbose: int = 0) -> PCA:
    """Read the matrix from its published file."""
    file = _file(weights, verbose)
    tensors = published.read_checkpoint(file, "vggish_pca")
    pca = PCA(tensors["eigen_vectors"].float().numpy(), tensors["means"].float().flatten().numpy())
    if pca.eigen_vectors.shape != (128, 128) or pca.means.shape != (128,):
        raise WeightsError(
            f"'{file}' holds eigenvectors of shape {pca.eigen_vectors.shape} and means of shape {pca.means.shape}; "
            "VGGish has 128 of 128. Give the file vggish_pca_params."
        )
    return pca


def pack_pca(pca: PCA) -> bytes:
    """Write the matrix as bytes."""
    return safetensors.numpy.save(pca._asdict())


def unpack_pca(packed: bytes) -> PCA:
    """Read the bytes written by `pack_pca`."""
    tensors = read_packed(packed, "the bundled matrix of VGGish")
    return PCA(tensors["eigen_vectors"].numpy(), tensors["means"].numpy())
