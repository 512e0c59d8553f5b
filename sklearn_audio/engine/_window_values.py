"""Windows of recordings, cut in one pass over each, through a function that takes those of several clips at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._caller import warn_caller
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine._clips import ClipErrors, OnError, ordered_streams
from sklearn_audio.validation import AudioClips

__all__ = ["ClipWindows", "Window", "WindowGrid", "WindowRows", "Windowing", "window_values"]

_SHOWN_CLIPS = 5


class Window(NamedTuple):
    """A part of a clip: its first timepoint, its samples, its number, and the row of X."""

    first: int
    samples: NDArray[np.float32]
    rate: float
    number: int = 0
    row: int = 0

    @property
    def size(self) -> int:
        """Number of timepoints."""
        return self.samples.size

    @property
    def span(self) -> tuple[float, float]:
        """Start and end in seconds of the clip."""
        return self.first / self.rate, (self.first + self.size) / self.rate

    def as_clip(self) -> dict[str, Any]:
        """Return the window as a row of X."""
        return {"array": self.samples, "sampling_rate": self.rate}


class WindowGrid(NamedTuple):
    """Windows of some seconds, one every `hop` seconds from the start of a clip on."""

    window: float
    hop: float

    def start(self, index: int, rate: float) -> int:
        """Return the first timepoint of a window; it does not drift."""
        return round(index * self.hop * rate)

    def cut(self, blocks: Iterator[NDArray[np.float32]], rate: float) -> Iterator[Window]:
        """Cut a clip; a rest that no whole window covers is a shorter window, and so is a short clip."""
        size = max(1, round(self.window * rate))
        held, first, index, covered = np.empty(0, dtype=np.float32), 0, 0, 0
        for block in blocks:
            held = np.concatenate([held, block])
            while (start := self.start(index, rate)) + size <= first + len(held):
                covered = start + size
                yield Window(start, held[start - first : covered - first].copy(), rate, index)
                index += 1
            n_used = min(max(0, start - first), len(held))
            held, first = held[n_used:], first + n_used
        end, start = first + len(held), self.start(index, rate)
        if end > max(covered, start):
            yield Window(start, held[start - first :].copy(), rate, index)


class WindowRows(list[dict[str, Any]]):
    """Windows as rows of X; an embedder also sees their places, and shares what overlapping ones have in common."""

    def __init__(self, windows: list[Window]) -> None:
        super().__init__(window.as_clip() for window in windows)
        self.windows = windows


@dataclass
class ClipWindows:
    """The windows of one clip and what the function returned for them; both empty if the clip failed.

    Shapes: spans (n_windows, 2), values (n_windows, ...).
    """

    spans: list[tuple[float, float]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    is_whole: bool = False  # no window is still to come


@dataclass(frozen=True)
class Windowing:
    """Clips, their grid, and how they are read; a rate of None keeps that of each clip."""

    clips: AudioClips
    grid: WindowGrid
    rate: int | None = None
    rows: Sequence[int] | None = None  # of X; None: all
    n_jobs: int | None = None
    on_error: OnError = "raise"
    verbose: int = 0
    description: str = "windows"

    def windows(self, row: int) -> Iterator[Window]:
        """Cut one clip, while it is read."""
        rate = self.clips.measure(row)[1] if self.rate is None else self.rate
        for window in self.grid.cut(self.clips.at_rate(rate).stream(row), rate):
            yield window._replace(row=row)

    def rows_read(self) -> Sequence[int]:
        """Return the rows of X that are read, in their order."""
        return range(len(self.clips)) if self.rows is None else self.rows

    def stated_seconds(self) -> float | None:
        """Sum up the durations that the headers state; None if one is unknown, or nobody wants to know."""
        if not self.verbose:
            return None
        seconds = [self.clips.stated_seconds(row) for row in self.rows_read()]
        return None if None in seconds else round(sum(second for second in seconds if second is not None), 1)


def window_values(
    function: Callable[[list[Window]], Sequence[Any] | NDArray[Any]],
    windowing: Windowing,
    batch_size: int,
) -> Iterator[ClipWindows]:
    """Yield clip after clip what a function of windows, with one value for each, returns.

    Windows of several clips share a call; at most a batch of them waits.
    """
    clips, errors = windowing.clips, ClipErrors(windowing.on_error)
    queue = _Queue(function, clips, batch_size)
    short: list[str] = []

    def start(row: int) -> tuple[int, Iterator[Window]]:
        return row, windowing.windows(row)

    streams = closing(ordered_streams(start, windowing.rows_read(), windowing.n_jobs))
    total, shown = windowing.stated_seconds(), windowing.verbose
    bar = progress_bar(total=total, description=windowing.description, unit="s of sound", shown=shown)
    with streams as rows, bar:
        for row, windows in rows:
            job = queue.open()
            try:
                for window in windows:
                    bar.update(window.span[1] - (job.spans[-1][1] if job.spans else 0.0))
                    queue.add(job, window)
            except errors.caught as error:
                errors.add(row, error)
                queue.discard(job)
            if len(job.spans) == 1 and job.spans[0][1] < windowing.grid.window - 0.5 / window.rate:
                short.append(f"{clips.describe(row)}, {job.spans[0][1]:.3g} s")
            job.is_whole = True
            yield from queue.finished()
        queue.run()
        yield from queue.finished()
    errors.warn()
    _warn_of_short(short, windowing.grid.window)


def _warn_of_short(short: list[str], window: float) -> None:
    if short:
        more = f" and {len(short) - _SHOWN_CLIPS} more" if len(short) > _SHOWN_CLIPS else ""
        warn_caller(
            f"{len(short)} clip(s) are shorter than window={window:g} s: {'; '.join(short[:_SHOWN_CLIPS])}{more}. Each "
            "is one window, which the estimator fills by its own rule."
        )


class _Queue:
    """Windows that wait for a full batch, and the clips that they belong to, in the order of X."""

    def __init__(self, function: Callable[..., Any], clips: AudioClips, batch_size: int) -> None:
        self._function = function
        self._clips = clips
        self._batch_size = batch_size
        self._jobs: deque[ClipWindows] = deque()
        self._waiting: list[tuple[ClipWindows, Window]] = []

    def open(self) -> ClipWindows:
        """Begin the next clip."""
        self._jobs.append(ClipWindows())
        return self._jobs[-1]

    def add(self, job: ClipWindows, window: Window) -> None:
        job.spans.append(window.span)
        self._waiting.append((job, window))
        if len(self._waiting) >= self._batch_size:
            self.run()

    def discard(self, job: ClipWindows) -> None:
        """Leave a clip that failed without windows."""
        self._waiting = [entry for entry in self._waiting if entry[0] is not job]
        job.spans, job.values = [], []

    def run(self) -> None:
        if not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        try:
            values = self._function([window for _, window in batch])
        except (ValueError, TypeError) as error:
            places = [f"{self._clips.describe(window.row)} at {window.span[0]:g} s" for _, window in batch]
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"the windows from {places[0]} to {places[-1]}: {error}") from error
        for (job, _), value in zip(batch, values, strict=True):
            job.values.append(value)

    def finished(self) -> Iterator[ClipWindows]:
        """Yield the clips, from the first on, all of whose windows went through the function."""
        while self._jobs and self._jobs[0].is_whole and len(self._jobs[0].values) == len(self._jobs[0].spans):
            yield self._jobs.popleft()
