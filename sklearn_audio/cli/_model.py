"""Model files: written under another name and moved, read with one sentence for everything that can be wrong."""

from __future__ import annotations

import contextlib
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

__all__ = ["check_writable", "load_model", "save_model"]


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written before any work is done.

    Parameters
    ----------
    path : Path
        Where the model will go.

    Raises
    ------
    OSError
        If its folder is missing or read-only, or the path is a folder.
    """
    if path.is_dir():
        raise OSError(f"cannot write the model to {str(path)!r}: it is a folder. Name a file in it.")
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
        Where to.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            joblib.dump(model, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
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
    if not path.is_file():
        raise OSError(f"no model file at {str(path)!r}. Make one with: sklearn-audio train FOLDER -o {path}")
    try:
        model = joblib.load(path)
    except (pickle.UnpicklingError, EOFError, KeyError, IndexError, ValueError, AttributeError, zlib.error) as error:
        raise ValueError(f"{str(path)!r} is no model file, or a damaged one ({error}). Train it again.") from error
    if not (isinstance(model, Pipeline) and hasattr(model, "predict") and hasattr(model, "label_names_")):
        raise ValueError(f"{str(path)!r} holds a {type(model).__name__}, not a model written by sklearn-audio train.")
    return model
