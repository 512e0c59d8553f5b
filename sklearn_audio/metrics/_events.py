"""F1 of sound event detection, computed from tables of events.

A. Mesaros, T. Heittola & T. Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from sklearn_audio.metrics._event_counts import (
    LabelCounts,
    check_collar,
    check_segment,
    checked_tables,
    count_events,
    count_segments,
)

Average = Literal["micro", "macro"]


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
    event_report : Precision, recall and error rate, too, label by label.
    segment_f1 : Segment-based F1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import event_f1
    >>> reference = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [1.0, 5.0],
    ...         "end": [2.0, 7.0],
    ...         "label": ["dog", "cat"],
    ...     }
    ... )
    >>> estimated = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [1.1, 4.0],
    ...         "end": [2.3, 7.0],
    ...         "label": ["dog", "cat"],
    ...     }
    ... )
    >>> event_f1(reference, estimated)
    0.5
    """
    check_collar(collar, end_share)
    return _average(*checked_tables(reference, estimated), average, lambda a, b: count_events(a, b, collar, end_share))


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
    segment_report : Precision, recall and error rate, too, label by label.
    event_f1 : Event-based F1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import segment_f1
    >>> reference = pd.DataFrame(
    ...     {"clip": 0, "start": [0.0], "end": [4.0], "label": ["dog"]}
    ... )
    >>> estimated = pd.DataFrame(
    ...     {"clip": 0, "start": [2.0], "end": [6.0], "label": ["dog"]}
    ... )
    >>> segment_f1(reference, estimated)
    0.5
    """
    check_segment(segment)
    return _average(*checked_tables(reference, estimated), average, lambda a, b: count_segments(a, b, segment))


def _average(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    average: Average,
    count: Callable[[pd.DataFrame, pd.DataFrame], LabelCounts],
) -> float:
    if average not in ("micro", "macro"):
        raise ValueError(f"average must be 'micro' or 'macro', got {average!r}.")
    counts = count(reference, estimated)
    if average == "macro":
        return float(np.mean([c.f1 for c in counts.by_label.values()])) if counts.by_label else 0.0
    return counts.total.f1
