"""Model files: safe output paths, atomic writing, and reading with clear errors."""

from __future__ import annotations

import contextlib
import lzma
import os
import pickle
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_audio._atomic import remove_unfinished, written_whole
from sklearn_audio.classification import SoundEventDetector
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import AUDIO_EXTENSIONS, audio_info

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".xlsx", ".parquet")

# Errors from unpickling other bytes, or part of a pickle.
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
# Writing takes seconds: an older unfinished file belongs to a killed process.
STALE_S = 3600


@dataclass
class Model:
    """A fitted classifier, its labels, and properties of its training set."""

    estimator: Any
    names: list[str]
    several: bool  # whether it is multi-label
    lengths: tuple[float, float] | None = None  # shortest and longest training recording, in seconds
    digests: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))

    @property
    def has_probabilities(self) -> bool:
        """Whether it has predict_proba."""
        return hasattr(self.estimator, "predict_proba")

    @property
    def needs_predict(self) -> bool:
        """Whether the labels do not simply follow from the probabilities, as with networks, which would run twice."""
        final = self.estimator[-1] if isinstance(self.estimator, Pipeline) else self.estimator
        return not (self.has_probabilities and type(final).__module__.startswith("sklearn_audio.classification."))


def check_output(path: Path, *, force: bool, name: str = "--output") -> None:
    """Raise, before any work is done, for a path that a model cannot or must not be written to."""
    check_writable(path, "the model", "model.joblib", name)
    kind = "the name of a table" if path.suffix.lower() in _TABLES else recording_kind(path)
    if kind:
        raise ValueError(
            f"{name} {str(path)!r} is {kind}, which a model must not replace; name a file such as model.joblib."
        )
    if path.exists() and not force:
        raise ValueError(f"{name} {str(path)!r} exists; name another file, or replace it with --force.")


def check_writable(path: Path, what: str, example: str, name: str = "--output") -> None:
    """Raise for a path that no file can be written to."""
    if not path.name:
        raise ValueError(f"{name} is empty; name a file such as {example}. Is a variable not set?")
    if path.is_dir():
        raise OSError(f"cannot write {what} to {str(path)!r}: it is a folder. Name a file in it.")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write {what} to {str(path)!r}: it is a device or a pipe. Name a file.")
    if not path.parent.is_dir():
        raise OSError(f"cannot write {what} to {str(path)!r}: the folder {str(path.parent)!r} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise OSError(f"cannot write {what} to {str(path)!r}: the folder {str(path.parent)!r} is not writable.")


def recording_kind(path: Path) -> str | None:
    """Recognize a recording, by name or content."""
    if path.suffix.lower() in AUDIO_EXTENSIONS:
        return "the name of a recording"
    if path.is_file():
        with contextlib.suppress(AudioReadError):
            audio_info(path)
            return "a recording"
    return None


def save_model(model: Pipeline, path: Path) -> None:
    """Write a model atomically."""
    target = Path(os.path.realpath(path))
    remove_unfinished(target.parent, target.name, older_than=STALE_S)
    with written_whole(target, durable=True) as unfinished:
        # compressed data has a checksum, which detects damage
        joblib.dump(model, unfinished, compress=3)


def load_model(path: Path) -> Model:
    """Read a classifier."""
    loaded = load_object(path)
    if isinstance(loaded, SoundEventDetector):
        raise ValueError(f"{str(path)!r} holds a SoundEventDetector, which finds events; use sklearn-audio detect.")
    return _described(loaded, path)


def load_object(path: Path) -> Any:
    """Read whatever a model file holds."""
    if path.is_dir():
        raise OSError(f"{str(path)!r} is a folder, not a model file; name the file that sklearn-audio train wrote.")
    if not path.is_file():
        raise OSError(f"no model file at {str(path)!r}. Make one with: sklearn-audio train FOLDER -o {path}")
    try:
        return joblib.load(path)
    except _DAMAGE as error:
        raise ValueError(
            f"{str(path)!r} is not a model file, is damaged, or needs other library versions. Train it again."
        ) from error


def _described(loaded: Any, path: Path) -> Model:
    classes = getattr(loaded, "classes_", None) if hasattr(loaded, "predict") else None
    if classes is None:
        raise ValueError(
            f"{str(path)!r} holds a {type(loaded).__name__}, which is not a fitted classifier; give a model written by "
            "sklearn-audio train, or a fitted classifier of recordings saved by joblib.dump."
        )
    several = _predicts_sets(loaded)
    if isinstance(classes, list) and not all(set(known) <= {0, 1} for known in classes):
        raise ValueError(
            f"{str(path)!r} holds a {type(loaded).__name__} with several answers per recording that are not 0 or 1; "
            "train one classifier per answer."
        )
    names = getattr(loaded, "label_names_", range(len(classes)) if isinstance(classes, list) else classes)
    model = Model(loaded, list(map(str, names)), several)
    model.lengths = getattr(loaded, "train_lengths_", model.lengths)
    model.digests = getattr(loaded, "train_digests_", model.digests)
    return model


def _predicts_sets(classifier: Any) -> bool:
    """Whether a fitted classifier is multi-label."""
    if isinstance(classifier, Pipeline):
        return _predicts_sets(classifier[-1])
    inner = getattr(classifier, "best_estimator_", getattr(classifier, "estimator_", None))
    if hasattr(inner, "classes_"):  # a boosted ensemble keeps one that is not fitted
        return _predicts_sets(inner)
    stated = getattr(classifier, "multi_label_", getattr(classifier, "multilabel_", None))
    if stated is not None or isinstance(classifier.classes_, list):  # a list: of the classes of each label
        return stated is not False
    if not (hasattr(classifier, "__sklearn_tags__") and hasattr(classifier, "n_features_in_")):
        return False
    tags = get_tags(classifier).classifier_tags
    return tags is not None and tags.multi_label and np.ndim(classifier.predict(_any_row(classifier))) == 2


def _any_row(classifier: Any) -> pd.DataFrame:
    """Features of one clip, for classifiers that show only by their predictions what they are."""
    names = getattr(classifier, "feature_names_in_", None)
    return pd.DataFrame(np.zeros((1, classifier.n_features_in_)), columns=names)
