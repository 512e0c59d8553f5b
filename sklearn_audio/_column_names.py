"""Common names of path, start, end and duration in tables and dicts of recordings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

PATH_NAMES = (
    "path",
    "filepath",
    "file_path",
    "file",
    "filename",
    "file_name",
    "wav",
    "audio",
    "audio_path",
    "audio_file",
    "audio_filepath",
    "slice_file_name",
    "fname",
)
START_NAMES = ("start", "start_time", "begin", "begin_time", "onset")
END_NAMES = ("end", "end_time", "stop", "stop_time", "offset")
# Pairs of start and end, for tables with several.
_PAIRS = (
    ("start", "end"),
    ("start_time", "end_time"),
    ("begin", "end"),
    ("begin_time", "end_time"),
    ("onset", "offset"),
    ("start", "stop"),
    ("start_time", "stop_time"),
)
DURATION_NAMES = ("duration",)
EVENT_LABEL_NAMES = (
    *("label", "event_label", "class", "classname", "class_name", "category", "annotation", "common_name", "species"),
    *("tag", "scientific_name"),
)

# "Begin Time (s)", "start_s", "end_seconds"
_UNIT = re.compile(r"[ _]*(\((s|sec|seconds)\)|\[(s|sec|seconds)\]|_(s|sec|seconds))$")


class Span(NamedTuple):
    """The columns of the part of a recording, in seconds; None if absent."""

    start: Any = None
    end: Any = None
    duration: Any = None


def plain_name(column: object) -> str:
    """Normalize a column name: lower case, underscores, no unit."""
    return _UNIT.sub("", str(column).strip().lower()).replace(" ", "_")


def find_column(columns: Iterable[Any], names: Sequence[str]) -> Any | None:
    """Find the column with one of the names."""
    spelled = _spelled(columns)
    return next((spelled[name] for name in names if name in spelled), None)


def find_span(columns: Iterable[Any], *, mixed: bool = True) -> Span:
    """Find the columns of the part of a recording.

    ``offset`` is the end if there is a start, as in ``onset``, ``offset``; otherwise it is the start, as in ``offset``,
    ``duration``.
    """
    spelled = _spelled(columns)
    duration = next((spelled[name] for name in DURATION_NAMES if name in spelled), None)
    for start, end in _PAIRS:
        if start in spelled and end in spelled:
            return Span(spelled[start], spelled[end], duration)
    if not mixed:
        return Span(spelled.get("start"), spelled.get("end"))
    first = next((spelled[name] for name in START_NAMES if name in spelled), None)
    if first is None and "offset" in spelled:
        first = spelled.pop("offset")
    last = next((spelled[name] for name in END_NAMES if name in spelled), None)
    return Span(first, last, duration)


def _spelled(columns: Iterable[Any]) -> dict[str, Any]:
    """Map normalized names to columns; the first of duplicates wins."""
    return {plain_name(column): column for column in reversed(list(columns))}
