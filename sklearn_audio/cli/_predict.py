"""``sklearn-audio predict``: labels and probabilities, one line per recording."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.multiclass import OneVsRestClassifier

from sklearn_audio.cli._messages import shows_progress, warnings_as_lines
from sklearn_audio.cli._model import load_model
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips
from sklearn_audio.ragged import Ragged

__all__ = ["run"]

# Clips whose frames are in memory at once.
_CHUNK = 256
# How the warning about rows that could not be used begins; its other lines give a reason each.
_SKIPPED = re.compile(r"\d+ clip\(s\) could not be used")


class _Prediction(NamedTuple):
    path: str
    labels: list[str] | None  # None where the recording could not be used
    probabilities: list[float]


def run(options: Namespace) -> None:
    """Print one line per recording.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.

    Raises
    ------
    OSError, ValueError
        If the model is not usable, or a recording is not and `on_error` is "raise".
    """
    model = load_model(Path(options.model))
    paths = _expanded(options.files)
    missing = [path for path in paths if not Path(path).is_file()]
    if missing and options.on_error == "raise":
        raise FileNotFoundError(f"no file at {missing[0]!r} ({len(missing)} of {len(paths)} files are missing).")
    model[0].set_params(
        n_jobs=options.jobs,
        verbose=shows_progress(options.quiet),
        on_error="nan" if options.on_error == "skip" else "raise",
    )
    several = isinstance(model[-1], OneVsRestClassifier)
    write = _write_csv if options.format == "csv" else _write_json
    with _any_name_writable():
        write(_predictions(model, paths, several=several), model.label_names_, several=several)


@contextmanager
def _any_name_writable() -> Iterator[None]:
    """Write the name of a file as the bytes it has on disk, even where these are no text."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        yield
        return
    errors = sys.stdout.errors
    sys.stdout.reconfigure(errors="surrogateescape")
    try:
        yield
    finally:
        sys.stdout.reconfigure(errors=errors)


def _expanded(files: list[str]) -> list[str]:
    return [str(clip) for file in files for clip in (list_clips(file) if Path(file).is_dir() else [file])]


def _predictions(model: Any, paths: list[str], *, several: bool) -> Iterator[_Prediction]:
    names = np.asarray(model.label_names_)
    for first in range(0, len(paths), _CHUNK):
        chunk = paths[first : first + _CHUNK]
        frames = _frames(model[0], chunk)
        usable = [bool(np.isfinite(row).all()) for row in frames]
        probabilities = iter(model[1:].predict_proba(frames[np.array(usable)]) if any(usable) else ())
        for path, is_usable in zip(chunk, usable, strict=True):
            if is_usable:
                row = next(probabilities)
                labels = names[row >= 0.5] if several else names[[row.argmax()]]
                yield _Prediction(path, labels.tolist(), row.tolist())
            else:
                yield _Prediction(path, None, [])


def _frames(front_end: Any, chunk: list[str]) -> Ragged:
    """Compute the frames of some files; messages name the files alone, for rows of a chunk mean nothing to a user."""
    with warnings_as_lines(_reworded):
        try:
            frames: Ragged = front_end.transform(chunk)
        except OSError as error:
            raise AudioReadError(_without_row(str(error))) from error
        except ValueError as error:
            raise ValueError(_without_row(str(error))) from error
    return frames


def _reworded(message: str) -> list[str]:
    first, *others = message.split("\n")
    return [f"skipped: {_without_row(line)}" for line in others] if _SKIPPED.match(first) else [_without_row(message)]


def _without_row(message: str) -> str:
    """Turn ``row 3: ...`` and ``row 3 ('dog.wav'): ...`` into ``...`` and ``'dog.wav': ...``."""
    return re.sub(r"row \d+(: | \((?='))(.*?'\))?", lambda match: (match[2] or "").rstrip(")"), message, count=1)


def _write_csv(predictions: Iterator[_Prediction], names: list[str], *, several: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    header = ["path", "labels" if several else "label", *(f"p({name})" for name in names)]
    for i, (path, labels, probabilities) in enumerate(predictions):
        if i == 0:  # not before the first recording proved readable
            writer.writerow(header)
        shares = [f"{p:.6f}" for p in probabilities] or [""] * len(names)
        writer.writerow([path, ";".join(labels or ()), *shares])


def _write_json(predictions: Iterator[_Prediction], names: list[str], *, several: bool) -> None:
    for path, labels, probabilities in predictions:
        shares = dict(zip(names, (round(p, 6) for p in probabilities), strict=True)) if probabilities else None
        answer = {"labels": labels} if several else {"label": labels[0] if labels else None}
        line = {"path": path, **answer, "probabilities": shares}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
