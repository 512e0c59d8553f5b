"""Tasks of Label Studio in JSON: labels of segments of recordings, by people or as predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from sklearn_audio._column_names import PATH_NAMES, find_column
from sklearn_audio.annotations._schema import COLUMNS
from sklearn_audio.annotations._source import Source

_LOCAL = "?d="  # "/data/local-files/?d=site/a.wav"
_OTHERS = ("channel", "score", "region", "annotator")


def read_label_studio(source: Source) -> pd.DataFrame:
    """Read the labels by people if a task has any, otherwise the predictions.

    A task that was completed without a label has no events, regardless of predictions.
    """
    try:
        tasks = json.loads(source.text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{source.where} are not JSON: {error}.") from error
    tasks = tasks if isinstance(tasks, list) else [tasks]
    rows: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):
        if not isinstance(task, dict):
            raise ValueError(f"task {number} of {source.where} is not a JSON object; expected tasks of Label Studio.")
        rows += _task(task, f"task {number} of {source.where}")
    events = pd.DataFrame(rows, columns=[*COLUMNS, *_OTHERS])
    unused = {name for name in _OTHERS if events[name].isna().all()}
    if events["annotator"].nunique() < 2:
        unused.add("annotator")
    if events["region"].astype(str).str.fullmatch(r"event-\d+").all():  # as written by this library
        unused.add("region")
    return events.drop(columns=list(unused))


def _task(task: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    data = task.get("data", task)
    path = _path(data if isinstance(data, dict) else {}, where)
    if "data" not in task:  # JSON-MIN: the regions are next to the recording
        lists = [value for value in task.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        for value in (value for values in lists for value in values if "start" in value):
            yield from _events(value, {"path": path}, where)
        return
    finished = [one for one in _objects(task, "annotations", where) if not one.get("was_cancelled")]
    for one in finished or _objects(task, "predictions", where)[:1]:
        annotator = one.get("completed_by")
        annotator = annotator.get("email", annotator.get("id")) if isinstance(annotator, dict) else annotator
        for region in _objects(one, "result", where):
            given = {"path": path, "score": region.get("score"), "region": region.get("id"), "annotator": annotator}
            yield from _events(region.get("value") or {}, given, where)


def _objects(part: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = part.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"{where} has {found!r} as {name!r}; expected a list of objects.")
    return found


def _path(data: dict[str, Any], where: str) -> str:
    name = find_column(data, ("audio", "url", *PATH_NAMES))
    if name is None or not isinstance(data[name], str):
        raise ValueError(f"{where} names no recording; expected 'audio' in its data, which has {sorted(data)}.")
    url: str = data[name]
    return unquote(url.split(_LOCAL, 1)[1]) if _LOCAL in url else url


def _events(value: dict[str, Any], given: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    labels = value.get("labels")
    if not isinstance(labels, list):
        return  # a text or a choice, not a label of a segment
    try:
        start, end = float(value["start"]), float(value["end"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{where} has a label without start and end in seconds: {value!r}.") from None
    channel = value.get("channel")
    first = None if channel is None else channel + 1  # Label Studio counts from 0
    for label in labels:
        yield {**given, "start": start, "end": end, "label": str(label), "channel": first}


def write_label_studio(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write a task for each recording, the events as predictions for ``<Labels name="label" toName="audio">``."""
    parts = dict(tuple(events.groupby("path", sort=False)))
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("[")
        for i, path in enumerate(recordings):
            stream.write(",\n" if i else "\n")
            json.dump(_written_task(path, parts.get(path)), stream, ensure_ascii=False)
        stream.write("\n]\n")


def _written_task(path: str, events: pd.DataFrame | None) -> dict[str, Any]:
    task: dict[str, Any] = {"data": {"audio": path}}
    if events is None:
        return task
    prediction: dict[str, Any] = {"model_version": "sklearn-audio", "result": list(_regions(events))}
    if "score" in events.columns and np.isfinite(events["score"].to_numpy(np.float64)).all():
        prediction["score"] = float(events["score"].mean())
    return task | {"predictions": [prediction]}


def _regions(events: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for i, row in enumerate(events.to_dict("records")):
        value: dict[str, Any] = {"start": row["start"], "end": row["end"], "labels": [row["label"]]}
        if pd.notna(row.get("channel")):
            value["channel"] = int(row["channel"]) - 1
        region: dict[str, Any] = {"from_name": "label", "to_name": "audio", "type": "labels", "value": value}
        region["id"] = str(row["region"]) if pd.notna(row.get("region")) else f"event-{i}"
        if pd.notna(row.get("score")):
            region["score"] = float(row["score"])
        yield region
