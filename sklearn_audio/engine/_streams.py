"""Computation of clips in parts by background threads, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing
from threading import Condition
from typing import Generic, Protocol, TypeVar

from joblib import effective_n_jobs

from sklearn_audio._threads import submit_in_order

__all__ = ["ordered_streams"]

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
