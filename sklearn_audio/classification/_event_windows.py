"""Training windows of annotated recordings: which label each has, which are used, and mixtures of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio.engine import Window, Windowing, window_values
from sklearn_audio.validation import check_audio

__all__ = ["AnnotatedWindows", "LabelRules", "Mixing", "read_windows"]

_TINY = 1e-9  # exceeds the rounding of seconds
_MOST_BACKGROUNDS = 256
_QUIETEST = 1e-9  # of a background, whose level is divided by

Rows = Callable[[list[Window]], list[Any]]


class LabelRules(NamedTuple):
    """The rules by which windows get labels: see `SoundEventDetector`."""

    overlap: float
    min_level: float
    max_background: float | None
    is_multilabel: bool


@dataclass(frozen=True)
class AnnotatedWindows:
    """Windows of all recordings, one after the other: rows for an estimator, places, levels and labels.

    `is_used` says which have a label worth learning, `is_free` which no event touches.
    Shapes: clip (n,), spans (n, 2), levels (n,), present (n, n_labels), is_used (n,), is_free (n,).
    """

    rows: list[Any]
    clip: NDArray[np.int64]
    spans: NDArray[np.float64]
    levels: NDArray[np.float64]
    number: NDArray[np.int64]
    present: NDArray[np.bool_]
    is_used: NDArray[np.bool_]
    is_free: NDArray[np.bool_]

    def labelled(self, events: pd.DataFrame, labels: Sequence[str], rules: LabelRules) -> AnnotatedWindows:
        """Give the windows their labels; events with other labels count as no events."""
        present = np.zeros((len(self.clip), len(labels)), dtype=bool)
        is_used, is_free = np.zeros(len(self.clip), dtype=bool), np.ones(len(self.clip), dtype=bool)
        for clip, of_clip in events[events["label"].isin(labels)].groupby("clip"):
            here = np.flatnonzero(self.clip == clip)
            codes = of_clip["label"].map(list(labels).index).to_numpy(np.int64)
            holds, is_loud, touches = _compared(
                self.spans[here], self.levels[here], of_clip[["start", "end"]].to_numpy(np.float64), rules
            )
            for code in np.unique(codes):
                present[here, code] = holds[:, codes == code].any(axis=1)
            is_used[here], is_free[here] = is_loud.any(axis=1), ~touches.any(axis=1)
        if not rules.is_multilabel:
            is_used &= present.sum(axis=1) == 1
        return replace(self, present=present, is_used=is_used, is_free=is_free)

    def chosen(self, rules: LabelRules, rng: np.random.RandomState) -> NDArray[np.int64]:
        """Choose the windows to learn from: those with a usable label, and some of those without events."""
        used, free = np.flatnonzero(self.is_used), np.flatnonzero(self.is_free)
        if rules.max_background is not None:
            n_most = int(np.ceil(rules.max_background * len(used)))
            if len(free) > n_most:
                free = rng.choice(free, n_most, replace=False)
        return np.sort(np.concatenate([used, free]))


def _compared(
    spans: NDArray[np.float64], levels: NDArray[np.float64], events: NDArray[np.float64], rules: LabelRules
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Compare windows with events: which hold them, which hold them loudly enough, and which touch them.

    Shapes: spans (n, 2), levels (n,), events (m, 2) -> three times (n, m).
    """
    start, end = spans[:, :1], spans[:, 1:]
    shared = np.minimum(end, events[:, 1]) - np.maximum(start, events[:, 0])
    touches = shared > _TINY
    holds = touches & (shared >= rules.overlap * np.minimum(end - start, events[:, 1] - events[:, 0]) - _TINY)
    loudest = np.where(holds, levels[:, None], 0.0).max(axis=0, initial=0.0)
    return holds, holds & (levels[:, None] >= rules.min_level * loudest), touches


def read_windows(windowing: Windowing, rows: Rows, batch_size: int) -> AnnotatedWindows:
    """Read all windows, still without labels."""

    def read(windows: list[Window]) -> list[tuple[Any, float]]:
        return list(zip(rows(windows), map(_level, windows), strict=True))

    clips = list(window_values(read, windowing, batch_size))
    n_windows = [len(clip.spans) for clip in clips]
    values = [value for clip in clips for value in clip.values]
    n = len(values)
    return AnnotatedWindows(
        [row for row, _ in values],
        np.repeat(np.arange(len(clips)), n_windows),
        np.array([span for clip in clips for span in clip.spans], dtype=np.float64).reshape(-1, 2),
        np.array([level for _, level in values]),
        np.concatenate([np.arange(number) for number in n_windows]) if n_windows else np.empty(0, dtype=np.int64),
        np.zeros((n, 0), dtype=bool),
        np.zeros(n, dtype=bool),
        np.ones(n, dtype=bool),
    )


def _level(window: Window) -> float:
    return float(np.sqrt(np.mean(np.square(window.samples, dtype=np.float64))))


@dataclass(frozen=True)
class Mixing:
    """Windows with events over random windows without, at a signal-to-noise ratio drawn from a range in dB."""

    windowing: Windowing
    windows: AnnotatedWindows
    range_db: tuple[float, float]
    rng: np.random.RandomState

    def rows(self, chosen: NDArray[np.int64], rows: Rows, batch_size: int) -> list[Any]:
        """Read the chosen windows again, mix them, and pass them through the first steps."""
        pool = self._backgrounds(batch_size)
        mixed: list[Any] = []

        def mix(windows: list[Window]) -> None:
            if windows:
                mixed.extend(rows([self._mixed(window, pool) for window in windows]))

        self._visit(chosen, mix, batch_size)
        return mixed

    def _visit(self, chosen: NDArray[np.int64], function: Callable[[list[Window]], None], batch_size: int) -> None:
        """Call a function with the chosen windows, in their order."""
        places = zip(self.windows.clip[chosen].tolist(), self.windows.number[chosen].tolist(), strict=True)
        wanted = set(places)

        def visit(windows: list[Window]) -> list[None]:
            function([window for window in windows if (window.row, window.number) in wanted])
            return [None] * len(windows)

        clips = np.unique(self.windows.clip[chosen]).tolist()
        for _ in window_values(visit, replace(self.windowing, rows=clips), batch_size):
            pass

    def _backgrounds(self, batch_size: int) -> list[Window]:
        free = np.flatnonzero(self.windows.is_free & (self.windows.levels > 0))
        if not len(free):
            raise ValueError(
                f"mix={self.range_db!r} needs windows without events, and there are none; add recordings of the "
                "background to X, or leave mix at None."
            )
        if len(free) > _MOST_BACKGROUNDS:
            free = np.sort(self.rng.choice(free, _MOST_BACKGROUNDS, replace=False))
        pool: list[Window] = []
        self._visit(free, pool.extend, batch_size)
        return pool

    def _mixed(self, window: Window, pool: list[Window]) -> Window:
        background = pool[self.rng.randint(len(pool))]
        ratio = 10 ** (-self.rng.uniform(*self.range_db) / 20)
        noise = background.samples
        if background.rate != window.rate:
            noise = check_audio([(noise, background.rate)], round(window.rate))[0]
        noise = np.resize(noise, window.size)
        gain = np.float32(_level(window) * ratio / max(_level(background._replace(samples=noise)), _QUIETEST))
        return window._replace(samples=window.samples + gain * noise)
