"""A threshold per label for the frames of recordings, each scored by a classifier that has not seen it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio.events import windows_to_frames
from sklearn_audio.metrics._best_threshold import best_threshold

__all__ = ["best_thresholds", "fold_of_groups", "out_of_fold"]

Scores = NDArray[np.float64]


def fold_of_groups(presence: NDArray[np.bool_], n_folds: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    """Deal groups to folds, so that each label is in as many folds as can be; rare labels are dealt first.

    Shapes: presence (n_groups, n_labels), whether a label is in a group -> (n_groups,).
    """
    kinds = np.column_stack([presence, ~presence.any(axis=1)])  # the last: groups without labels
    rarest = np.where(kinds, kinds.sum(axis=0), np.inf).argmin(axis=1)
    order = rng.permutation(len(kinds))
    order = order[np.argsort(kinds.sum(axis=0)[rarest[order]], kind="stable")]
    folds, counts = np.empty(len(kinds), dtype=np.int64), np.zeros((n_folds, kinds.shape[1]))
    for group in order:
        folds[group] = np.lexsort((counts.sum(axis=1), counts[:, rarest[group]]))[0]
        counts[folds[group]] += kinds[group]
    return folds


def out_of_fold(
    fold: NDArray[np.int64], n_labels: int, score: Callable[[NDArray[np.bool_]], tuple[Scores, list[int]]]
) -> Scores:
    """Score the windows of each fold with what `score` learns from the others: scores, and the labels they are of.

    Shapes: fold (n_windows,) -> (n_windows, n_labels).
    """
    scores = np.zeros((len(fold), n_labels))
    for number in np.unique(fold):
        is_left_out = fold == number
        found, labels = score(is_left_out)
        scores[is_left_out] = found.min(initial=0.0)  # of labels that the others lack
        scores[np.ix_(is_left_out, labels)] = found
    return scores


def best_thresholds(
    scores: Scores,
    clip: NDArray[np.int64],
    spans: NDArray[np.float64],
    events: pd.DataFrame,
    labels: list[str],
    rate: float,
) -> Scores:
    """Find the thresholds of the best F1 over the frames; NaN for a label without events.

    Shapes: scores (n_windows, n_labels), clip (n_windows,), spans (n_windows, 2) -> (n_labels,).
    """
    frames, truth = [], []
    for row in np.unique(clip):
        here = clip == row
        frames.append(windows_to_frames(scores[here], spans[here], frames_per_second=rate))
        truth.append(_active(events[events["clip"] == row], labels, len(frames[-1]), rate))
    columns = zip(np.concatenate(truth).T, np.concatenate(frames).T, strict=True)
    return np.array([best_threshold(*column)[0] if column[0].any() else np.nan for column in columns])


def _active(events: pd.DataFrame, labels: list[str], n_frames: int, rate: float) -> NDArray[np.bool_]:
    """Mark the frames whose middle is in an event.

    Shapes: -> (n_frames, n_labels).
    """
    active = np.zeros((n_frames, len(labels)), dtype=bool)
    middles = (np.arange(n_frames) + 0.5) / rate
    for start, end, label in zip(events["start"], events["end"], events["label"], strict=True):
        active[:, labels.index(label)] |= (middles >= start) & (middles < end)
    return active
