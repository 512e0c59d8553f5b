"""Tables of scores along recordings, and every event that a threshold can make of them.

J. Ebbers, R. Serizel & R. Haeb-Umbach, "Threshold independent evaluation of sound event detection scores", ICASSP 2022.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from sklearn_audio._column_names import EVENT_LABEL_NAMES, find_column, find_span
from sklearn_audio.events import means_between_edges
from sklearn_audio.metrics._event_counts import check_any, check_known, checked_events, recording_columns

_TICKS = 1_000_000  # per second: edges of windows that differ by less are one
Values = NDArray[np.float64]
_NO_EVENTS: Values = np.empty((0, 2))


class ScoredEvents(NamedTuple):
    """The events of one label and recording: each exists for thresholds in ``base < threshold <= top``.

    Shapes: all (n_events,).
    """

    start: Values
    end: Values
    top: Values
    base: Values


class Recording(NamedTuple):
    """Scores of one recording, constant between edges in seconds, and the starts and ends of its reference events.

    Shapes: edges (n_spans + 1,), scores (n_spans, n_labels), minus infinity where no window is, reference (n, 2) each.
    """

    edges: Values
    scores: Values
    reference: dict[Any, Values]

    def events(self, label: Any) -> Values:
        """Return the reference events of a label."""
        return self.reference.get(label, _NO_EVENTS)


def read_scores(
    reference: pd.DataFrame, scores: pd.DataFrame
) -> tuple[pd.DataFrame, dict[Any, list[tuple[Recording, ScoredEvents]]]]:
    """Return the reference, and for each label all recordings with the events that its scores can make."""
    clips = recording_columns(reference, scores, ("reference", "scores"))
    events = checked_events(reference, "reference", clips[0])
    table, labels = _wide(scores, clips[1])
    check_any(events)
    check_known("reference", events, "label", labels, "scores")
    check_known("reference", events, "clip", table["clip"].unique(), "scores")
    silent = [label for label in labels if label not in set(events["label"])]
    if silent:
        raise ValueError(f"the reference has no events of {silent}; leave these labels out of scores.")
    spans: dict[Any, dict[Any, Values]] = {}
    for (name, label), rows in events.groupby(["clip", "label"]):
        spans.setdefault(name, {})[label] = rows[["start", "end"]].to_numpy(dtype=np.float64)
    recordings = [_recording(part, labels, spans.get(name, {})) for name, part in table.groupby("clip")]
    found = {
        label: [(part, scored_events(part.scores[:, column], part.edges)) for part in recordings]
        for column, label in enumerate(labels)
    }
    return events, found


def scored_events(scores: Values, edges: Values) -> ScoredEvents:
    """Find the events of one label: a span of time between lower scores is one, and nested in those around it.

    Shapes: scores (n_spans,), edges (n_spans + 1,).
    """
    found: list[tuple[int, int, float, float]] = []
    open_events: list[tuple[int, float]] = []  # first span and top, from the outermost on
    for place, score in enumerate([*scores.tolist(), -np.inf]):
        first = place
        while open_events and open_events[-1][1] > score:
            first, top = open_events.pop()
            found.append((first, place, top, max(score, open_events[-1][1] if open_events else -np.inf)))
        if score > (open_events[-1][1] if open_events else -np.inf):
            open_events.append((first, score))
    firsts, lasts, tops, bases = np.array(found, dtype=np.float64).reshape(-1, 4).T
    return ScoredEvents(edges[firsts.astype(np.intp)], edges[lasts.astype(np.intp)], tops, bases)


def counts_below(changes: Iterable[tuple[Values, Values]]) -> tuple[Values, Values]:
    """Sum up changes at thresholds: return the distinct thresholds, falling from infinity, and the counts at each.

    Shapes: changes (n,), (n, n_counts) each -> (n_thresholds,), (n_thresholds, n_counts).
    """
    at, by = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    thresholds, places = np.unique(-at, return_inverse=True)
    sums = np.zeros((len(thresholds), by.shape[1]))
    np.add.at(sums, places, by)
    kept = thresholds < np.inf  # an event that nothing ends has a base of minus infinity
    counts = np.cumsum(sums[kept], axis=0)
    return np.concatenate([[np.inf], -thresholds[kept]]), np.concatenate([np.zeros((1, by.shape[1])), counts])


def existence(events: ScoredEvents, counted: Values) -> tuple[Values, Values]:
    """Return the changes of the counts of events as they begin and cease to exist, for `counts_below`.

    Shapes: counted (n_events, n_counts), how much each event counts -> (2 n_events,), (2 n_events, n_counts).
    """
    return np.concatenate([events.top, events.base]), np.concatenate([counted, -counted])


def _wide(scores: pd.DataFrame, clip: Any) -> tuple[pd.DataFrame, list[Any]]:
    """Return clip, start, end and one column per label, and the labels."""
    span = find_span(scores.columns, mixed=False)
    label, score = (find_column(scores.columns, names) for names in (EVENT_LABEL_NAMES, ("score",)))
    places = {"clip": clip, "start": span.start, "end": span.end}
    missing = [name for name, column in places.items() if column is None]
    if missing:
        raise ValueError(f"scores lacks the column(s) {missing}; give a table as from predict_segments.")
    if score is not None and label is not None:
        index = list(places.values())
        twice = np.flatnonzero(scores.duplicated([*index, label]))
        if len(twice):
            raise ValueError(f"scores: row {twice[0]} has a window and label that another row has, too; leave one out.")
        scores = scores.pivot(index=index, columns=label, values=score).reset_index()
    labels = [column for column in scores.columns if column not in (*places.values(), "clip", "path")]
    if not labels or scores.empty:
        raise ValueError("scores has no scores; give a row for each window, and labels with scores.")
    table = pd.DataFrame({name: scores[column].to_numpy() for name, column in places.items()})
    values = _finite(scores, labels)
    return pd.concat([table, pd.DataFrame(values, columns=labels)], axis=1), labels


def _finite(scores: pd.DataFrame, labels: list[Any]) -> Values:
    words = [label for label in labels if not is_numeric_dtype(scores[label])]
    if words:
        raise ValueError(f"scores: the column {words[0]!r} does not hold numbers; drop it, or give scores.")
    values = scores[labels].to_numpy(dtype=np.float64)
    broken = np.argwhere(~np.isfinite(values))
    if len(broken):
        row, column = broken[0]
        place = scores.iloc[row]
        raise ValueError(f"scores: {labels[column]!r} is missing or infinite in the window {place.tolist()[:4]}.")
    return values


def _recording(windows: pd.DataFrame, labels: list[Any], reference: dict[Any, Values]) -> Recording:
    first, last = (np.round(windows[name].to_numpy(np.float64) * _TICKS).astype(np.int64) for name in ("start", "end"))
    backwards = np.flatnonzero(last <= first)
    if len(backwards):
        clip, start, end = windows.iloc[backwards[0]][["clip", "start", "end"]]
        raise ValueError(f"scores: a window of {clip!r} runs from {start} to {end} s.")
    edges, means = means_between_edges(windows[labels].to_numpy(), first, last)
    return Recording(edges / _TICKS, np.where(np.isnan(means), -np.inf, means), reference)
