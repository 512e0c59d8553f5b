"""Weights in an installed package: found without importing it, and used if they match the registry."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.weights._registry import WeightsEntry

__all__ = ["installed_file"]

# A file is hashed once per process, until it changes.
_hashes: dict[Stamp, str] = {}


def installed_file(entry: WeightsEntry) -> Path | None:
    """Return the file of an installed package that holds some published weights; None if there is none."""
    if not entry.package:
        return None
    package, _, inner = entry.package.partition("/")
    spec = find_spec(package)  # of a package, no code is run
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        file = Path(folder) / inner
        if file.is_file() and _sha256(file) == entry.package_sha256:
            return file
    return None


def _sha256(file: Path) -> str:
    stamp = stamp_of(file)
    if stamp not in _hashes:
        _hashes[stamp] = hashlib.sha256(file.read_bytes()).hexdigest()
    return _hashes[stamp]
