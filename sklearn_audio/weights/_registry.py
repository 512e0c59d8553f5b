"""Registry of published weights: addresses and hashes."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path

__all__ = ["WeightsEntry", "find", "registry"]

_VARIABLE = "SKLEARN_AUDIO_REGISTRY"
_STORED = ".safetensors"
_SPECIAL = '/\\:*?"<>|'  # not valid in names on all systems
_LONGEST = 200  # bytes, so that a name with a suffix has at most 255
# Names of devices on Windows, with any extension.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_KINDS = {str: "text", int: "a whole number"}
_HASHES = {"sha256": 64, "md5": 32, "package_sha256": 64}  # hexadecimal digits
_SHORTEST_HASH = 8


def _check_plain(name: str, what: str) -> None:
    """Raise for a name that could lead outside the cache, or differ between systems."""
    is_plain = name.isprintable() and not any(character in name for character in _SPECIAL)
    is_whole = name == name.strip() and not name.startswith(".") and not name.endswith(".")
    if not (name and is_plain and is_whole and len(name.encode()) <= _LONGEST) or _DEVICES.fullmatch(name):
        raise ValueError(
            f"{what} must be the plain name of a file: no folder, none of {_SPECIAL}, no point at either end, not the "
            f"name of a device, at most {_LONGEST} bytes; got {name[:_LONGEST]!r}"
        )


@dataclass(frozen=True, kw_only=True)
class WeightsEntry:
    """A published file of weights.

    Parameters
    ----------
    name : str
        Name in this library, with the family first, such as "panns_cnn14".
    url : str
        Address.
    file : str
        Published name of the file.
    converter : str
        Layout: "vggish", "vggish_pca", "panns", "ast", "efficientat", "musicnn", "speech_embedding",
        "openl3", "yamnet" or "plain".
    licence : str
        Licence of the weights.
    paper : str
        Reference.
    sha256 : str, default=""
        Hash, or its first digits; empty if none is published.
    md5 : str, default=""
        The same, for files with this published hash only.
    size : int, default=None
        Size in bytes. None: unknown.
    member : str, default=""
        Folder within the file, if that is a zip archive.
    package : str, default=""
        File of an installed package with the same weights, which needs no download: the name of the package, and the
        path within it.
    package_sha256 : str, default=""
        Hash of that file; another one is not used.

    Examples
    --------
    >>> from sklearn_audio.weights import registry
    >>> registry()["efficientat_mn04_as"].licence
    'MIT'
    """

    name: str
    url: str
    file: str
    converter: str
    licence: str
    paper: str
    sha256: str = ""
    md5: str = ""
    size: int | None = None
    member: str = ""
    package: str = ""
    package_sha256: str = ""

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            wanted = int if field == "size" else str
            if type(value) is not wanted and not (field == "size" and value is None):
                raise ValueError(f"{field} of {self.name!r} must be {_KINDS[wanted]}, got {value!r}")
        for field, length in _HASHES.items():
            if not re.fullmatch(rf"([0-9a-f]{{{_SHORTEST_HASH},{length}}})?", getattr(self, field)):
                raise ValueError(
                    f"{field} of {self.name!r} must be the hash, of {length} digits 0-9 and a-f, or its first "
                    f"{_SHORTEST_HASH} or more; got {getattr(self, field)!r}"
                )
        _check_plain(self.name, f"the name {self.name!r}")
        _check_plain(self.file, f"file of {self.name!r}")
        for part in self.member.split("/") if self.member else ():
            _check_plain(part, f"each part of member of {self.name!r}")
        for part in self.package.split("/") if self.package else ():
            _check_plain(part, f"each part of package of {self.name!r}")
        if self.file.lower() == f"{self.name}{_STORED}".lower():
            raise ValueError(f"file of {self.name!r} is the name of the converted weights; give it another")


def registry() -> dict[str, WeightsEntry]:
    """List the published weights.

    The environment variable SKLEARN_AUDIO_REGISTRY may name another file in the same format (TOML), whose tables are
    added or replace those of the library, for a mirror or your own weights.

    Returns
    -------
    dict of str to WeightsEntry
        The entries by name.

    Raises
    ------
    ValueError
        If the file named by the environment variable is not such a file, or contains an invalid file name, such as
        "../../weights".

    Examples
    --------
    >>> from sklearn_audio.weights import registry
    >>> registry()["panns_cnn14"].file
    'Cnn14_mAP=0.431.pth'
    """
    entries = {**_entries((files("sklearn_audio.weights") / "registry.toml").read_text(encoding="utf-8"))}
    extra = os.environ.get(_VARIABLE)
    if extra:
        try:
            entries |= _entries(Path(local_path(extra)).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"the registry '{extra}' named by {_VARIABLE} cannot be used: {error}.") from error
    return entries


@lru_cache(maxsize=4)
def _entries(text: str) -> dict[str, WeightsEntry]:
    return {name: WeightsEntry(name=name, **_lower_hashes(table)) for name, table in tomllib.loads(text).items()}


def _lower_hashes(table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise TypeError(f"{table!r} is no table")
    return {key: value.lower() if key in _HASHES and isinstance(value, str) else value for key, value in table.items()}


def find(name: str) -> WeightsEntry:
    """Return the entry of a name."""
    entries = registry()
    check_name("weights", name, sorted(entries))
    return entries[name]
