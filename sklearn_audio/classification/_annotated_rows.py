"""Annotations of recordings as the events of the rows of X, in seconds of the row."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio.annotations._check import check_events, check_overlap, check_recordings
from sklearn_audio.annotations._schema import as_events
from sklearn_audio.validation import AudioClips

__all__ = ["check_labels_known", "events_of_rows"]

_TABLE = "the annotations"
_SLACK = 1e-3  # seconds; exceeds the rounding of annotations


def events_of_rows(annotations: Any, clips: AudioClips) -> pd.DataFrame:
    """Validate annotations, and return the columns clip, start, end and label, one row per event and row of X.

    Recordings are found by their paths, or, without such a column, by the column "clip", the row of X.
    """
    events = as_events(annotations, _TABLE, needs_path=False)
    check_events(events, _TABLE)
    places = [clips.place(row) for row in range(len(clips))]
    by_path = "path" in events.columns and any(path is not None for path, _ in places)
    if not by_path and "clip" not in events.columns:
        raise ValueError(
            f"{_TABLE} do not say which row of X an event is in; give the column 'clip', or 'path' and paths as X."
        )
    check_overlap(events, _TABLE, ("path" if by_path else "clip", "label"))
    found = _by_path(events, places) if by_path else _by_clip(events, clips)
    return _within(found, clips, [offset if by_path else 0.0 for _, offset in places])


def check_labels_known(events: pd.DataFrame, labels: NDArray[Any]) -> pd.DataFrame:
    """Refuse events with labels that a model does not know, and return the others with the labels of the model."""
    known = {str(label): label for label in labels.tolist()}
    for row, label in zip(events.index, events["label"], strict=True):
        try:
            check_name("label", label, known)
        except ValueError as error:
            raise ValueError(f"row {row} of {_TABLE}: the model does not know it: {error}") from None
    return events.assign(label=[known[label] for label in events["label"]])


def _by_path(events: pd.DataFrame, places: list[tuple[str | None, float]]) -> pd.DataFrame:
    check_recordings(events, _TABLE, None)
    rows: dict[str, list[int]] = {}
    for row, (path, _) in enumerate(places):
        if path is not None:
            rows.setdefault(_identity(path), []).append(row)
    found = [rows.get(_identity(path)) for path in events["path"]]
    if None in found:
        row = found.index(None)
        raise ValueError(
            f"row {row} of {_TABLE} names the recording {events['path'].iloc[row]!r}, which is not in X. Add it to X, "
            "or drop its events."
        )
    return (
        events.assign(clip=pd.Series(found, index=events.index, dtype=object))
        .explode("clip")
        .astype({"clip": np.int64})
    )


def _identity(path: str) -> str:
    return os.path.abspath(local_path(path))


def _by_clip(events: pd.DataFrame, clips: AudioClips) -> pd.DataFrame:
    numbers = pd.to_numeric(events["clip"], errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~np.isin(numbers, np.arange(len(clips))))
    if len(wrong):
        raise ValueError(
            f"row {wrong[0]} of {_TABLE} is in clip {events['clip'].tolist()[wrong[0]]!r}, but X has the rows 0 to "
            f"{len(clips) - 1}."
        )
    for row, clip, start, end in zip(events.index, numbers, events["start"], events["end"], strict=True):
        seconds = clips.stated_seconds(int(clip))
        if seconds is not None and np.nanmax([start, end]) > seconds + _SLACK:
            raise ValueError(
                f"row {row} of {_TABLE} runs from {start} to {end} s, beyond the end of {clips.describe(int(clip))} at "
                f"{seconds:g} s. Repair the times, or check that the recording is the right one."
            )
    return events.assign(clip=numbers.astype(np.int64))


def _within(events: pd.DataFrame, clips: AudioClips, offsets: list[float]) -> pd.DataFrame:
    """Count from the start of each row, and cut events to it; parts of files have the events that they overlap."""
    seconds = {row: clips.stated_seconds(row) or np.inf for row in events["clip"].unique().tolist()}
    longest = events["clip"].map(seconds).to_numpy(np.float64)
    offset = np.array(offsets)[events["clip"].to_numpy(np.int64)]
    start, end = (events[name].to_numpy(np.float64) - offset for name in ("start", "end"))
    end = np.fmin(end, longest)
    table = events[["clip"]].assign(start=np.maximum(start, 0.0), end=end, label=events["label"])
    kept: pd.DataFrame = table[(end >= 0) & (start < longest) & (table["end"] >= table["start"])]
    return kept
