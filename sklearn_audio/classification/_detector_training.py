"""Training of a detector: windows of annotated recordings, the classifier, and its thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_audio.classification._event_thresholds import best_thresholds, fold_of_groups, out_of_fold
from sklearn_audio.classification._event_windows import AnnotatedWindows, LabelRules, Mixing, read_windows
from sklearn_audio.classification._split_steps import SplitSteps
from sklearn_audio.engine import Windowing, class_names, score_windows, scores_of

__all__ = ["TrainingOptions", "train", "tune_prefit"]


class TrainingOptions(NamedTuple):
    """The parameters of a detector that concern its training; without folds, no thresholds are tuned."""

    overlap: float
    min_level: float
    background: str | None
    max_background: float | None
    mix: tuple[float, float] | None
    n_folds: int | None
    batch_size: int
    rng: np.random.RandomState

    @property
    def rules(self) -> LabelRules:
        """The rules by which windows get labels."""
        return LabelRules(self.overlap, self.min_level, self.max_background, self.background is None)


@dataclass(frozen=True)
class TrainingSet:
    """Rows for the steps that learn, what they are to learn, and the recording of each.

    Shapes: y (n,) or (n, n_labels), clip (n,).
    """

    rows: list[Any]
    y: NDArray[Any]
    clip: NDArray[np.int64]

    def fitted(self, split: SplitSteps, rows: NDArray[np.intp]) -> Any:
        """Fit a clone of the steps that learn to some of the rows."""
        return clone(split.others).fit(split.stacked([self.rows[row] for row in rows.tolist()]), self.y[rows])


def train(
    estimator: Any, windowing: Windowing, events: pd.DataFrame, groups: Any, options: TrainingOptions
) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
    """Return the fitted estimator, its labels and their thresholds."""
    events = events[events["label"] != options.background]
    labels = sorted(set(events["label"]))
    if not labels:
        raise ValueError("the annotations hold no events; give at least one, with its label.")
    group = _groups(groups, windowing)
    if options.n_folds is not None and len(np.unique(group)) < 2:
        raise ValueError(
            "threshold='tune' needs two groups of recordings at least, so that thresholds are chosen on recordings "
            "that the classifier has not seen. Give more recordings, or threshold=, such as 0.5."
        )
    split = SplitSteps.of(estimator)
    windows = read_windows(windowing, split.rows, options.batch_size).labelled(events, labels, options.rules)
    training = _training_set(split, windowing, windows, labels, options)
    thresholds = None
    if options.n_folds is not None:
        thresholds = _tuned(split, windowing, windows, training, events, labels, group, options)
    fitted = split.joined(training.fitted(split, np.arange(len(training.rows))))
    return fitted, np.array(labels), thresholds


def _groups(groups: Any, windowing: Windowing) -> NDArray[np.int64]:
    """Number the groups of the rows of X; parts of one file are one group.

    Shapes: -> (n_clips,).
    """
    clips = windowing.clips
    if groups is None:
        places = [clips.place(row)[0] for row in range(len(clips))]
        groups = [str(row) if path is None else f"path {path}" for row, path in enumerate(places)]
    if len(groups) != len(clips):
        raise ValueError(f"groups has {len(groups)} entries, but X has {len(clips)} rows; give one for each.")
    return np.asarray(pd.factorize(np.asarray(groups))[0], dtype=np.int64)


def _training_set(
    split: SplitSteps, windowing: Windowing, windows: AnnotatedWindows, labels: list[str], options: TrainingOptions
) -> TrainingSet:
    chosen = windows.chosen(options.rules, options.rng)
    missing = np.flatnonzero(~(windows.present & windows.is_used[:, None]).any(axis=0))
    if len(missing):
        alone = "" if options.background is None else ", or background=None where labels share their windows"
        raise ValueError(
            f"the label {labels[missing[0]]!r} has no window to learn from: its events cover less than "
            f"overlap={options.overlap:g} of every window, or share their windows. Give a shorter window or hop{alone}."
        )
    rows, places = [windows.rows[row] for row in chosen.tolist()], chosen
    if options.mix is not None:
        with_events = chosen[windows.is_used[chosen]]
        mixing = Mixing(windowing, windows, options.mix, options.rng)
        rows += mixing.rows(with_events, split.rows, options.batch_size)
        places = np.concatenate([chosen, with_events])
    return TrainingSet(rows, _targets(windows, places, labels, options.background), windows.clip[places])


def _targets(
    windows: AnnotatedWindows, places: NDArray[np.int64], labels: list[str], background: str | None
) -> NDArray[Any]:
    present = windows.present[places] & windows.is_used[places, None]
    if background is None:
        return present.astype(np.int64)
    return np.array([*labels, background])[np.where(present.any(axis=1), present.argmax(axis=1), len(labels))]


def _tuned(
    split: SplitSteps,
    windowing: Windowing,
    windows: AnnotatedWindows,
    training: TrainingSet,
    events: pd.DataFrame,
    labels: list[str],
    group: NDArray[np.int64],
    options: TrainingOptions,
) -> NDArray[np.float64]:
    """Tune thresholds on recordings that the classifier of their fold has not seen."""
    in_group = np.array(
        [windows.present[group[windows.clip] == number].any(axis=0) for number in range(group.max() + 1)]
    )
    fold = fold_of_groups(in_group, min(options.n_folds or 2, len(in_group)), options.rng)[group]  # of each clip

    def score(is_left_out: NDArray[np.bool_]) -> tuple[NDArray[np.float64], list[int]]:
        number = fold[windows.clip[is_left_out][0]]
        model = training.fitted(split, np.flatnonzero(fold[training.clip] != number))
        rows = [windows.rows[row] for row in np.flatnonzero(is_left_out)]
        found = scores_of(model)(split.stacked(rows))
        if options.background is None:
            return found, list(range(len(labels)))
        classes = model.classes_.tolist()
        known = [code for code, label in enumerate(labels) if label in classes]
        return found[:, [classes.index(labels[code]) for code in known]], known

    scores = out_of_fold(fold[windows.clip], len(labels), score)
    found = best_thresholds(scores, windows.clip, windows.spans, events, labels, 1 / windowing.grid.hop)
    return np.where(np.isnan(found) | (in_group.sum(axis=0) < 2), _middle(split.others), found)


def tune_prefit(
    estimator: Any, windowing: Windowing, events: pd.DataFrame, labels: NDArray[Any], batch_size: int
) -> NDArray[np.float64]:
    """Tune the thresholds of a fitted estimator."""
    columns = np.isin(class_names(estimator), labels)
    clips = list(score_windows(estimator, windowing, batch_size))
    scores = np.concatenate([np.stack(clip.values)[:, columns] for clip in clips]).astype(np.float64)
    spans = np.concatenate([np.array(clip.spans) for clip in clips])
    clip = np.repeat(np.arange(len(clips)), [len(clip.spans) for clip in clips])
    found = best_thresholds(scores, clip, spans, events, labels.tolist(), 1 / windowing.grid.hop)
    return np.where(np.isnan(found), _middle(estimator), found)


def _middle(estimator: Any) -> float:
    return 0.5 if hasattr(estimator, "predict_proba") else 0.0
