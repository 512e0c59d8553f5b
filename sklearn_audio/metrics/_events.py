"""Metrics of sound event detection, computed from tables of events.

A. Mesaros, T. Heittola & T. Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sklearn_audio._column_names import EVENT_LABEL_NAMES, PATH_NAMES, find_column, find_span

Average = Literal["micro", "macro"]
_COLUMNS = ["clip", "start", "end", "label"]
_TINY = 1e-9  # seconds; exceeds the rounding of decimal fractions


class _Counts(NamedTuple):
    hits: int
    n_reference: int
    n_estimated: int

    def f1(self) -> float:
        total = self.n_reference + self.n_estimated
        return 2 * self.hits / total if total else 0.0


def event_f1(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    *,
    collar: float = 0.2,
    end_share: float | None = 0.5,
    average: Average = "micro",
) -> float:
    """Compute the event-based F1.

    Two events match if they have the same clip and label, their starts differ by at most the collar, and their ends by
    at most the collar or the given fraction of the length. The largest one-to-one matching counts.

    Parameters
    ----------
    reference, estimated : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label", or other usual names such as "filename",
        "onset", "offset" and "event_label"; one row per event, as from `sklearn_audio.annotations.read`. Other columns
        are ignored. Where both tables have paths, "clip" is ignored, too.
    collar : float, default=0.2
        Seconds by which starts and ends may differ, at least 0.
    end_share : float or None, default=0.5
        Fraction of the length of the reference event by which ends may differ, if that exceeds the collar. None:
        compare starts only.
    average : {"micro", "macro"}, default="micro"
        Over all events, or the mean over all labels of both tables.

    Returns
    -------
    float
        F1, between 0 and 1; 0 without events.

    Raises
    ------
    ValueError
        If a table lacks a column, an event ends before it starts, or a parameter is out of range.

    See Also
    --------
    segment_f1 : Segment-based F1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import event_f1
    >>> reference = pd.DataFrame({"clip": 0, "start": [1.0, 5.0], "end": [2.0, 7.0], "label": ["dog", "cat"]})
    >>> estimated = pd.DataFrame({"clip": 0, "start": [1.1, 4.0], "end": [2.3, 7.0], "label": ["dog", "cat"]})
    >>> event_f1(reference, estimated)
    0.5
    """
    if not collar >= 0 or (end_share is not None and not end_share >= 0):
        raise ValueError(f"collar={collar} and end_share={end_share} must be at least 0.")

    def count(a: pd.DataFrame, b: pd.DataFrame) -> _Counts:
        hits = sum(_n_matches(rows, b[b["clip"] == clip], collar, end_share) for clip, rows in a.groupby("clip"))
        return _Counts(hits, len(a), len(b))

    return _average(reference, estimated, average, count)


def segment_f1(
    reference: pd.DataFrame, estimated: pd.DataFrame, *, segment: float = 1.0, average: Average = "micro"
) -> float:
    """Compute the segment-based F1.

    Parameters
    ----------
    reference, estimated : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label", or other usual names such as "filename",
        "onset", "offset" and "event_label"; one row per event, as from `sklearn_audio.annotations.read`. Other columns
        are ignored. Where both tables have paths, "clip" is ignored, too.
    segment : float, default=1.0
        Length of a segment in seconds; a label is active in every segment that overlaps one of its events.
    average : {"micro", "macro"}, default="micro"
        Over all segments and labels, or the mean over all labels of both tables.

    Returns
    -------
    float
        F1, between 0 and 1; 0 without events.

    Raises
    ------
    ValueError
        If a table lacks a column, an event ends before it starts, or a parameter is out of range.

    See Also
    --------
    event_f1 : Event-based F1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import segment_f1
    >>> reference = pd.DataFrame({"clip": 0, "start": [0.0], "end": [4.0], "label": ["dog"]})
    >>> estimated = pd.DataFrame({"clip": 0, "start": [2.0], "end": [6.0], "label": ["dog"]})
    >>> segment_f1(reference, estimated)
    0.5
    """
    if not segment > 0:
        raise ValueError(f"segment={segment} must be a positive number of seconds.")

    def count(a: pd.DataFrame, b: pd.DataFrame) -> _Counts:
        active = [_active(table, segment) for table in (a, b)]
        return _Counts(len(active[0] & active[1]), len(active[0]), len(active[1]))

    return _average(reference, estimated, average, count)


def _average(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    average: Average,
    count: Callable[[pd.DataFrame, pd.DataFrame], _Counts],
) -> float:
    clips = _clip_columns(reference, estimated)
    given = ((reference, "reference"), (estimated, "estimated"))
    tables = [_checked_events(table, name, clip) for (table, name), clip in zip(given, clips, strict=True)]
    if average not in ("micro", "macro"):
        raise ValueError(f"average must be 'micro' or 'macro', got {average!r}.")
    labels = sorted({*tables[0]["label"], *tables[1]["label"]}, key=str)
    counts = [count(*(table[table["label"] == label] for table in tables)) for label in labels]
    if average == "macro":
        return float(np.mean([c.f1() for c in counts])) if counts else 0.0
    return _Counts(*(sum(numbers) for numbers in zip(*counts, strict=True))).f1() if counts else 0.0


def _clip_columns(reference: pd.DataFrame, estimated: pd.DataFrame) -> list[Any]:
    """Return the columns that name the recording: the paths if both tables have them, otherwise rows or paths."""
    tables = (reference, estimated)
    paths, rows = ([find_column(table.columns, names) for table in tables] for names in (PATH_NAMES, ("clip",)))
    if None not in paths:
        return paths
    found = [path if row is None else row for path, row in zip(paths, rows, strict=True)]
    counted = [name is not None and is_numeric_dtype(table[name]) for table, name in zip(tables, found, strict=True)]
    if None in rows and None not in found and counted[0] != counted[1] and len(reference) and len(estimated):
        raise ValueError(
            f"reference names recordings in {found[0]!r} and estimated in {found[1]!r}, rows and "
            "paths. Give both tables paths."
        )
    return found


def _checked_events(table: pd.DataFrame, name: str, clip: Any) -> pd.DataFrame:
    span = find_span(table.columns, mixed=False)
    label = find_column(table.columns, EVENT_LABEL_NAMES)
    found = dict(zip(_COLUMNS, (clip, span.start, span.end, label), strict=True))
    missing = [column for column, spelled in found.items() if spelled is None]
    if missing:
        raise ValueError(f"{name} lacks the column(s) {missing}; it needs {_COLUMNS}.")
    table = pd.DataFrame({column: table[spelled] for column, spelled in found.items()})
    backwards = np.flatnonzero(~(table["end"].to_numpy() >= table["start"].to_numpy()))
    if len(backwards):
        row = table.iloc[backwards[0]]
        raise ValueError(f"{name}: the event in row {backwards[0]} runs from {row['start']} to {row['end']} s.")
    return table


def _n_matches(reference: pd.DataFrame, estimated: pd.DataFrame, collar: float, end_share: float | None) -> int:
    """Return the size of the largest matching of events with one clip and label."""
    starts, ends = (_differences(reference, estimated, column) for column in ("start", "end"))
    close = starts <= collar + _TINY
    if end_share is not None:
        lengths = (reference["end"] - reference["start"]).to_numpy(dtype=np.float64)
        close &= ends <= np.maximum(collar, end_share * lengths)[:, None] + _TINY
    if not close.any():
        return 0
    return int((maximum_bipartite_matching(csr_array(close), perm_type="column") >= 0).sum())


def _differences(reference: pd.DataFrame, estimated: pd.DataFrame, column: str) -> NDArray[np.float64]:
    a, b = (table[column].to_numpy(dtype=np.float64) for table in (reference, estimated))
    return np.asarray(np.abs(a[:, None] - b))  # (n_reference, n_estimated)


def _active(table: pd.DataFrame, segment: float) -> set[tuple[object, int]]:
    """Return clip and index of the segments that overlap events."""
    active: set[tuple[object, int]] = set()
    for clip, start, end in zip(table["clip"], table["start"], table["end"], strict=True):
        first, last = math.floor(start / segment + _TINY), math.ceil(end / segment - _TINY)
        active.update((clip, i) for i in range(first, last))
    return active
