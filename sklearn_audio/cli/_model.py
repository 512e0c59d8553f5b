"""Model files: never over a recording, written under another name and moved, read with one sentence for every fault."""

from __future__ import annotations

import contextlib
import lzma
import os
import pickle
import struct
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import AUDIO_EXTENSIONS, audio_info

__all__ = ["Model", "check_output", "load_model", "save_model"]

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".xlsx", ".parquet")

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


@dataclass
class Model:
    """A fitted classifier and what the commands have to know of it."""

    estimator: Any
    names: list[str]
    several: bool  # labels per recording
    lengths: tuple[float, float] | None = None  # seconds of the shortest and the longest recording of the training
    digests: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))

    @property
    def has_probabilities(self) -> bool:
        """Whether it says more than a label."""
        return hasattr(self.estimator, "predict_proba")


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a path that cannot be written, or must not be, before any work is done."""
    if not path.name:
        raise ValueError("--output is empty; name a file such as model.joblib. Is a variable not set?")
    if path.is_dir():
        raise OSError(f"cannot write the model to {str(path)!r}: it is a folder. Name a file in it.")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write the model to {str(path)!r}: it is a device or a pipe. Name a file.")
    if not path.parent.is_dir():
        raise OSError(f"cannot write the model to {str(path)!r}: the folder {str(path.parent)!r} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise OSError(f"cannot write the model to {str(path)!r}: the folder {str(path.parent)!r} is not writable.")
    kind = _kept_kind(path)
    if kind:
        raise ValueError(
            f"--output {str(path)!r} is {kind}, which no model replaces; name a file such as model.joblib."
        )
    if path.exists() and not force:
        raise ValueError(f"--output {str(path)!r} exists; name another file, or replace it with --force.")


def _kept_kind(path: Path) -> str | None:
    """Tell a recording or a table, by name or content."""
    if path.suffix.lower() in AUDIO_EXTENSIONS:
        return "the name of a recording"
    if path.suffix.lower() in _TABLES:
        return "the name of a table"
    if path.is_file():
        with contextlib.suppress(AudioReadError):
            audio_info(path)
            return "a recording"
    return None


def save_model(model: Pipeline, path: Path) -> None:
    """Write a model so that its file is always either the old or the new one, whenever the process is killed."""
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


def load_model(path: Path) -> Model:
    """Read a model."""
    if path.is_dir():
        raise OSError(f"{str(path)!r} is a folder, not a model file; name the file that sklearn-audio train wrote.")
    if not path.is_file():
        raise OSError(f"no model file at {str(path)!r}. Make one with: sklearn-audio train FOLDER -o {path}")
    try:
        loaded = joblib.load(path)
    except _DAMAGE as error:
        raise ValueError(
            f"{str(path)!r} is no model file, is damaged, or needs other versions of libraries. Train it again."
        ) from error
    return _described(loaded, path)


def _described(loaded: Any, path: Path) -> Model:
    classes = getattr(loaded, "classes_", None) if hasattr(loaded, "predict") else None
    if classes is None:
        raise ValueError(
            f"{str(path)!r} holds a {type(loaded).__name__}, which is no fitted classifier; give a model written by "
            "sklearn-audio train, or a fitted classifier of recordings saved by joblib.dump."
        )
    final = loaded[-1] if isinstance(loaded, Pipeline) else loaded
    names = [str(name) for name in getattr(loaded, "label_names_", classes)]
    model = Model(loaded, names, bool(getattr(final, "multilabel_", False)))
    model.lengths = getattr(loaded, "train_lengths_", model.lengths)
    model.digests = getattr(loaded, "train_digests_", model.digests)
    return model
