"""Computation over clips: in background threads, with bounded memory, and one rule for rows that fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from threading import Condition
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import DTypeLike, NDArray

from sklearn_audio._caller import warn_caller
from sklearn_audio._progress import progress_bar
from sklearn_audio._threads import submit_in_order
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import all_finite
from sklearn_audio.ragged import Ragged, RaggedBuilder
from sklearn_audio.validation import AudioClips

__all__ = ["ClipErrors", "OnError", "check_output", "collect_rows", "ordered_streams"]

OnError = Literal["raise", "nan"]
Parts = Iterator[NDArray[Any]]
_ROW_ERRORS = (AudioReadError, ValueError, TypeError)


class ClipErrors:
    """Failed rows, and the warning that lists them."""

    def __init__(self, on_error: OnError) -> None:
        self.caught: tuple[type[Exception], ...] = _ROW_ERRORS if on_error == "nan" else ()
        self.rows: list[int] = []
        self._reasons: list[str] = []

    def add(self, row: int, error: Exception) -> None:
        """Remember a failed row."""
        self.rows.append(row)
        self._reasons.append(str(error))

    def warn(self) -> None:
        """Warn once about all failed rows, if there are any."""
        if self.rows:
            listed = "\n".join(f"  {reason}" for _, reason in sorted(zip(self.rows, self._reasons, strict=True)))
            warn_caller(f"{len(self.rows)} clip(s) could not be used and became NaN:\n{listed}")


def collect_rows(
    clips: AudioClips,
    extract: Callable[[int], Parts],
    *,
    item_shape: Sequence[int],
    dtype: DTypeLike = np.float32,
    complete: Callable[[NDArray[Any]], None] | None = None,
    n_jobs: int | None = None,
    on_error: OnError = "raise",
    verbose: int = 0,
    description: str = "clips",
) -> tuple[Ragged, list[int]]:
    """Compute one ragged row per clip."""
    errors = ClipErrors(on_error)
    builder = RaggedBuilder(item_shape, dtype)

    # an error in this loop must end the background threads as well
    with closing(ordered_streams(lambda row: (row, extract(row)), range(len(clips)), n_jobs)) as streams:
        for row, parts in progress_bar(streams, description=description, total=len(clips), unit="clip", shown=verbose):
            try:
                for part in parts:
                    builder.extend(part)
                if complete is not None:
                    complete(builder.open_row())
                check_output(builder.open_row(), clips.describe, row)
            except errors.caught as error:
                errors.add(row, error)
                builder.discard()
                builder.extend(np.full((1, *item_shape), np.nan, dtype=dtype))
            builder.close_row()
    errors.warn()
    return Ragged(*builder.finish()), errors.rows


def check_output(values: NDArray[Any], describe: Callable[[int], str], row: int) -> None:
    """Raise if the output for a clip is not finite, such as the power of huge samples."""
    if not all_finite(values):
        raise ValueError(
            f"{describe(row)}: the output for the clip is NaN or infinite, though its samples are finite: "
            "samples far beyond [-1, 1] leave the range of float32. Repair it or leave it out."
        )


# Values of one clip that may wait; a thread that has computed this many waits until some are taken.
_AHEAD_VALUES = 1 << 20


class _Sized(Protocol):
    @property
    def size(self) -> int: ...


Item = TypeVar("Item")
Head = TypeVar("Head")
Part = TypeVar("Part", bound=_Sized)


def ordered_streams(
    function: Callable[[Item], tuple[Head, Iterator[Part]]], items: Iterable[Item], n_jobs: int | None
) -> Generator[tuple[Head, Iterator[Part]], None, None]:
    """Compute streams of parts in background threads and yield the streams in the order of the items.

    One thread computes a whole stream, up to a million values ahead of the consumer, so a long clip is decoded while
    the network runs. The threads also keep their allocations out of the heap of the main thread, which avoids
    fragmentation between the maps of the network.
    """
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1:
        yield from map(function, items)
        return
    alive: deque[_Stream[Head, Part]] = deque()

    def release() -> None:  # the pool waits for its threads, which may wait for parts to be taken
        for stream in alive:
            stream.close()

    def streams() -> Iterator[_Stream[Head, Part]]:
        with ExitStack() as on_error:
            on_error.callback(release)
            for item in items:
                alive.append(_Stream(lambda item=item: function(item)))  # type: ignore[misc]
                yield alive[-1]
            on_error.pop_all()

    with closing(submit_in_order(_Stream.fill, streams(), n_threads)) as submitted:
        try:
            for stream, filled in submitted:
                stream.filled = filled
                yield stream.head(), stream
                alive.popleft().close()
        finally:
            release()


class _Stream(Generic[Head, Part]):
    """The parts of one clip, passed from the computing thread to the consumer."""

    filled: Future[None]  # the result of `fill`; its error is raised after the last part

    def __init__(self, start: Callable[[], tuple[Head, Iterator[Part]]]) -> None:
        self._start = start
        self._heads: list[Head] = []
        self._parts: deque[Part] = deque()
        self._n_values = 0
        self._ended = self._closed = False
        self._changed = Condition()

    def fill(self) -> None:
        """Compute the parts, in the calling thread."""
        try:
            head, parts = self._start()
            with self._changed:
                self._heads.append(head)
                self._changed.notify_all()
            for part in parts:
                if not self._put(part):
                    break
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, part: Part) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._n_values <= _AHEAD_VALUES or self._closed)
            self._parts.append(part)
            self._n_values += part.size
            self._changed.notify_all()
            return not self._closed

    def head(self) -> Head:
        """Wait for the first result of the function."""
        with self._changed:
            self._changed.wait_for(lambda: self._heads or self._ended)
        if not self._heads:
            self.filled.result()
        return self._heads[0]

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        with self._changed:
            self._changed.wait_for(lambda: self._parts or self._ended)
            if self._parts:
                part = self._parts.popleft()
                self._n_values -= part.size
                self._changed.notify_all()
                return part
        self.filled.result()
        raise StopIteration

    def close(self) -> None:
        """Stop the computing thread."""
        with self._changed:
            self._closed = True
            self._parts.clear()
            self._changed.notify_all()
