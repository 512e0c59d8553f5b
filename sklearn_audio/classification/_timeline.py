"""From scores per frame to events: threshold, smoothing, and rules about short events and short gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

__all__ = ["EventRules", "Interval", "find_events"]


class EventRules(NamedTuple):
    """How scores become events.

    Attributes
    ----------
    threshold : ndarray of float, shape (n_labels,)
        A label is active where its score reaches this.
    median : int
        Frames of the median filter over the decisions; 1 does nothing.
    min_frames : int
        Shorter events are dropped.
    merge_frames : int
        Shorter gaps between events of a label are closed, before short events are dropped.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.classification._timeline import EventRules
    >>> EventRules(np.array([0.5]), median=1, min_frames=0, merge_frames=0).median
    1
    """

    threshold: NDArray[np.float64]
    median: int
    min_frames: int
    merge_frames: int


class Interval(NamedTuple):
    """An event, in frames.

    Attributes
    ----------
    label : int
        Column of the scores.
    first, last : int
        First frame, and the first frame behind it.
    score : float
        Mean score within.

    Examples
    --------
    >>> from sklearn_audio.classification._timeline import Interval
    >>> Interval(0, 3, 5, 0.8).last
    5
    """

    label: int
    first: int
    last: int
    score: float


def find_events(scores: NDArray[np.float32], rules: EventRules) -> Iterator[Interval]:
    """Find the events of one clip.

    Parameters
    ----------
    scores : ndarray of float, shape (n_frames, n_labels)
        Scores of the frames.
    rules : EventRules
        How scores become events.

    Yields
    ------
    Interval
        Label by label, in time.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.classification._timeline import EventRules, find_events
    >>> scores = np.array([[0.1], [0.9], [0.7], [0.2]])
    >>> [event[1:3] for event in find_events(scores, EventRules(np.array([0.5]), 1, 0, 0))]
    [(1, 3)]
    """
    for label in np.flatnonzero((scores >= rules.threshold).any(axis=0)):
        column = scores[:, label]
        active = column >= rules.threshold[label]
        if rules.median > 1:
            active = median_filter(active.astype(np.uint8), rules.median, mode="constant").astype(bool)
        for first, last in _merged(_runs(active), rules.merge_frames):
            if last - first >= rules.min_frames:
                yield Interval(int(label), first, last, float(column[first:last].mean()))


def _runs(active: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First frame of each run of active frames, and the first frame behind it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]])))
    for first, last in edges.reshape(-1, 2):  # (2 n,) -> (n, 2)
        yield int(first), int(last)


def _merged(runs: Iterator[tuple[int, int]], gap: int) -> Iterator[tuple[int, int]]:
    before: tuple[int, int] | None = None
    for run in runs:
        if before is not None and run[0] - before[1] < gap:
            before = (before[0], run[1])
        else:
            if before is not None:
                yield before
            before = run
    if before is not None:
        yield before
