"""Work in background threads: results in order, a bounded number of them in memory.

`joblib.Parallel(return_as="generator")` bounds only what has not started: where the reader is slower than the threads,
as a network is slower than decoding, nearly all results wait in memory (492 of 500 in a measurement, here 6). Nor does
it keep each thread from starting a team of OpenMP or MKL threads. On short work, such as reading headers, both take the
same time.
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TypeVar

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController

__all__ = ["ordered_map", "submit_in_order"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], n_jobs: int | None
) -> Generator[Result, None, None]:
    """Apply a function in background threads and yield the results in the order of the items.

    At most three results per thread wait in memory. An error surfaces where its result would have come, and what had
    not started by then is cancelled; so it is when the generator is closed.
    """
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1:
        yield from map(function, items)
        return
    with closing(submit_in_order(function, items, n_threads)) as submitted:
        for _, future in submitted:
            yield future.result()


def submit_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Apply a function in background threads, three items per thread ahead of whoever iterates.

    Closing the generator cancels what has not started and waits for what has.
    """
    pending: deque[tuple[Item, Future[Result]]] = deque()
    libraries = ThreadpoolController()
    with ThreadPoolExecutor(n_threads, "sklearn-audio", initializer=_one_thread_each, initargs=(libraries,)) as pool:
        try:
            for item in items:
                pending.append((item, pool.submit(function, item)))
                if len(pending) >= 3 * n_threads:
                    yield pending.popleft()
            while pending:
                yield pending.popleft()
        finally:
            for _, future in pending:
                future.cancel()


def _one_thread_each(libraries: ThreadpoolController) -> None:
    """Let this thread compute alone: threads that each start a team of OpenMP threads would fight for the cores.

    `torch.set_num_threads` would set the number of every thread to come as well. Asking torch for the number first
    keeps it from setting that of this thread later.
    """
    torch = sys.modules.get("torch")  # work that does without torch is not made to load it
    if torch is not None:
        torch.get_num_threads()
    libraries.limit(limits=1, user_api="openmp")
    set_threads_of_mkl = None if torch is None else _mkl_setter(Path(torch.__file__ or ""))
    if set_threads_of_mkl is not None:
        set_threads_of_mkl(1)


@cache
def _mkl_setter(torch_file: Path) -> Callable[[int], object] | None:
    """Find what sets the number of MKL's threads for the thread that calls, where torch has MKL in it."""
    for library in (torch_file.parent / "lib").glob("*torch_cpu.*"):
        if library.suffix in (".so", ".dll", ".dylib"):
            setter: Callable[[int], object] | None = getattr(
                ctypes.CDLL(str(library)), "MKL_Set_Num_Threads_Local", None
            )
            return setter
    return None
