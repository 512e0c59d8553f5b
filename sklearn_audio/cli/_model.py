"""Model files: written under another name and moved, read with one sentence for everything that can be wrong."""

from __future__ import annotations

import contextlib
import lzma
import os
import pickle
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

__all__ = ["check_writable", "load_model", "save_model"]

# What unpickling bytes that are no pickle, or half of one, ends with.
_DAMAGE = (
    pickle.UnpicklingError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    ImportError,
    MemoryError,
    RecursionError,
)
# Writing takes seconds; a partial file that was not touched for so long belongs to a process that was killed.
_STALE_S = 3600


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written before any work is done.

    Parameters
    ----------
    path : Path
        Where the model will go.

    Raises
    ------
    OSError
        If its folder is missing or read-only, or the path is a folder or a device.
    """
    if path.is_dir():
        raise OSError(f"cannot write the model to {str(path)!r}: it is a folder. Name a file in it.")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write the model to {str(path)!r}: it is a device or a pipe. Name a file.")
    if not path.parent.is_dir():
        raise OSError(f"cannot write the model to {str(path)!r}: the folder {str(path.parent)!r} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise OSError(f"cannot write the model to {str(path)!r}: the folder {str(path.parent)!r} is not writable.")


def save_model(model: Pipeline, path: Path) -> None:
    """Write a model so that its file is always either the old or the new one, whenever the process is killed.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    path : Path
        Where to; a link keeps pointing where it points.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    _remove_stale(target)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            # compressed data carry a checksum, so that damage is noticed and not predicted with
            joblib.dump(model, file, compress=3)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def _remove_stale(target: Path) -> None:
    for partial in target.parent.iterdir():
        if partial.name.startswith(f".{target.name}.") and partial.name.endswith(".partial"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - partial.stat().st_mtime > _STALE_S:
                    partial.unlink()


def load_model(path: Path) -> Any:
    """Read a model.

    Parameters
    ----------
    path : Path
        A file written by `save_model`. Unpickling runs code: only files from a trusted source.

    Returns
    -------
    Pipeline
        The fitted model.

    Raises
    ------
    OSError
        If the file is missing or cannot be read.
    ValueError
        If it holds no classifier of recordings.
    """
    if path.is_dir():
        raise OSError(f"{str(path)!r} is a folder, not a model file; name the file that sklearn-audio train wrote.")
    if not path.is_file():
        raise OSError(f"no model file at {str(path)!r}. Make one with: sklearn-audio train FOLDER -o {path}")
    try:
        model = joblib.load(path)
    except _DAMAGE as error:
        raise ValueError(
            f"{str(path)!r} is no model file, is damaged, or needs other versions of libraries. Train it again."
        ) from error
    if not (isinstance(model, Pipeline) and hasattr(model, "label_names_")):
        raise ValueError(f"{str(path)!r} holds a {type(model).__name__}, not a model written by sklearn-audio train.")
    return model
