"""`events_from_frames`: scores along time to a table of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._names import check_name
from sklearn_audio.classification._timeline import EventRules, find_events
from sklearn_audio.validation import check_sequences

__all__ = ["Threshold", "event_rules", "event_table", "events_from_frames"]

Threshold = Any
_COLUMNS = ["clip", "start", "end", "label", "score"]


def events_from_frames(
    frames: Any,
    threshold: Threshold = 0.5,
    *,
    labels: Any = None,
    frames_per_second: float = 100.0,
    median: float = 0.0,
    min_duration: float = 0.0,
    merge_gap: float = 0.0,
) -> pd.DataFrame:
    """Find when each label begins and ends, from scores along time.

    The scores are computed once, by `AudioTagger.predict_frames` or any other detector; then thresholds and filters can
    be tried at no cost.

    Parameters
    ----------
    frames : Ragged, or list of arrays of shape (n_frames, n_labels)
        Scores of each clip; frame k is at ``k / frames_per_second`` seconds. A clip of one frame of NaN, which stands
        for one that could not be read, has no events.
    threshold : float, dict of str to float, or array-like of shape (n_labels,), default=0.5
        Score from which on a label is active; a dict names the labels that are looked for.
    labels : array-like of shape (n_labels,), default=None
        Names of the columns; None numbers them.
    frames_per_second : float, default=100.0
        Frames in a second, 100 of `AudioTagger`.
    median : float, default=0.0
        Seconds of a median filter over the decisions, which drops what is alone; 0 is none.
    min_duration : float, default=0.0
        Seconds; shorter events are dropped, after gaps were closed.
    merge_gap : float, default=0.0
        Seconds; shorter gaps between events of a label are closed.

    Returns
    -------
    DataFrame
        Columns "clip" (row of `frames`), "start", "end" (seconds), "label" and "score" (mean within), one row per
        event; per clip, label by label.

    Raises
    ------
    TypeError, ValueError
        If a parameter or a row is not admissible, or a label is unknown.

    See Also
    --------
    sklearn_audio.metrics.event_f1 : Score events.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.classification import events_from_frames
    >>> scores = np.array([[0.1], [0.9], [0.8], [0.3], [0.9]])
    >>> events_from_frames([scores], 0.5, labels=["dog"], frames_per_second=10)[["start", "end", "label"]]
       start  end label
    0    0.1  0.3   dog
    1    0.4  0.5   dog
    """
    if not isinstance(frames_per_second, Real) or not 0 < float(frames_per_second) < np.inf:
        raise ValueError(f"frames_per_second must be a number above 0, got {frames_per_second!r}.")
    scores = check_sequences(frames, allow_failed=True)
    names = np.arange(scores.item_shape[0]) if labels is None else np.asarray(labels)
    if names.shape != scores.item_shape:
        raise ValueError(
            f"labels names {len(names)} columns, but the frames have {scores.item_shape[0]}; name each column once."
        )
    rules = event_rules(threshold, names, float(frames_per_second), median, min_duration, merge_gap)
    clips = (None if np.isnan(clip).any() else clip for clip in scores)
    return event_table(clips, rules, names, float(frames_per_second))


def event_table(
    scores: Iterable[NDArray[Any] | None], rules: EventRules, labels: NDArray[Any], frames_per_second: float
) -> pd.DataFrame:
    """Find the events of clips one by one; None is a clip without scores."""
    rows = [
        (clip, event.first / frames_per_second, event.last / frames_per_second, labels[event.label], event.score)
        for clip, frames in enumerate(scores)
        if frames is not None
        for event in find_events(frames, rules)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def event_rules(
    threshold: Threshold,
    labels: NDArray[Any],
    frames_per_second: float,
    median: float,
    min_duration: float,
    merge_gap: float,
) -> EventRules:
    """Check what a user says in seconds and by label, and count it in frames and by column."""
    seconds = {"median": median, "min_duration": min_duration, "merge_gap": merge_gap}
    return EventRules(_thresholds(threshold, labels), *_in_frames(seconds, frames_per_second))


def _in_frames(seconds: dict[str, Any], frames_per_second: float) -> Iterator[int]:
    for name, value in seconds.items():
        if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            raise ValueError(f"{name} must be a number of seconds, at least 0, got {value!r}.")
        yield round(frames_per_second * float(value))


def _thresholds(threshold: Threshold, labels: NDArray[Any]) -> NDArray[np.float64]:
    if isinstance(threshold, Mapping):
        thresholds = np.full(len(labels), np.inf)
        for label, value in threshold.items():
            check_name("label", label, labels.tolist())
            thresholds[labels == label] = value
    else:
        thresholds = np.asarray(threshold, dtype=np.float64)
        if thresholds.shape not in ((), labels.shape):
            raise ValueError(
                f"threshold has shape {thresholds.shape}; give one number, one for each of the {len(labels)} labels, "
                "or a dict of numbers by label."
            )
    if np.isnan(thresholds).any():
        raise ValueError(f"threshold={threshold!r} holds NaN; give numbers.")
    return np.broadcast_to(thresholds, labels.shape)
