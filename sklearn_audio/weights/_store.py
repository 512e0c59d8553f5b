"""Storage of weights: download, verify, convert once, and move to the final name."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pooch
import torch
from safetensors.torch import save_file

from sklearn_audio._atomic import written_whole
from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.downloads import ManualDownload, cache_folder, check_hash, download, scratch_folder
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._installed import installed_file
from sklearn_audio.weights._readers import read_checkpoint
from sklearn_audio.weights._registry import WeightsEntry, find
from sklearn_audio.weights._safetensors import SEAL, UNSEALED, about_of, check_seal, seal, whole

__all__ = ["fetch", "is_at_hand", "state_of", "stored_file", "verify", "weights_folder"]

# Version of all converters: raise it when one of them returns other tensors for the same file. Files converted by an
# earlier version are then converted again.
_CONVERSION = "1"

# sha256 of manually downloaded files; each is hashed once per process.
_hashes: dict[Stamp, str] = {}


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
    """Return the path of the converted weights of a name.

    Parameters
    ----------
    name : str
        Name in the registry.

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
    """Return the file of published weights; download and convert them if necessary.

    A stored file is used only if it matches the registry: it came from a file with that hash (or, if the registry has
    none, from that address), and was converted by that converter in its current version. Otherwise it is downloaded and
    converted again. The hash of the stored file is compared once per process.

    Parameters
    ----------
    name : str
        Name in the registry, such as "panns_cnn14".
    verbose : int, default=0
        1 shows the progress of a download.

    Returns
    -------
    Path
        The file in an installed package, if one has the weights and none are stored; else a safetensors file in the
        cache: the folder named by SKLEARN_AUDIO_HOME, or the user's cache.

    Raises
    ------
    WeightsError
        If they cannot be downloaded, have another hash or other tensors, or the stored file is damaged. The message
        says where to place a manual download. Incomplete files are never used.
    ValueError
        If there is no such name.
    ImportError
        If TensorFlow or h5py is needed to read them, and is not installed.

    Examples
    --------
    >>> from sklearn_audio.weights import fetch
    >>> fetch("panns_cnn41")
    Traceback (most recent call last):
        ...
    ValueError: unknown weights 'panns_cnn41'; did you mean 'panns_cnn14'? Choose one of ...
    """
    entry, stored = find(name), stored_file(name)
    outdated = ""
    if os.path.isfile(stored):
        outdated = _difference(entry, _facts(stored))
        if not outdated:
            return stored
    installed = installed_file(entry)
    if installed is not None:
        return installed
    try:
        _store(entry, stored, verbose)
    except WeightsError as error:
        if not outdated:
            raise
        raise WeightsError(f"{error} The stored '{stored}' {outdated}, and is not used.") from error
    return stored


def state_of(name: str) -> str:
    """Return "here", "outdated", "damaged", "installed" (with a package) or "" for the weights of a name."""
    entry, stored = find(name), stored_file(name)
    if not os.path.isfile(stored):
        return "installed" if installed_file(entry) else ""
    try:
        return "outdated" if _difference(entry, about_of(stored)) else "here"
    except OSError:
        return "damaged"


def is_at_hand(name: str) -> bool:
    """Whether `fetch` needs no network for the weights of a name."""
    return state_of(name) in ("here", "installed") or os.path.isfile(_by_hand(find(name)).path)


def verify(name: str) -> None:
    """Check that the stored weights of a name are readable and match the registry.

    Parameters
    ----------
    name : str
        Name in the registry.

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
    if not os.path.isfile(stored):
        raise WeightsError(f"{name} is not in the cache; download it first.")
    try:
        facts = check_seal(stored)
        read_checkpoint(stored, entry.converter)
    except WeightsError as error:
        raise WeightsError(f"{error} {_advice(stored)}") from error
    difference = _difference(entry, facts)
    if difference:
        raise WeightsError(f"'{stored}' {difference}. {_advice(stored)}")


def _advice(stored: Path) -> str:
    return f"Delete '{stored}' and download it again."


def _facts(stored: Path) -> dict[str, str]:
    """Return the metadata of stored weights, after comparing their hash."""
    try:
        return whole(stored)
    except PermissionError as error:
        raise WeightsError(f"'{stored}' cannot be read: {error.strerror}. Change its permissions.") from error
    except WeightsError as error:
        raise WeightsError(f"{error} {_advice(stored)}") from error


def _difference(entry: WeightsEntry, facts: dict[str, str]) -> str:
    """Return the difference of stored weights from the registry; empty if there is none."""
    if SEAL not in facts or facts.get("conversion") != _CONVERSION:
        return "was converted by another version of this library"
    if any(facts.get(key) != getattr(entry, key) for key in ("converter", "member")):
        return "was converted in another way"
    hashes = {algorithm: getattr(entry, algorithm) for algorithm in ("sha256", "md5")}
    for algorithm, expected in hashes.items():
        if not facts.get(algorithm, "").startswith(expected):
            return f"came from a file with another {algorithm}"
    if entry.size is not None and facts.get("size") != str(entry.size):
        return "came from a file of another size"
    return "" if any(hashes.values()) else _difference_without_hash(entry, facts)


def _difference_without_hash(entry: WeightsEntry, facts: dict[str, str]) -> str:
    """Compare addresses if the registry has no hash, and the content with that of a manual download."""
    if facts.get("url") != entry.url:
        return f"came from {facts.get('url')}"
    by_hand = _by_hand(entry).path
    if os.path.isfile(by_hand):
        stamp = stamp_of(by_hand)
        if stamp not in _hashes:
            _hashes[stamp] = pooch.file_hash(str(by_hand), alg="sha256")
        if _hashes[stamp] != facts.get("sha256"):
            return f"came from another file than the present '{by_hand}'"
    return ""


def _by_hand(entry: WeightsEntry) -> ManualDownload:
    """Return the path to which a user can download the file, and its hash."""
    algorithm = "md5" if entry.md5 and not entry.sha256 else "sha256"
    return ManualDownload(weights_folder() / entry.file, algorithm, entry.sha256 or entry.md5)


def _store(entry: WeightsEntry, stored: Path, verbose: int) -> None:
    """Download and convert, atomically."""
    with scratch_folder(stored.parent, "fetching", failure=WeightsError) as scratch:
        source = _published_file(entry, scratch, verbose)
        with written_whole(stored, folder=scratch) as converted:
            _convert(entry, source, converted, scratch)


def _published_file(entry: WeightsEntry, scratch: Path, verbose: int) -> Path:
    """Return the verified published file: a manual download, or a new one."""
    by_hand = _by_hand(entry)
    file, source = by_hand.path, str(by_hand.path)
    if not os.path.isfile(file):
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
        advice = _by_hand(entry)
        raise WeightsError(f"{entry.url} did not return the weights of {entry.name}: {error} {advice}") from error
    hashes = {algorithm: pooch.file_hash(str(source), alg=algorithm) for algorithm in ("sha256", "md5")}
    facts = {key: getattr(entry, key) for key in ("name", "url", "converter", "member")}
    facts |= {"conversion": _CONVERSION, "size": str(source.stat().st_size), **hashes, SEAL: UNSEALED}
    # safetensors raises for tensors that share memory, as those of a PyTorch checkpoint may
    own = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    save_file(own, target, facts)
    seal(target)


def _unpacked(entry: WeightsEntry, source: Path, scratch: Path) -> Path:
    """Return the folder with the checkpoint in an archive; other files are unchanged."""
    if not entry.member:
        return source
    try:
        with zipfile.ZipFile(source) as archive:
            members = [name for name in archive.namelist() if name.startswith(f"{entry.member}/")]
            archive.extractall(scratch / "unpacked", members)  # writes nothing outside the folder
    except zipfile.BadZipFile as error:
        raise WeightsError(f"'{source}' is no zip archive ({error}).") from error
    return scratch / "unpacked" / entry.member
