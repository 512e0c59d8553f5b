"""Paths from users: a leading ``~`` is the home folder."""

from __future__ import annotations

import os
from pathlib import Path


def local_path(path: str | bytes | os.PathLike[str]) -> str:
    """Expand a leading ``~`` or ``~user``; an unknown user is left unchanged, and later reported as missing."""
    text = os.fsdecode(path)
    return os.path.expanduser(text) if text.startswith("~") else text


def new_folder(path: str | os.PathLike[str], name: str) -> Path:
    """Expand the path of a folder to be created; raise for the home folder of an unknown user."""
    folder = local_path(path)
    if folder.startswith("~"):
        raise ValueError(
            f"{name}={os.fspath(path)!r}: there is no home folder of that user. Give the path of a folder."
        )
    return Path(folder)
