"""The store: download, verify, convert once, and only then give a file its name."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import pooch
import torch
from safetensors.torch import save_file

from sklearn_audio.downloads import cache_folder, check_hash, download
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._readers import metadata, read_checkpoint
from sklearn_audio.weights._registry import WeightsEntry, find

__all__ = ["fetch", "stored_file", "verify", "weights_folder"]


def weights_folder() -> Path:
    """Return the folder of weights in the cache.

    Returns
    -------
    Path
        It may not exist yet.

    Examples
    --------
    >>> from sklearn_audio.weights import weights_folder
    >>> weights_folder().name
    'weights'
    """
    return cache_folder() / "weights"


def stored_file(name: str) -> Path:
    """Return where the converted weights of a name are kept.

    Parameters
    ----------
    name : str
        Of the registry.

    Returns
    -------
    Path
        It may not exist yet.

    Raises
    ------
    ValueError
        If there is no such name.

    Examples
    --------
    >>> from sklearn_audio.weights import stored_file
    >>> stored_file("panns_cnn14").name
    'panns_cnn14.safetensors'
    """
    return weights_folder() / f"{find(name).name}.safetensors"


def fetch(name: str, *, verbose: int = 0) -> Path:
    """Return the file of some published weights, downloading and converting them if need be.

    Parameters
    ----------
    name : str
        Of the registry, such as "panns_cnn14".
    verbose : int, default=0
        1 shows the progress of a download.

    Returns
    -------
    Path
        In the format of safetensors, in the cache: the folder that SKLEARN_AUDIO_HOME names, else the user's.

    Raises
    ------
    WeightsError
        If they cannot be downloaded, have another hash, or are not what they should be. The message says where to put
        the published file by hand; nothing that is half written is ever used.
    ValueError
        If there is no such name.
    ImportError
        If TensorFlow is needed to read them, and is not installed.

    Examples
    --------
    >>> from sklearn_audio.weights import fetch
    >>> fetch("panns_cnn41")
    Traceback (most recent call last):
        ...
    ValueError: unknown weights 'panns_cnn41'; did you mean 'panns_cnn14'? Choose one of ...
    """
    entry, stored = find(name), stored_file(name)
    if stored.is_file():
        return stored
    stored.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=stored.parent, prefix=".fetching-") as scratch:
        source = _published_file(entry, Path(scratch), verbose)
        converted = Path(scratch) / "converted.safetensors"
        _convert(entry, source, converted, Path(scratch))
        os.replace(converted, stored)  # atomic: another process sees the whole file or none
    return stored


def verify(name: str) -> None:
    """Check that the stored weights of a name can be read and are those of the registry.

    Parameters
    ----------
    name : str
        Of the registry.

    Raises
    ------
    WeightsError
        If they are not in the cache, are damaged, or came from a file with another hash.
    ValueError
        If there is no such name.

    Examples
    --------
    >>> from sklearn_audio.weights import verify
    >>> verify("efficientat_mn04")
    Traceback (most recent call last):
        ...
    ValueError: unknown weights 'efficientat_mn04'; did you mean 'efficientat_mn04_as'? Choose one of ...
    """
    entry, stored = find(name), stored_file(name)
    if not stored.is_file():
        raise WeightsError(f"{name} is not in the cache; download it first.")
    advice = f"Delete '{stored}' and download it again."
    try:
        read_checkpoint(stored, entry.converter)
    except WeightsError as error:
        raise WeightsError(f"{error} {advice}") from error
    expected = entry.by_hand(stored.parent)
    if not metadata(stored).get(expected.algorithm, "").startswith(expected.expected):
        raise WeightsError(f"'{stored}' came from a file with another {expected.algorithm}. {advice}")


def _published_file(entry: WeightsEntry, scratch: Path, verbose: int) -> Path:
    """Return the published file, verified: one that was put there by hand, or a download."""
    by_hand = entry.by_hand(weights_folder())
    file, source = by_hand.path, str(by_hand.path)
    if not file.is_file():
        file, source = scratch / entry.file, entry.url
        download(entry.url, file, by_hand, failure=WeightsError, verbose=verbose)
    size = file.stat().st_size
    if entry.size is not None and size != entry.size:
        raise WeightsError(f"{source} is not the expected file: it has {size} bytes, not {entry.size}. {by_hand}")
    check_hash(file, source, by_hand, failure=WeightsError)
    return file


def _convert(entry: WeightsEntry, source: Path, target: Path, scratch: Path) -> None:
    try:
        tensors = read_checkpoint(_unpacked(entry, source, scratch), entry.converter)
    except WeightsError as error:
        advice = entry.by_hand(weights_folder())
        raise WeightsError(f"{entry.url} did not give the weights of {entry.name}: {error} {advice}") from error
    hashes = {algorithm: pooch.file_hash(str(source), alg=algorithm) for algorithm in ("sha256", "md5")}
    facts = {"name": entry.name, "url": entry.url, "converter": entry.converter, **hashes}
    # safetensors refuses tensors that share memory, which those of a PyTorch checkpoint may
    own = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    save_file(own, target, facts)


def _unpacked(entry: WeightsEntry, source: Path, scratch: Path) -> Path:
    """Return the folder of an archive that holds a checkpoint; any other file is one already."""
    if not entry.member:
        return source
    try:
        with zipfile.ZipFile(source) as archive:
            members = [name for name in archive.namelist() if name.startswith(f"{entry.member}/")]
            archive.extractall(scratch / "unpacked", members)  # keeps every name within the folder
    except zipfile.BadZipFile as error:
        raise WeightsError(f"'{source}' is no zip archive ({error}).") from error
    return scratch / "unpacked" / entry.member
