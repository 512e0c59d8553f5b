"""From scores per frame to events: threshold, smoothing, and rules about short events and short gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

__all__ = ["EventRules", "Interval", "find_events"]


class EventRules(NamedTuple):
    """Rules that turn scores into events."""

    threshold: NDArray[np.float64]
    median: int
    min_frames: int
    merge_frames: int


class Interval(NamedTuple):
    """An event, in frames."""

    label: int
    first: int
    last: int
    score: float


def find_events(scores: NDArray[np.float32], rules: EventRules) -> Iterator[Interval]:
    """Find the events of one clip.

    Shapes: scores (n_frames, n_labels).
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
