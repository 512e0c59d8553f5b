"""``sklearn-audio predict``: labels and probabilities, one line per recording."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_audio._paths import local_path
from sklearn_audio.cli._compute import Prediction, predictions
from sklearn_audio.cli._data import expanded, path_of
from sklearn_audio.cli._messages import Progress, output, utf8_output
from sklearn_audio.cli._model import Model, load_model


class _Line(NamedTuple):
    path: str
    span: tuple[Any, Any] | None
    answer: Prediction


def run(options: Namespace) -> None:
    """Print one line per recording."""
    output()
    model = load_model(Path(local_path(options.model)))
    skip = options.on_error == "skip"
    clips = expanded(options.files, may_miss=skip)
    write = _write_csv if options.format == "csv" else _write_json
    with utf8_output():
        write(_lines(model, clips, options, skip=skip), model, has_spans=any(isinstance(clip, tuple) for clip in clips))


def _lines(model: Model, clips: list[Any], options: Namespace, *, skip: bool) -> Iterator[_Line]:
    with Progress(len(clips), "recordings", quiet=options.quiet) as progress:
        for rows, answers in predictions(model, clips, n_jobs=options.jobs, skip=skip):
            for clip, answer in zip(clips[rows], answers, strict=True):
                yield _Line(path_of(clip), clip[1:] if isinstance(clip, tuple) else None, answer)
            output().flush()
            progress.advance(len(answers))


def _write_csv(lines: Iterator[_Line], model: Model, *, has_spans: bool) -> None:
    writer = csv.writer(output(), lineterminator="\n")
    names = model.names if model.has_probabilities else []
    header = ["path", *(["start", "end"] if has_spans else []), "labels" if model.several else "label"]
    for i, (path, span, answer) in enumerate(lines):
        if i == 0:  # after the first recording was read
            writer.writerow(header + [f"p({name})" for name in names])
        values = [f"{p:.6f}" for p in answer.probabilities] or [""] * len(names)
        writer.writerow([path, *((span or ("", "")) if has_spans else ()), ";".join(answer.labels or ()), *values])


def _write_json(lines: Iterator[_Line], model: Model, *, has_spans: bool) -> None:
    for path, span, (labels, probabilities) in lines:
        line: dict[str, Any] = {"path": path}
        if has_spans:
            line |= dict(zip(("start", "end"), span or (None, None), strict=True))
        line |= {"labels": labels} if model.several else {"label": labels[0] if labels else None}
        if model.has_probabilities:
            rounded = [round(p, 6) for p in probabilities]
            line["probabilities"] = dict(zip(model.names, rounded, strict=True)) if rounded else None
        output().write(json.dumps(line, ensure_ascii=False) + "\n")
