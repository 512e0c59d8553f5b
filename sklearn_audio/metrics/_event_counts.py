"""Counts of correct, missed and added events or segments, from two tables of events.

A. Mesaros, T. Heittola & T. Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from sklearn_audio._column_names import EVENT_LABEL_NAMES, PATH_NAMES, find_column, find_span

_COLUMNS = ["clip", "start", "end", "label"]
_TINY = 1e-9  # seconds; exceeds the rounding of decimal fractions
Flags = NDArray[np.bool_]


class Counts(NamedTuple):
    """Numbers of events, or of active segments."""

    n_reference: int
    n_estimated: int
    n_correct: int
    n_substitutions: int = 0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.n_reference + self.n_estimated
        return 2 * self.n_correct / total if total else 0.0


class LabelCounts(NamedTuple):
    """Counts of each label, and of all; only the latter have substitutions."""

    by_label: dict[Any, Counts]
    total: Counts


def check_collar(collar: float, end_share: float | None) -> None:
    """Raise if the tolerances of events are negative."""
    if not collar >= 0 or (end_share is not None and not end_share >= 0):
        raise ValueError(f"collar={collar} and end_share={end_share} must be at least 0.")


def check_segment(segment: float) -> None:
    """Raise if the length of a segment is not positive."""
    if not segment > 0:
        raise ValueError(f"segment={segment} must be a positive number of seconds.")


def checked_tables(reference: pd.DataFrame, estimated: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables with the columns clip, start, end and label."""
    clips = recording_columns(reference, estimated, ("reference", "estimated"))
    return checked_events(reference, "reference", clips[0]), checked_events(estimated, "estimated", clips[1])


def recording_columns(reference: pd.DataFrame, other: pd.DataFrame, names: tuple[str, str]) -> list[Any]:
    """Return the columns that name the recording: the paths if both tables have them, otherwise rows or paths."""
    tables = (reference, other)
    paths = [_path_column(table) for table in tables]
    rows = [find_column(table.columns, ("clip",)) for table in tables]
    if None not in paths:
        return paths
    found = [path if row is None else row for path, row in zip(paths, rows, strict=True)]
    counted = [name is not None and is_numeric_dtype(table[name]) for table, name in zip(tables, found, strict=True)]
    if None in rows and None not in found and counted[0] != counted[1] and len(reference) and len(other):
        raise ValueError(
            f"{names[0]} names recordings in {found[0]!r} and {names[1]} in {found[1]!r}, rows and "
            "paths. Give both tables paths."
        )
    return found


def _path_column(table: pd.DataFrame) -> Any:
    """Return the column of paths; one without any path, as for arrays, does not count if there are rows."""
    column = find_column(table.columns, PATH_NAMES)
    empty = column is not None and len(table) and table[column].isna().all()
    return None if empty and find_column(table.columns, ("clip",)) is not None else column


def checked_events(table: pd.DataFrame, name: str, clip: Any) -> pd.DataFrame:
    """Return the events with the columns clip, start, end and label."""
    span = find_span(table.columns, mixed=False)
    label = find_column(table.columns, EVENT_LABEL_NAMES)
    found = dict(zip(_COLUMNS, (clip, span.start, span.end, label), strict=True))
    missing = [column for column, spelled in found.items() if spelled is None]
    if missing:
        raise ValueError(f"{name} lacks the column(s) {missing}; it needs {_COLUMNS}.")
    table = pd.DataFrame({column: table[spelled].to_numpy() for column, spelled in found.items()})
    for column, content in (("clip", "recording"), ("label", "label")):
        empty = np.flatnonzero(table[column].isna())
        if len(empty):
            raise ValueError(f"{name}: row {empty[0]} has no {content} in {found[column]!r}; fill it in.")
    backwards = np.flatnonzero(~(table["end"].to_numpy() >= table["start"].to_numpy()))
    if len(backwards):
        row = table.iloc[backwards[0]]
        raise ValueError(f"{name}: the event in row {backwards[0]} runs from {row['start']} to {row['end']} s.")
    return table


def check_known(name: str, table: pd.DataFrame, column: str, known: Any, where: str) -> None:
    """Raise if a label or recording of a table is in no other place."""
    unknown = table[~table[column].isin(list(known))]
    if len(unknown):
        raise ValueError(
            f"{name}: row {unknown.index[0]} has {unknown[column].tolist()[0]!r}, which is not in {where}; add it "
            "there, or leave such events out."
        )


def check_any(reference: pd.DataFrame) -> None:
    """Raise if a reference has no events."""
    if reference.empty:
        raise ValueError("reference has no events, so there is nothing to compare with.")


def count_events(
    reference: pd.DataFrame, estimated: pd.DataFrame, collar: float, end_share: float | None
) -> LabelCounts:
    """Match events one to one, as many as possible of each recording and label.

    A substitution is a pair of left events of one recording that match but for their labels.
    """
    tables = (reference, estimated)
    correct = [np.zeros(len(table), dtype=bool) for table in tables]
    for a, b in _common_groups(reference, estimated, ["clip", "label"]):
        pairs = largest_matching(matches_in_time(reference.iloc[a], estimated.iloc[b], collar, end_share))
        for flags, rows, matched in zip(correct, (a, b), zip(*pairs, strict=True), strict=False):
            flags[rows[list(matched)]] = True
    left = [table[~flags] for table, flags in zip(tables, correct, strict=True)]
    groups = _common_groups(left[0], left[1], ["clip"])
    substitutions = sum(
        _n_in_order(matches_in_time(left[0].iloc[a], left[1].iloc[b], collar, end_share)) for a, b in groups
    )
    return _by_label(reference["label"], estimated["label"], reference["label"][correct[0]], substitutions)


def count_segments(reference: pd.DataFrame, estimated: pd.DataFrame, segment: float) -> LabelCounts:
    """Count the segments in which labels are active.

    A substitution is a pair of a missed and an added label in one segment.
    """
    a, b = (_active(table, segment) for table in (reference, estimated))
    missed, added = (Counter(place for place, _ in labels) for labels in (a - b, b - a))
    reference_labels, estimated_labels, correct = ([label for _, label in active] for active in (a, b, a & b))
    return _by_label(reference_labels, estimated_labels, correct, sum((missed & added).values()))


def _by_label(reference: Any, estimated: Any, correct: Any, n_substitutions: int) -> LabelCounts:
    """Count labels: of the reference, of the estimate, and of what is correct."""
    a, b, hits = (Counter(labels) for labels in (reference, estimated, correct))
    by_label = {name: Counts(a[name], b[name], hits[name]) for name in sorted({*a, *b}, key=str)}
    return LabelCounts(by_label, Counts(a.total(), b.total(), hits.total(), n_substitutions))


def _common_groups(
    reference: pd.DataFrame, estimated: pd.DataFrame, by: list[str]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the row indices in both tables that agree in some columns."""
    groups = [table.groupby(by, sort=False).indices for table in (reference, estimated)]
    return ((np.asarray(rows), np.asarray(groups[1][key])) for key, rows in groups[0].items() if key in groups[1])


def matches_in_time(reference: pd.DataFrame, estimated: pd.DataFrame, collar: float, end_share: float | None) -> Flags:
    """Return whether events match in time.

    Shapes: -> (n_reference, n_estimated).
    """
    starts, ends = (_differences(reference, estimated, column) for column in ("start", "end"))
    close: Flags = starts <= collar + _TINY
    if end_share is not None:
        lengths = (reference["end"] - reference["start"]).to_numpy(dtype=np.float64)
        close &= ends <= np.maximum(collar, end_share * lengths)[:, None] + _TINY
    return close


def _differences(reference: pd.DataFrame, estimated: pd.DataFrame, column: str) -> NDArray[np.float64]:
    a, b = (table[column].to_numpy(dtype=np.float64) for table in (reference, estimated))
    return np.asarray(np.abs(a[:, None] - b))  # (n_reference, n_estimated)


def _n_in_order(close: Flags) -> int:
    """Return the number of reference events that get an event when each takes the first that is free."""
    free = np.ones(close.shape[1], dtype=bool)
    for row in close:
        free[np.flatnonzero(row & free)[:1]] = False
    return int((~free).sum())


def largest_matching(close: Flags) -> list[tuple[int, int]]:
    """Return the pairs of a largest matching, by the algorithm of Hopcroft and Karp.

    Which of several largest matchings is taken decides on what is left for substitutions. The order is that of
    sed_eval: estimated events by their first reference event.
    """
    adjacent: dict[int, list[int]] = {}
    for a, b in np.argwhere(close).tolist():
        adjacent.setdefault(b, []).append(a)
    partner: dict[int, int] = {}  # estimated event of each reference event
    for b, choices in adjacent.items():
        first = next((a for a in choices if a not in partner), None)
        if first is not None:
            partner[first] = b
    while _augmented(adjacent, partner):
        pass
    return list(partner.items())


def _augmented(adjacent: dict[int, list[int]], partner: dict[int, int]) -> bool:
    """Enlarge a matching along shortest paths; return whether there were any."""
    taken = set(partner.values())
    via: dict[int, int | None] = {b: None for b in adjacent if b not in taken}  # from which reference event
    reached: dict[int, list[int]] = {}
    layer = list(via)
    ends: list[int] = []
    while layer and not ends:
        following: dict[int, list[int]] = {}
        for b in layer:
            for a in adjacent[b]:
                if a not in reached:
                    following.setdefault(a, []).append(b)
        reached.update(following)
        ends = [a for a in following if a not in partner]
        layer = [partner[a] for a in following if a in partner]
        via.update({partner[a]: a for a in following if a in partner})
    for end in ends:
        partner.update(_path(end, reached, via))
    return bool(ends)


def _path(end: int, reached: dict[int, list[int]], via: dict[int, int | None]) -> list[tuple[int, int]]:
    """Return the new pairs along a path back to a free estimated event, of events that no path used; [] without one."""
    pairs: list[tuple[int, int]] = []
    steps = [(end, iter(reached.pop(end)))]
    while steps:
        a, choices = steps[-1]
        b = next((b for b in choices if b in via), None)
        if b is None:
            steps.pop()
            pairs = pairs[:-1]
            continue
        before = via.pop(b)
        if before is None:
            return [*pairs, (a, b)]
        if before in reached:
            pairs.append((a, b))
            steps.append((before, iter(reached.pop(before))))
    return []


def _active(table: pd.DataFrame, segment: float) -> set[tuple[tuple[Hashable, int], Hashable]]:
    """Return recording and index of the segments that overlap events, and the labels."""
    active: set[tuple[tuple[Hashable, int], Hashable]] = set()
    for clip, start, end, label in table[_COLUMNS].itertuples(index=False):
        first, last = math.floor(start / segment + _TINY), math.ceil(end / segment - _TINY)
        active.update(((clip, i), label) for i in range(first, last))
    return active
