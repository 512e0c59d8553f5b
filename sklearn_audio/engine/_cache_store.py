"""The files of the cache: written whole or not at all, found again, and cleared away; no other file is ever touched."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Store"]

_FOLDER = "sklearn_audio_vectors"
_INCOMING = "incoming"
_ENTRY = re.compile(r"[0-9a-f]{64}\.vectors")
_SHARD = re.compile(r"[0-9a-f]{2}")
_UNFINISHED = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.part")
_ABANDONED_SECONDS = 3600.0  # writing takes milliseconds, so whoever began this long ago was killed


class _Entry(NamedTuple):
    """A file of the cache, so that the least recently used sorts first."""

    used_ns: int
    path: str
    n_bytes: int


class Store:
    """A folder of entries, shared by processes without locks.

    An entry appears under its name by a rename, so another process sees all of it or nothing; two that write the same
    one write the same bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = folder / _FOLDER

    def read(self, key: str) -> bytes | None:
        """Return the bytes of an entry and note that it was used; None if it is not there or cannot be read."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):  # in a folder that is only read, nothing is ever removed for its age
            os.utime(path)
        return content

    def write(self, key: str, content: bytes) -> None:
        """Add or replace an entry."""
        try:
            self._write(key, content)
        except FileNotFoundError:  # another process cleared the cache away in between
            self._write(key, content)

    def _write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        unfinished = self._root / _INCOMING / f"{key}.{secrets.token_hex(8)}.part"
        for folder in (path.parent, unfinished.parent):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def shrink(self, max_bytes: int) -> int:
        """Remove entries, the least recently used first, until the rest fits."""
        entries = sorted(self._entries())
        excess, removed = sum(entry.n_bytes for entry in entries) - max_bytes, 0
        for entry in entries:
            if removed >= excess:
                break
            Path(entry.path).unlink(missing_ok=True)  # another process may be at it too
            removed += entry.n_bytes
        return removed

    def sweep(self) -> None:
        """Remove what processes that were killed left half written."""
        for entry in _files(self._root / _INCOMING, _UNFINISHED):
            if time.time() - entry.used_ns / 1e9 > _ABANDONED_SECONDS:
                Path(entry.path).unlink(missing_ok=True)

    def remove_empty_folders(self) -> None:
        """Remove our own folders where nothing is left in them."""
        for folder in (*self._shards(), self._root / _INCOMING, self._root):
            with suppress(OSError):  # not empty, or not there
                os.rmdir(folder)

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / f"{key}.vectors"

    def _entries(self) -> Iterator[_Entry]:
        for shard in self._shards():
            yield from _files(shard, _ENTRY)

    def _shards(self) -> list[Path]:
        return [self._root / name for name in _names(self._root) if _SHARD.fullmatch(name)]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path, pattern: re.Pattern[str]) -> Iterator[_Entry]:
    for name in filter(pattern.fullmatch, _names(folder)):
        path = os.path.join(folder, name)
        with suppress(FileNotFoundError):  # another process has removed it
            status = os.lstat(path)
            yield _Entry(status.st_mtime_ns, path, status.st_size)
