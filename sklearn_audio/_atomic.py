"""Atomic writing of files and folders."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNFINISHED = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.partial", re.DOTALL)


@contextmanager
def written_whole(target: Path, *, folder: Path | None = None, durable: bool = False) -> Iterator[Path]:
    """Yield a path in `folder`, by default that of `target`, to write a file or folder at.

    At the end it replaces `target`; after an error it is removed. With `durable`, a file is flushed to disk before it
    is renamed, so that a power failure leaves either the old file or the new one.
    """
    # a random name, as other processes and threads may write the same target
    unfinished = (folder or target.parent) / f".{target.name}.{secrets.token_hex(8)}.partial"
    try:
        yield unfinished
        if durable:
            _sync(unfinished, os.O_RDWR)
        _take_place(unfinished, target)
        if durable and os.name == "posix":  # elsewhere, folders cannot be opened
            _sync(target.parent, os.O_RDONLY)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)


def _take_place(unfinished: Path, target: Path) -> None:
    try:
        os.replace(unfinished, target)
    except OSError:
        # a folder cannot replace a non-empty one: another process was faster, and its copy is equivalent
        if not (unfinished.is_dir() and target.is_dir()):
            raise


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path, name: str | None = None, *, older_than: float = 0.0) -> None:
    """Remove unfinished files of killed processes in a folder, of one target or of all, if older than some seconds."""
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _UNFINISHED.fullmatch(path.name)
        # another process may remove it first, and some systems refuse to remove an open file
        with suppress(FileNotFoundError, PermissionError):
            if found and name in (None, found["name"]) and time.time() - path.stat().st_mtime >= older_than:
                path.unlink()
