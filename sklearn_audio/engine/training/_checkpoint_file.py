"""A file that is written whole or not at all, and that tells when it is damaged."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
from pathlib import Path
from typing import Any

import torch

__all__ = ["read_state", "remove_file", "write_state", "write_whole"]

_MAGIC = b"sklearn_audio checkpoint 1\n"
_DIGEST_SIZE = 32
# End of the name of a file that is not whole yet.
_PARTIAL = ".partial"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state in the place of the one before.

    The bytes go to another file in the same folder first, reach the disk, and then take the name. Whenever the process
    is killed, there is a whole file.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    write_whole(path, _MAGIC, hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest(), content)


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file in the place of the one before, whole or not at all."""
    # a name of its own, since the same run may be on in several processes
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}{_PARTIAL}")
    try:
        _write(partial, parts)
        try:
            os.replace(partial, path)
        except FileNotFoundError:
            # the same run has ended elsewhere, and swept what lay beside its file
            _write(partial, parts)
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write(path: Path, parts: tuple[bytes | memoryview, ...]) -> None:
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def remove_file(path: Path) -> None:
    """Remove a file, and what writers of it that were killed left beside it."""
    path.unlink(missing_ok=True)
    for partial in path.parent.glob(f"{path.name}.*{_PARTIAL}"):
        # where open files cannot be removed, one that is being written stays
        with contextlib.suppress(PermissionError):
            partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Let the new name reach the disk, too, where folders can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_state(path: Path) -> dict[str, Any] | None:
    """Read a state; nothing but data can come out of the file."""
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    start = len(_MAGIC) + _DIGEST_SIZE
    body = content[start:]
    digest = hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest()
    if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) : start] != digest:
        raise ValueError(
            f"the checkpoint {path} is damaged, or is none of this library; remove it to train from the beginning."
        )
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return state
