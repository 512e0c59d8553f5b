"""Downloads: where they are kept, and one way to get a file or an error that says what to do by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from sklearn_audio._progress import can_show_progress

__all__ = ["ByHand", "cache_folder", "check_hash", "download"]

_TIMEOUT = 30  # seconds without an answer before a download is given up
_SHORTEST_HASH = 32  # hexadecimal digits of an md5


@dataclass(frozen=True)
class ByHand:
    """What a user can do where a download fails.

    Parameters
    ----------
    path : Path
        Where a file that was fetched by hand is looked for.
    algorithm : str, default="sha256"
        Of the expected hash.
    expected : str, default=""
        The hash, or how it begins; empty where none is published.

    Examples
    --------
    >>> from pathlib import Path
    >>> from sklearn_audio.downloads import ByHand
    >>> print(ByHand(Path("cache/a.zip"), expected="1234"))
    Fetch it by hand, see that its sha256 begins with 1234, and put it at cache/a.zip.
    """

    path: Path
    algorithm: str = "sha256"
    expected: str = ""

    def __str__(self) -> str:
        if not self.expected:
            return f"Fetch it by hand and put it at {self.path}."
        verb = "is" if len(self.expected) >= _SHORTEST_HASH else "begins with"
        return f"Fetch it by hand, see that its {self.algorithm} {verb} {self.expected}, and put it at {self.path}."


def cache_folder() -> Path:
    """Return the folder for downloads.

    Returns
    -------
    Path
        What the environment variable SKLEARN_AUDIO_HOME names, else a folder in the user's cache.

    Examples
    --------
    >>> from sklearn_audio.downloads import cache_folder
    >>> cache_folder().is_absolute()
    True
    """
    home = os.environ.get("SKLEARN_AUDIO_HOME")
    return Path(home).absolute() if home else Path(pooch.os_cache("sklearn-audio"))


def download(url: str, target: Path, by_hand: ByHand, *, failure: Callable[[str], OSError], verbose: int = 0) -> None:
    """Download a file, whole or not at all: what fails leaves nothing that could be taken for the file.

    Parameters
    ----------
    url : str
        Address.
    target : Path
        A scratch file.
    by_hand : ByHand
        What the user is told where it fails.
    failure : callable
        Makes the exception from its message.
    verbose : int, default=0
        1 shows the progress.

    Raises
    ------
    OSError
        The exception of `failure`, if the address does not answer, refuses, or the connection is cut.
    """
    hooks = {"response": _close_refusal}
    fetch = pooch.HTTPDownloader(progressbar=bool(verbose) and can_show_progress(), timeout=_TIMEOUT, hooks=hooks)
    try:
        fetch(url, str(target), None)
    except OSError as error:  # requests raises no other kind
        raise failure(f"could not download {url}: {error}. {by_hand}") from error


def _close_refusal(response: Any, **options: Any) -> None:
    # pooch raises on a refusal without closing the connection
    if not response.ok:
        response.close()


def check_hash(file: Path, source: str, by_hand: ByHand, *, failure: Callable[[str], OSError]) -> None:
    """Compare the hash of a file with what is expected.

    Parameters
    ----------
    file : Path
        The file.
    source : str
        Where it came from, for the message.
    by_hand : ByHand
        The expected hash, if there is one, and what the user is told where it differs.
    failure : callable
        Makes the exception from its message.

    Raises
    ------
    OSError
        The exception of `failure`, if the hash differs.
    """
    found = pooch.file_hash(str(file), alg=by_hand.algorithm)
    if not found.startswith(by_hand.expected):
        raise failure(f"{source} is not the expected file: its {by_hand.algorithm} is {found}. {by_hand}")
