"""Which weights these are, told by their content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sklearn_audio import weights as published
from sklearn_audio._paths import local_path
from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.engine._networks import Source, parts_of
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.weights._readers import content_hash

__all__ = ["content_of", "pca_identity", "weights_identity"]

# The hash of a checkpoint is computed once per process.
_known: dict[Stamp, str] = {}


def weights_identity(card: ModelCard, source: Source, *, verbose: int = 0) -> tuple[object, ...]:
    """Tell the weights of a network from all others."""
    if source.packed is not None or source.weights is None:
        return source.identity(None)
    if source.weights == "pretrained" and card.weights is not None:
        return content_of(published.fetch(card.weights, verbose=verbose))
    return content_of(Path(local_path(source.weights)))


def pca_identity(
    weights: str | os.PathLike[str], packed: bytes | None = None, *, verbose: int = 0
) -> tuple[object, ...]:
    """Tell the matrix of VGGish's post-processing from all others."""
    if packed is not None:
        return ("packed", hashlib.sha256(packed).hexdigest())
    if weights == "pretrained":
        return content_of(published.fetch("vggish_pca", verbose=verbose))
    return content_of(Path(local_path(weights)))


def content_of(file: Path) -> tuple[str, ...]:
    """Hash a checkpoint with all the files it consists of."""
    return tuple(_hash_of(part) for part in parts_of(file))


def _hash_of(file: Path) -> str:
    # by the same stamp as networks in memory: were a file new by one and known by the other, vectors of the old weights
    # would be kept as those of the new ones
    stamp = stamp_of(file)
    if stamp not in _known:
        _known[stamp] = content_hash(file)
    return _known[stamp]
