"""Preparation of forked children: one thread, and new locks.

A fork copies only the calling thread. OpenMP would wait forever for its other threads in the child, and a lock that one
of them held would never be released there.
"""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import Any
from weakref import WeakSet

from threadpoolctl import ThreadpoolController


class ForkSafeLock:
    """A re-entrant lock that is released in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def free(self) -> None:
        """Replace the lock, unless the calling thread holds it."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


_locks: WeakSet[ForkSafeLock] = WeakSet()


def _mend_child() -> None:
    for lock in list(_locks):
        lock.free()
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):  # unless it is being imported
        torch.set_num_threads(1)
    # scikit-learn and FAISS ship their own OpenMP libraries
    ThreadpoolController().limit(limits=1, user_api="openmp")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_mend_child)
