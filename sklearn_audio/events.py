"""Sound events: scores of windows to scores of frames, and scores of frames to a table of events."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import binary_propagation

from sklearn_audio._names import check_name

__all__ = ["find_events", "windows_to_frames"]

Scores = NDArray[Any]
_TINY = 1e-6  # frames; exceeds the rounding of seconds times a frame rate


def find_events(
    scores: Any,
    *,
    frames_per_second: float,
    labels: Any = None,
    threshold: Any = 0.5,
    low_threshold: Any = None,
    median: float = 0.0,
    min_duration: float = 0.0,
    merge_gap: float = 0.0,
) -> pd.DataFrame:
    """Find when each label begins and ends, from scores along time.

    The rules apply in this order: thresholds, median filter, gaps, durations. They take little time, so that many
    values can be tried on scores that were computed once.

    Parameters
    ----------
    scores : Ragged, or iterable of arrays of shape (n_frames, n_labels)
        Scores of each clip, from `AudioTagger.predict_frames` or any other detector; frame k is at
        ``k / frames_per_second`` seconds. An array of shape (n_frames,) has one label. A clip without frames has no
        events, nor has a clip that failed: None, or a single frame of NaN. With `labels`, an iterator is read clip by
        clip.
    frames_per_second : float
        Frame rate in Hz.
    labels : array-like of shape (n_labels,), default=None
        Names of the columns; None numbers them.
    threshold : float, dict of label to float, or array-like of shape (n_labels,), default=0.5
        Smallest score at which a label is active. A dict gives the labels to find; others have no events.
    low_threshold : float, dict of label to float, or array-like of shape (n_labels,), default=None
        Hysteresis: an event reaches `threshold` at some frame, and lasts as long as the score is at least
        `low_threshold`. None, or a label that is not in the dict: equal to `threshold`.
    median : float, default=0.0
        Length in seconds of a median filter over the decisions, rounded to frames; removes isolated frames and short
        gaps. 0: no filter. Without a middle frame, a tie is active.
    min_duration : float, default=0.0
        Drop events shorter than this, in seconds.
    merge_gap : float, default=0.0
        Merge adjacent events of a label if the gap between them is shorter than this, in seconds.

    Returns
    -------
    DataFrame
        One row per event, by clip, label and time, with columns "clip" (row of `scores`), "start" and "end" (seconds),
        "label", and "score" (mean over the frames).

    Raises
    ------
    TypeError, ValueError
        If a parameter or a clip is invalid; the message names the row or the parameter.

    See Also
    --------
    windows_to_frames : Scores of frames from a classifier of windows.
    sklearn_audio.metrics.event_f1 : Compare events with annotations.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import find_events
    >>> scores = np.array([0.1, 0.9, 0.8, 0.4, 0.9, 0.2])
    >>> options = {"frames_per_second": 10, "labels": ["dog"]}
    >>> find_events([scores], **options)[["start", "end", "label"]]
       start  end label
    0    0.1  0.3   dog
    1    0.4  0.5   dog
    >>> find_events([scores], low_threshold=0.3, **options)[
    ...     ["start", "end", "label"]
    ... ]
       start  end label
    0    0.1  0.5   dog
    """
    rate = _checked_rate(frames_per_second)
    clips = _clips(scores)
    if labels is None:
        clips = iter(known := list(clips))
        labels = np.arange(known[0][1].shape[1] if known else 0)
    names = np.asarray(labels)
    if names.ndim != 1:
        raise ValueError(f"labels must be a sequence with one name per column, got {labels!r}.")
    rules = _Rules(
        *_thresholds(threshold, low_threshold, names),
        median=round(_frames("median", median, rate)),
        min_frames=_frames_at_least("min_duration", min_duration, rate),
        merge_frames=_frames_at_least("merge_gap", merge_gap, rate),
    )
    return _table([(row, *event) for row, clip in clips for event in _events(row, clip, rules)], names, rate)


def windows_to_frames(
    scores: Any, spans: Any, *, frames_per_second: float, n_frames: int | None = None
) -> NDArray[np.floating]:
    """Average overlapping windows: the score of a frame is the mean over the windows around it.

    Parameters
    ----------
    scores : array-like of shape (n_windows, n_labels)
        Scores of the windows of one clip.
    spans : array-like of shape (n_windows, 2)
        Start and end of the windows in seconds, such as the columns "start" and "end" of ``segments`` of an embedder.
        They are rounded to frames; a window has at least one.
    frames_per_second : float
        Frame rate in Hz; frame k is at ``k / frames_per_second`` seconds.
    n_frames : int, default=None
        Number of frames; those after the last window repeat the last score. None: until the end of the last window.

    Returns
    -------
    ndarray of shape (n_frames, n_labels)
        Scores of the frames, in the floating-point type of `scores`.

    Raises
    ------
    ValueError
        If a parameter is invalid, or there is a gap between windows.

    See Also
    --------
    find_events : Events from these scores.

    Examples
    --------
    >>> from sklearn_audio.events import windows_to_frames
    >>> windows_to_frames(
    ...     [[0.0], [1.0]], [[0.0, 1.0], [0.5, 1.5]], frames_per_second=4
    ... ).ravel()
    array([0. , 0. , 0.5, 0.5, 1. , 1. ])
    """
    rate = _checked_rate(frames_per_second)
    windows, bounds = _real_array(scores, 2), _real_array(spans, 2)
    if windows is None or bounds is None or len(windows) == 0 or bounds.shape != (len(windows), 2):
        raise ValueError(
            "scores and spans must hold numbers in the shapes (n_windows, n_labels) and (n_windows, 2), with at least "
            f"one window; got {_described(scores)} and {_described(spans)}."
        )
    _check_windows(windows, bounds)
    first, last = np.round(bounds * rate).astype(np.int64).T
    last = np.maximum(last, first + 1)
    total = _checked_total(int(last.max()) if n_frames is None else n_frames)
    return _mean_around(windows, np.minimum(first, total), np.minimum(last, total), rate, total)


def _checked_total(n_frames: Any) -> int:
    if not isinstance(n_frames, Integral) or n_frames < 1:
        raise ValueError(f"n_frames must be a whole number of at least 1, got {n_frames!r}.")
    return int(n_frames)


class _Rules(NamedTuple):
    """Thresholds of the columns, and durations in frames."""

    high: NDArray[np.float64]
    low: NDArray[np.float64]
    median: int
    min_frames: int
    merge_frames: int


def _clips(scores: Any) -> Iterator[tuple[int, Scores]]:
    """Yield row index and validated scores of the clips that have scores.

    Shapes: -> (n_frames, n_labels).
    """
    if isinstance(scores, np.ndarray) and scores.ndim == 2 and scores.dtype != object:
        raise ValueError(
            f"scores is one array of shape {scores.shape}; give [scores] if it is one clip of shape (n_frames, "
            "n_labels), or scores[:, :, None] if each row is a clip with one label."
        )
    return ((row, _checked_clip(row, clip)) for row, clip in enumerate(scores) if clip is not None)


def _checked_clip(row: int, scores: Any) -> Scores:
    clip = _real_array(scores, 1, 2)
    if clip is None:
        raise TypeError(f"row {row}: expected scores of shape (n_frames, n_labels), got {_described(scores)}.")
    failed = len(clip) == 1 and np.isnan(clip).all()  # compares as below every threshold
    if not failed and not np.isfinite(clip).all():
        raise ValueError(f"row {row} contains NaN or infinity. Repair it or leave it out.")
    return clip if clip.ndim == 2 else clip[:, None]  # (n_frames,) -> (n_frames, 1)


def _real_array(values: Any, *ndims: int) -> Scores | None:
    """Return real numbers as an array; None if they are none, or have another number of dimensions."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal length
        return None
    return array if array.ndim in ndims and array.dtype.kind in "biuf" else None


def _described(values: Any) -> str:
    shape = getattr(values, "shape", None)
    return type(values).__name__ if shape is None else f"{type(values).__name__} of shape {tuple(shape)}"


def _checked_rate(frames_per_second: Any) -> float:
    if not isinstance(frames_per_second, Real) or not 0 < float(frames_per_second) < np.inf:
        raise ValueError(f"frames_per_second must be a number above 0, got {frames_per_second!r}.")
    return float(frames_per_second)


def _frames(name: str, seconds: Any, rate: float) -> float:
    if not isinstance(seconds, Real) or not 0 <= float(seconds) < np.inf:
        raise ValueError(f"{name} must be a number of seconds, at least 0, got {seconds!r}.")
    return rate * float(seconds)


def _frames_at_least(name: str, seconds: Any, rate: float) -> int:
    """Return the smallest number of frames that is not shorter than some seconds."""
    return math.ceil(_frames(name, seconds, rate) - _TINY)


def _thresholds(high: Any, low: Any, labels: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    highs = _per_label("threshold", high, labels, np.full(len(labels), np.inf))
    if low is None:
        return highs, highs
    lows = _per_label("low_threshold", low, labels, highs)
    above = np.flatnonzero(lows > highs)
    if len(above):
        i = above[0]
        raise ValueError(
            f"low_threshold is {lows[i]} for label {labels.tolist()[i]!r}, whose threshold is {highs[i]}; give a lower "
            "number."
        )
    return highs, lows


def _per_label(name: str, given: Any, labels: NDArray[Any], missing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one number per label; `missing` has those of the labels that a dict does not name."""
    by_label = isinstance(given, Mapping)
    try:
        numbers = np.asarray(list(given.values()) if by_label else given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, numbers or a dict of numbers by label, got {given!r}.") from error
    if np.isnan(numbers).any():
        raise ValueError(f"{name}={given!r} holds NaN; give numbers.")
    if numbers.shape not in ([(len(given),)] if by_label else [(), labels.shape]):
        raise ValueError(
            f"{name} has shape {numbers.shape}; give one number, one for each of the {len(labels)} labels, "
            "or a dict of numbers by label."
        )
    if not by_label:
        return np.broadcast_to(numbers, labels.shape)
    values = missing.copy()
    for label, number in zip(given, numbers, strict=True):
        check_name("label", label, labels.tolist())
        values[labels == label] = number
    return values


def _events(row: int, scores: Scores, rules: _Rules) -> Iterator[tuple[int, int, int, float]]:
    """Yield label, first frame, frame after the last, and mean score of the events of one clip."""
    if scores.shape[1] != len(rules.high):
        raise ValueError(
            f"row {row}: the frames have {scores.shape[1]} columns, but there are {len(rules.high)} labels; name each "
            "column once."
        )
    high = scores >= rules.high
    low = high if rules.low is rules.high else scores >= rules.low
    for label in np.flatnonzero(high.any(axis=0)):
        active = high[:, label]
        if low is not high:
            active = binary_propagation(active, mask=low[:, label])
        for first, last in _spans(active, rules).tolist():
            yield int(label), first, last, float(scores[first:last, label].mean())


def _spans(active: NDArray[np.bool_], rules: _Rules) -> NDArray[np.intp]:
    """Apply the rules to the decisions on one label.

    Shapes: (n_frames,) -> (n_events, 2), the first frame and the frame after the last.
    """
    if rules.median > 1:
        active = _median(active, rules.median)
    edges = np.flatnonzero(np.diff(active, prepend=False, append=False))
    gaps = edges[1:-1].reshape(-1, 2)  # (2 n_events - 2,) -> (n_events - 1, 2)
    gaps = gaps[gaps[:, 1] - gaps[:, 0] >= rules.merge_frames]
    events = np.concatenate([edges[:1], gaps.ravel(), edges[-1:]]).reshape(-1, 2)
    spans: NDArray[np.intp] = events[events[:, 1] - events[:, 0] >= rules.min_frames]
    return spans


def _median(active: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Return whether at least half of the frames around each frame are active; frames beyond the clip are not."""
    n_active = np.concatenate([[0], np.cumsum(active)])
    frames = np.arange(len(active))
    first, last = np.maximum(frames - size // 2, 0), np.minimum(frames + (size + 1) // 2, len(active))
    majority: NDArray[np.bool_] = 2 * (n_active[last] - n_active[first]) >= size
    return majority


def _table(found: list[tuple[int, int, int, int, float]], labels: NDArray[Any], rate: float) -> pd.DataFrame:
    row, label, first, last, score = np.array(found, dtype=np.float64).reshape(-1, 5).T
    columns = (row.astype(np.int64), first / rate, last / rate, labels[label.astype(np.intp)], score)
    return pd.DataFrame(dict(zip(("clip", "start", "end", "label", "score"), columns, strict=True)))


def _check_windows(windows: Scores, spans: NDArray[np.float64]) -> None:
    broken = np.flatnonzero(~np.isfinite(windows).all(axis=1))
    if len(broken):
        raise ValueError(f"row {broken[0]} of scores contains NaN or infinity. Repair it or leave it out.")
    start, end = spans.T
    backwards = np.flatnonzero(~((start >= 0) & (start <= end) & (end < np.inf)))
    if len(backwards):
        i = backwards[0]
        raise ValueError(f"row {i} of spans runs from {start[i]} to {end[i]} s; expected 0 <= start <= end.")


def _mean_around(
    windows: Scores, first: NDArray[np.int64], last: NDArray[np.int64], rate: float, n_frames: int
) -> Scores:
    """Average the windows around each frame.

    Shapes: windows (n_windows, n_labels), first, last (n_windows,) -> (n_frames, n_labels).
    """
    edges, means = means_between_edges(windows, first, last)
    gaps = np.flatnonzero(np.isnan(means[:, :1]))
    if len(gaps):
        raise ValueError(
            f"no window covers the frame at {edges[gaps[0]] / rate:g} s; give windows without gaps between them, from "
            "0 s on."
        )
    n_repeats = np.diff(edges)
    n_repeats[-1] += n_frames - edges[-1]
    return np.repeat(means.astype(windows.dtype if windows.dtype.kind == "f" else np.float64), n_repeats, axis=0)


def means_between_edges(
    windows: Scores, first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Average the windows between each two of their edges, and 0; NaN in gaps.

    Shapes: windows (n_windows, n_labels), first, last (n_windows,) -> (n_spans + 1,), (n_spans, n_labels).
    """
    edges = np.unique(np.concatenate([[0], first, last]))
    sums, counts = np.zeros((len(edges) - 1, windows.shape[1])), np.zeros(len(edges) - 1, dtype=np.int64)
    for window, start, end in zip(windows, np.searchsorted(edges, first), np.searchsorted(edges, last), strict=True):
        sums[start:end] += window
        counts[start:end] += 1
    return edges, np.divide(sums, counts[:, None], out=np.full_like(sums, np.nan), where=counts[:, None] > 0)
