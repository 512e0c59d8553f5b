"""Downloads: the cache folder, and fetching a file with an error that explains a manual download."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pooch

from sklearn_audio._paths import new_folder
from sklearn_audio._progress import can_show_progress

__all__ = ["ManualDownload", "cache_folder", "check_hash", "download", "scratch_folder"]

_TIMEOUT = 30  # seconds without data before a download is aborted
_GRACE = 60.0  # seconds that a download may lag behind the minimum speed
_SLOWEST = 1000.0  # bytes per second
_SHORTEST_HASH = 32  # hexadecimal digits of an MD5
_HOME = "SKLEARN_AUDIO_HOME"
_SCRATCH = re.compile(r"\.(fetching|unpacking)-[a-z0-9_]{8}")
_ABANDONED_SECONDS = 24 * 3600.0  # without a change: the process that used the folder was killed
# Errors of requests, urllib3 and the standard library for invalid URLs (redirects are not checked) and responses.
_FAILURES = (OSError, ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RuntimeError, HTTPException)


@dataclass(frozen=True)
class ManualDownload:
    """Advice for a manual download."""

    path: Path
    algorithm: str = "sha256"
    expected: str = ""

    def __str__(self) -> str:
        if not self.expected:
            return f"Fetch it by hand and put it at {self.path}."
        verb = "is" if len(self.expected) >= _SHORTEST_HASH else "begins with"
        return f"Fetch it by hand, see that its {self.algorithm} {verb} {self.expected}, and put it at {self.path}."


def cache_folder() -> Path:
    """Return the cache folder."""
    home = os.environ.get(_HOME)
    if not home:
        return Path(pooch.os_cache("sklearn-audio"))
    return new_folder(home, _HOME).absolute()


@contextmanager
def scratch_folder(folder: Path, kind: str, *, failure: Callable[[str], OSError]) -> Iterator[Path]:
    """Create a temporary folder, removed at the end; leftovers older than a day are removed, too."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix=f".{kind}-")
    except OSError as error:
        raise failure(f"cannot write to '{folder}': {error.strerror or error}. {_advice(folder)}") from error
    with scratch as name:
        yield Path(name)


def _advice(folder: Path) -> str:
    if not folder.is_relative_to(cache_folder()):
        return "Give a folder that can be written to; it need not exist yet."
    home = os.environ.get(_HOME)
    if not home:
        return f"Set the environment variable {_HOME} to a folder that can be written to."
    return f"{_HOME} is {home!r}; it must name a folder that can be written to, which need not exist yet."


def _sweep(folder: Path) -> None:
    """Remove scratch folders in which nothing has changed for a day."""
    for name in filter(_SCRATCH.fullmatch, os.listdir(folder)):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # another process is removing it
                newest = max(part.lstat().st_mtime for part in (path, *path.rglob("*")))
                if time.time() - newest > _ABANDONED_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)


def download(
    url: str, target: Path, by_hand: ManualDownload, *, failure: Callable[[str], OSError], verbose: int = 0
) -> None:
    """Download a file atomically; a download that lags a minute behind 1 kB/s is aborted."""
    transfer = _Transfer(url, target, verbose)
    transfer.start()
    try:
        transfer.wait()
    except _FAILURES as error:
        raise failure(f"could not download {url}: {error}. {by_hand}") from error
    finally:
        transfer.is_wanted = False


class _Transfer(threading.Thread):
    """A download in a background thread, so that it can be aborted while it waits for data."""

    def __init__(self, url: str, target: Path, verbose: int) -> None:
        super().__init__(daemon=True)
        self.is_wanted = True
        self._url = url
        self._target = target
        self._verbose = verbose
        self._error: Exception | None = None
        self._is_complete = False
        self._deadline = time.monotonic() + _GRACE

    def run(self) -> None:
        hooks = {"response": self._watch}
        fetch = pooch.HTTPDownloader(
            progressbar=bool(self._verbose) and can_show_progress(), timeout=_TIMEOUT, hooks=hooks
        )
        try:
            fetch(self._url, str(self._target), None)
            self._is_complete = True
        except _FAILURES as error:
            self._error = error

    def wait(self) -> None:
        """Wait for the end of the download; each byte extends the deadline."""
        while self.is_alive():
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"less than {_SLOWEST:.0f} bytes per second came for {_GRACE:.0f} s")
            self.join(left)
        if self._error is not None:
            raise self._error
        if not self._is_complete:
            raise RuntimeError("the download ended early")

    def _watch(self, response: Any, **options: Any) -> None:
        """Count the bytes of a response; close an error response, which pooch leaves open."""
        if not response.ok:
            response.close()
        pieces = response.iter_content

        def counted(*args: Any, **options: Any) -> Iterator[bytes]:
            for piece in pieces(*args, **options):
                if not self.is_wanted:
                    response.close()
                    raise RuntimeError("the download was given up")
                now = time.monotonic()
                self._deadline = min(self._deadline + len(piece) / _SLOWEST, now + _GRACE)
                yield piece

        response.iter_content = counted


def check_hash(file: Path, source: str, by_hand: ManualDownload, *, failure: Callable[[str], OSError]) -> None:
    """Compare the hash of a file with the expected one."""
    found = pooch.file_hash(str(file), alg=by_hand.algorithm)
    if not found.startswith(by_hand.expected):
        raise failure(f"{source} is not the expected file: its {by_hand.algorithm} is {found}. {by_hand}")
