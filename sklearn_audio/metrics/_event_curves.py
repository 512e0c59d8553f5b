"""Precision and recall of events over all thresholds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sklearn_audio.metrics._event_counts import Flags, check_collar, largest_matching, matches_in_time
from sklearn_audio.metrics._score_tables import (
    ScoredEvents,
    Values,
    counts_below,
    existence,
    read_scores,
)


def event_precision_recall_curve(
    reference: pd.DataFrame, scores: pd.DataFrame, *, collar: float = 0.2, end_share: float | None = 0.5
) -> pd.DataFrame:
    """Compute event-based precision and recall of each label at every threshold.

    At a threshold, an event lasts as long as the score of its label is at least the threshold; events match as in
    `event_report`. Each threshold at which something changes is a row, so that the curves are exact. They equal those
    of sed_scores_eval.

    Parameters
    ----------
    reference : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label"; one row per event, as from
        `sklearn_audio.annotations.read`.
    scores : DataFrame
        Scores of windows or frames, as from `sklearn_audio.inspection.predict_segments`: "path" or "clip", "start" and
        "end", with either "label" and "score", or one column per label. Between their edges, the windows that overlap
        are averaged; where there is none, nothing is detected.
    collar : float, default=0.2
        Seconds by which starts and ends may differ, at least 0.
    end_share : float or None, default=0.5
        Fraction of the length of the reference event by which ends may differ, if that exceeds the collar. None:
        compare starts only.

    Returns
    -------
    DataFrame
        Columns "label", "threshold", "precision", "recall" and "f1". The thresholds of a label fall from infinity, at
        which nothing is detected, and the precision is 1.

    Raises
    ------
    ValueError
        If a table lacks a column or holds invalid values, an event or a label has nothing to compare with, or a
        parameter is out of range.

    See Also
    --------
    event_report : Precision and recall at one threshold.
    psds : One number for all thresholds.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import event_precision_recall_curve
    >>> reference = pd.DataFrame(
    ...     {"clip": 0, "start": [1.0, 4.0], "end": [2.0, 5.0], "label": "dog"}
    ... )
    >>> scores = pd.DataFrame({"clip": 0, "start": range(6), "end": range(1, 7)})
    >>> scores["dog"] = [0.2, 0.9, 0.2, 0.6, 0.2, 0.2]
    >>> event_precision_recall_curve(reference, scores).round(2)
      label  threshold  precision  recall    f1
    0   dog        inf        1.0     0.0  0.00
    1   dog        0.9        1.0     0.5  0.67
    2   dog        0.6        0.5     0.5  0.50
    3   dog        0.2        0.0     0.0  0.00
    """
    check_collar(collar, end_share)
    curves = []
    for label, entries in read_scores(reference, scores)[1].items():
        n_reference = sum(len(part.events(label)) for part, _ in entries)
        changes = [
            change for part, events in entries for change in _changes(part.events(label), events, collar, end_share)
        ]
        curves.append(_curve(*counts_below(changes), n_reference).assign(label=label))
    return pd.concat(curves, ignore_index=True)[["label", "threshold", "precision", "recall", "f1"]]


def _curve(thresholds: Values, counts: Values, n_reference: int) -> pd.DataFrame:
    changed = np.concatenate([[True], np.any(np.diff(counts, axis=0) != 0, axis=1)])
    n_estimated, n_correct = counts[changed].T
    precision = np.divide(n_correct, n_estimated, out=np.ones_like(n_correct), where=n_estimated > 0)
    recall, f1 = n_correct / n_reference, 2 * n_correct / (n_estimated + n_reference)
    return pd.DataFrame({"threshold": thresholds[changed], "precision": precision, "recall": recall, "f1": f1})


def _changes(
    reference: Values, events: ScoredEvents, collar: float, end_share: float | None
) -> Iterator[tuple[Values, Values]]:
    """Yield the changes of the counts of all events and of the correct ones.

    Shapes: -> (n,), (n, 2) each.
    """
    counted = np.zeros((len(events.top), 2))
    counted[:, 0] = 1
    yield existence(events, counted)
    wanted = pd.DataFrame(reference, columns=["start", "end"])
    spans = pd.DataFrame({"start": events.start, "end": events.end})
    # Event by event, because of the memory that all differences in time would take.
    rows = [matches_in_time(wanted[i : i + 1], spans, collar, end_share)[0] for i in range(len(reference))]
    close = np.array(rows, dtype=bool).reshape(len(reference), len(spans))
    for matched, candidates in _groups(close):
        few = ScoredEvents(*(values[candidates] for values in events))
        thresholds = np.unique(np.concatenate([few.top, few.base[few.base > -np.inf]]))[::-1]
        sizes = [_n_matched(close[np.ix_(matched, candidates)], few, threshold) for threshold in thresholds]
        yield thresholds, np.column_stack([np.zeros(len(sizes)), np.diff(sizes, prepend=0)])


def _groups(close: Flags) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the reference events and the events that are linked by matches, group by group."""
    rows, columns = np.nonzero(close)
    n_rows, size = len(close), sum(close.shape)
    links = coo_array((np.ones(len(rows)), (rows, n_rows + columns)), shape=(size, size))
    group = connected_components(links, directed=False)[1]
    of_rows, of_columns = np.unique(rows), np.unique(columns)
    for number in np.unique(group[of_rows]):
        yield of_rows[group[of_rows] == number], of_columns[group[n_rows + of_columns] == number]


def _n_matched(close: Flags, events: ScoredEvents, threshold: float) -> int:
    exists = (events.base < threshold) & (threshold <= events.top)
    return len(largest_matching(close[:, exists]))
