"""The registry: which weights are published, where, and how they are told from others."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sklearn_audio.downloads import ByHand

__all__ = ["WeightsEntry", "find", "registry"]

_VARIABLE = "SKLEARN_AUDIO_REGISTRY"


@dataclass(frozen=True, kw_only=True)
class WeightsEntry:
    """A published file of weights.

    Parameters
    ----------
    name : str
        Our name, family first, such as "panns_cnn14".
    url : str
        Where it is.
    file : str
        Its published name.
    converter : str
        Layout: "vggish", "vggish_pca", "panns", "ast", "efficientat" or "musicnn".
    licence : str
        Of the weights.
    paper : str
        Who made them.
    sha256 : str, default=""
        The hash, or how it begins; empty where none is published.
    md5 : str, default=""
        The same for files of which only this hash is published.
    size : int, default=None
        Bytes, where known.
    member : str, default=""
        Folder within the file, where that is a zip archive.

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

    def by_hand(self, folder: Path) -> ByHand:
        """Say what a user can do where a download fails.

        Parameters
        ----------
        folder : Path
            The folder of weights in the cache.

        Returns
        -------
        ByHand
            Where the file is looked for, and its hash.
        """
        algorithm = "md5" if self.md5 and not self.sha256 else "sha256"
        return ByHand(folder / self.file, algorithm, self.sha256 or self.md5)


def registry() -> dict[str, WeightsEntry]:
    """List the published weights.

    The environment variable SKLEARN_AUDIO_REGISTRY may name another file in the same format (TOML): its tables come on
    top, for a mirror or weights of your own.

    Returns
    -------
    dict of str to WeightsEntry
        By name.

    Raises
    ------
    ValueError
        If the file of the environment variable is not such a file.

    Examples
    --------
    >>> from sklearn_audio.weights import registry
    >>> registry()["panns_cnn14"].file
    'Cnn14_mAP=0.431.pth'
    """
    tables = tomllib.loads((files("sklearn_audio.weights") / "registry.toml").read_text(encoding="utf-8"))
    extra = os.environ.get(_VARIABLE)
    try:
        if extra:
            tables |= tomllib.loads(Path(extra).read_text(encoding="utf-8"))
        return {name: WeightsEntry(name=name, **table) for name, table in tables.items()}
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"the registry '{extra}' named by {_VARIABLE} cannot be used: {error}.") from error


def find(name: str) -> WeightsEntry:
    """Look up a name.

    Parameters
    ----------
    name : str
        Of the registry.

    Returns
    -------
    WeightsEntry
        Its entry.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    entries = registry()
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown weights {name!r}; {hint}Choose one of {sorted(entries)}.")
    return entries[name]
