"""Labels of events on a grid of points in time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio.metrics._event_counts import check_any, check_known, checked_tables

_TINY = 1e-9  # steps; exceeds the rounding of seconds divided by the step


def grid_accuracy(
    reference: pd.DataFrame, estimated: pd.DataFrame, *, step: float = 0.1, background: Any = "background"
) -> float:
    """Compute the share of points in time whose label is right.

    Suits events that do not overlap, such as speech and music. Its points and rules are those of deep_audio_features;
    see `grid_labels`.

    Parameters
    ----------
    reference, estimated : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label", or other usual names; one row per event. Where
        both tables have paths, "clip" is ignored.
    step : float, default=0.1
        Seconds between points.
    background : str, default="background"
        Label of the points without an event.

    Returns
    -------
    float
        Accuracy, between 0 and 1.

    Raises
    ------
    ValueError
        If a table lacks a column, the reference has no events at all or none of a recording, an event ends before it
        starts, or the step is not positive.

    See Also
    --------
    grid_labels : The labels themselves, for precision and recall.
    segment_f1 : For events that overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import grid_accuracy
    >>> reference = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [0.0, 6.0],
    ...         "end": [4.0, 10.0],
    ...         "label": ["speech", "music"],
    ...     }
    ... )
    >>> estimated = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [0.0, 5.0],
    ...         "end": [4.0, 10.0],
    ...         "label": ["speech", "music"],
    ...     }
    ... )
    >>> grid_accuracy(reference, estimated)
    0.9
    """
    true, predicted = grid_labels(reference, estimated, step=step, background=background)
    return float(np.mean(true == predicted))


def grid_labels(
    reference: pd.DataFrame, estimated: pd.DataFrame, *, step: float = 0.1, background: Any = "background"
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Label points in time, for the metrics of scikit-learn.

    The points lie in the middle of steps, from the start of each recording to the end of its last reference event. A
    point has the label of the first event in the table that has begun before it and has not ended before it.

    Parameters
    ----------
    reference, estimated : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label", or other usual names; one row per event. Where
        both tables have paths, "clip" is ignored.
    step : float, default=0.1
        Seconds between points.
    background : str, default="background"
        Label of the points without an event.

    Returns
    -------
    y_true : ndarray of shape (n_points,)
        Labels in the reference, recording by recording.
    y_pred : ndarray of shape (n_points,)
        Labels in the estimate.

    Raises
    ------
    ValueError
        If a table lacks a column, the reference has no events at all or none of a recording, an event ends before it
        starts, or the step is not positive.

    See Also
    --------
    grid_accuracy : The share of points at which both are equal.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.metrics import recall_score
    >>> from sklearn_audio.metrics import grid_labels
    >>> reference = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [0.0, 6.0],
    ...         "end": [4.0, 10.0],
    ...         "label": ["speech", "music"],
    ...     }
    ... )
    >>> estimated = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [0.0, 5.0],
    ...         "end": [4.0, 10.0],
    ...         "label": ["speech", "music"],
    ...     }
    ... )
    >>> y_true, y_pred = grid_labels(reference, estimated)
    >>> len(y_true)
    100
    >>> recall_score(
    ...     y_true, y_pred, average=None, labels=["background", "music", "speech"]
    ... )
    array([0.5, 1. , 1. ])
    """
    if not 0 < step < math.inf:
        raise ValueError(f"step={step!r} must be a positive number of seconds.")
    tables = checked_tables(reference, estimated)
    check_any(tables[0])
    check_known("estimated", tables[1], "clip", tables[0]["clip"].unique(), "reference")
    ends = tables[0].groupby("clip", sort=False)["end"].max()
    sizes = {clip: max(0, math.ceil(end / step - 0.5 - _TINY)) for clip, end in ends.items()}
    if not sum(sizes.values()):
        raise ValueError(f"step={step} is too long: no point lies before the end of an event.")
    true, predicted = (_on_grid(table, sizes, step, background) for table in tables)
    return true, predicted


def _on_grid(table: pd.DataFrame, sizes: dict[Any, int], step: float, background: Any) -> NDArray[Any]:
    points = {clip: np.full(size, background, dtype=object) for clip, size in sizes.items()}
    bounds = np.floor(table[["start", "end"]].to_numpy(np.float64) / step + 0.5 + _TINY).astype(np.int64)
    for clip, label, (first, last) in reversed(list(zip(table["clip"], table["label"], bounds.clip(0), strict=True))):
        points[clip][first:last] = label
    flat = np.concatenate(list(points.values()))
    return np.array(flat.tolist())
