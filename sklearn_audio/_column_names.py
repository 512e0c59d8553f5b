"""The names that tables and dicts of recordings use for path, start, end and duration: one list for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

__all__ = [
    "DURATION_NAMES",
    "END_NAMES",
    "EVENT_LABEL_NAMES",
    "PATH_NAMES",
    "START_NAMES",
    "Span",
    "find_column",
    "find_span",
    "plain_name",
]

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
# Where a table has several starts or ends, these go together.
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
EVENT_LABEL_NAMES = ("label", "event_label")

# "Begin Time (s)", "start_s", "end_seconds"
_UNIT = re.compile(r"[ _]*(\((s|sec|seconds)\)|\[(s|sec|seconds)\]|_(s|sec|seconds))$")


class Span(NamedTuple):
    """The columns of the part of a recording, in seconds; None where there is none.

    Attributes
    ----------
    start, end, duration : object or None
        Names of the columns, as the table spells them.

    Examples
    --------
    >>> from sklearn_audio._column_names import find_span
    >>> find_span(["file", "Begin Time (s)", "End Time (s)"])
    Span(start='Begin Time (s)', end='End Time (s)', duration=None)
    """

    start: Any = None
    end: Any = None
    duration: Any = None


def plain_name(column: object) -> str:
    """Write the name of a column in lower case, with underscores and without its unit.

    Parameters
    ----------
    column : object
        The name.

    Returns
    -------
    str
        The plain name.

    Examples
    --------
    >>> from sklearn_audio._column_names import plain_name
    >>> plain_name(" Begin Time (s)")
    'begin_time'
    """
    return _UNIT.sub("", str(column).strip().lower()).replace(" ", "_")


def find_column(columns: Iterable[Any], names: Sequence[str]) -> Any | None:
    """Find the column that has one of some names.

    Parameters
    ----------
    columns : iterable
        Names of the columns of a table, or the keys of a dict.
    names : sequence of str
        Plain names; the first that occurs is taken.

    Returns
    -------
    object or None
        The column as the table spells it.

    Examples
    --------
    >>> from sklearn_audio._column_names import PATH_NAMES, find_column
    >>> find_column(["label", "File"], PATH_NAMES)
    'File'
    """
    spelled = _spelled(columns)
    return next((spelled[name] for name in names if name in spelled), None)


def find_span(columns: Iterable[Any], *, mixed: bool = True) -> Span:
    """Find the columns of the part of a recording.

    ``offset`` is the end beside the name of a start, as in ``onset``, ``offset``; else it is the start, as in
    ``offset``, ``duration``.

    Parameters
    ----------
    columns : iterable
        Names of the columns of a table, or the keys of a dict.
    mixed : bool, default=True
        Whether the names of start and end may be of two kinds, such as ``onset`` and ``end``.

    Returns
    -------
    Span
        The columns as the table spells them.

    Examples
    --------
    >>> from sklearn_audio._column_names import find_span
    >>> find_span(["path", "offset", "duration"])
    Span(start='offset', end=None, duration='duration')
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
    """Map plain names to the columns; of two with one plain name, the first counts."""
    return {plain_name(column): column for column in reversed(list(columns))}
