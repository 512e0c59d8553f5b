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
    """Tell the weights of a network from all others.

    Parameters
    ----------
    card : ModelCard
        The model.
    source : Source
        Its weights; published ones are downloaded if they are not there yet.
    verbose : int, default=0
        1 shows the progress of a download.

    Returns
    -------
    tuple
        The same wherever the file lies and whenever it was written; empty where there is none, which cannot be loaded.

    Raises
    ------
    WeightsError
        If published weights cannot be downloaded.

    Examples
    --------
    >>> from sklearn_audio.engine._cache_weights import weights_identity
    >>> from sklearn_audio.engine._networks import Source
    >>> from sklearn_audio.engine.models import CARDS
    >>> weights_identity(CARDS["vggish"]["vggish"], Source(None, seed=3))
    ('random', 3)
    """
    if source.packed is not None or source.weights is None:
        return source.identity(None)
    if source.weights == "pretrained" and card.weights is not None:
        return content_of(published.fetch(card.weights, verbose=verbose))
    return content_of(Path(local_path(source.weights)))


def pca_identity(
    weights: str | os.PathLike[str], packed: bytes | None = None, *, verbose: int = 0
) -> tuple[object, ...]:
    """Tell the matrix of VGGish's post-processing from all others.

    Parameters
    ----------
    weights : {"pretrained"} or path
        The published one, or a file in its layout.
    packed : bytes, default=None
        The matrix itself; then nothing else is looked at.
    verbose : int, default=0
        1 shows the progress of a download.

    Returns
    -------
    tuple
        Changes when the numbers do.

    Raises
    ------
    WeightsError
        If it cannot be downloaded.

    Examples
    --------
    >>> from sklearn_audio.engine._cache_weights import pca_identity
    >>> pca_identity("pretrained", b"") == pca_identity("pretrained", b"1")
    False
    """
    if packed is not None:
        return ("packed", hashlib.sha256(packed).hexdigest())
    if weights == "pretrained":
        return content_of(published.fetch("vggish_pca", verbose=verbose))
    return content_of(Path(local_path(weights)))


def content_of(file: Path) -> tuple[str, ...]:
    """Hash a checkpoint with all the files it consists of.

    Parameters
    ----------
    file : Path
        A file, or a folder or prefix of a TensorFlow checkpoint.

    Returns
    -------
    tuple of str
        One sha256 per file; empty if there is none. What a safetensors file says about itself does not count, because
        it is written in another order each time; what it was converted for does.

    Raises
    ------
    WeightsError
        If a file is no checkpoint, or damaged.
    """
    return tuple(_hash_of(part) for part in parts_of(file))


def _hash_of(file: Path) -> str:
    # by the same stamp as networks in memory: were a file new by one and known by the other, vectors of the old weights
    # would be kept as those of the new ones
    stamp = stamp_of(file)
    if stamp not in _known:
        _known[stamp] = content_hash(file)
    return _known[stamp]
