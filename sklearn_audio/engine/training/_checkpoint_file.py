"""A file that is written whole or not at all, and that tells when it is damaged."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

__all__ = ["read_state", "write_state"]

_MAGIC = b"sklearn_audio checkpoint 1\n"
_DIGEST_SIZE = 32


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state in the place of the one before.

    The bytes go to another file in the same folder first, reach the disk, and then take the name. Whenever the process
    is killed, there is a whole file.

    Parameters
    ----------
    path : Path
        The file.
    state : dict
        Of tensors, numbers, strings, and lists and dicts of those.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_audio.engine.training._checkpoint_file import read_state, write_state
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_state(Path(folder) / "state", {"batches": 3})
    ...     read_state(Path(folder) / "state")
    {'batches': 3}
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(_MAGIC)
        file.write(hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest())
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Let the new name reach the disk, too, where folders can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_state(path: Path) -> dict[str, Any]:
    """Read a state; nothing but data can come out of the file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        What `write_state` was given, on the CPU.

    Raises
    ------
    ValueError
        If the file is not one that `write_state` wrote, or if a byte of it is another.
    """
    content = memoryview(path.read_bytes())
    start = len(_MAGIC) + _DIGEST_SIZE
    body = content[start:]
    digest = hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest()
    if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) : start] != digest:
        raise ValueError(
            f"the checkpoint {path} is damaged, or is none of this library; remove it to train from the beginning."
        )
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return state
