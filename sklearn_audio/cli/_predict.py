"""``sklearn-audio predict``: labels and probabilities, one line per recording."""

from __future__ import annotations

import csv
import json
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.multiclass import OneVsRestClassifier

from sklearn_audio.cli._data import shows_progress
from sklearn_audio.cli._model import load_model
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips
from sklearn_audio.ragged import Ragged

__all__ = ["run"]

# Clips whose frames are in memory at once.
_CHUNK = 256


def run(options: Namespace) -> None:
    """Print one line per recording.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.
    """
    model = load_model(Path(options.model))
    paths = _expanded(options.files)
    missing = [path for path in paths if not Path(path).is_file()]
    if missing and options.on_error == "raise":
        raise FileNotFoundError(f"no file at {missing[0]!r} ({len(missing)} of {len(paths)} files are missing).")
    front_end = model[0].set_params(
        n_jobs=options.jobs,
        verbose=shows_progress(options),
        on_error="nan" if options.on_error == "skip" else "raise",
    )
    write = _write_csv if options.format == "csv" else _write_json
    write(_predictions(model, front_end, paths), [str(name) for name in model.label_names_])


def _expanded(files: list[str]) -> list[str]:
    return [str(clip) for file in files for clip in (list_clips(file) if Path(file).is_dir() else [file])]


def _predictions(model: Any, front_end: Any, paths: list[str]) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    names = np.asarray(model.label_names_)
    for first in range(0, len(paths), _CHUNK):
        chunk = paths[first : first + _CHUNK]
        frames = _frames(front_end, chunk)
        usable = np.array([bool(np.isfinite(row[0, 0])) for row in frames])
        proba = np.full((len(chunk), len(names)), np.nan)
        if usable.any():
            proba[usable] = model[1:].predict_proba(frames[usable])
        multilabel = isinstance(model[-1], OneVsRestClassifier)
        for path, row in zip(chunk, proba, strict=True):
            yield path, _label(names, row, multilabel=multilabel), row


def _frames(front_end: Any, chunk: list[str]) -> Ragged:
    """Compute the frames of some files; messages name the files alone, for rows of a chunk mean nothing to a user."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frames: Ragged = front_end.transform(chunk)
        except (AudioReadError, ValueError) as error:
            raise type(error)(_without_rows(str(error))) from error
    for warning in caught:
        sys.stderr.write(f"sklearn-audio: warning: {_without_rows(str(warning.message))}\n")
    return frames


def _without_rows(message: str) -> str:
    return re.sub(r"row \d+(: | \((?='))(.*?'\))?", lambda match: (match[2] or "").rstrip(")"), message)


def _label(names: NDArray[Any], row: NDArray[np.float64], *, multilabel: bool) -> str:
    if np.isnan(row).any():
        return ""
    return ";".join(map(str, names[row >= 0.5])) if multilabel else str(names[row.argmax()])


def _write_csv(predictions: Iterator[tuple[str, str, NDArray[np.float64]]], names: list[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for i, (path, label, row) in enumerate(predictions):
        if i == 0:
            writer.writerow(["path", "label", *(f"p({name})" for name in names)])
        writer.writerow([path, label, *("" if np.isnan(p) else f"{p:.4f}" for p in row)])


def _write_json(predictions: Iterator[tuple[str, str, NDArray[np.float64]]], names: list[str]) -> None:
    for path, label, row in predictions:
        shares = {name: None if np.isnan(p) else round(float(p), 4) for name, p in zip(names, row, strict=True)}
        line = {"path": path, "label": label or None, "probabilities": shares}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
