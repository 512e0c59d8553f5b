"""Changes that a forked child needs before it computes: one thread, and fresh locks.

A fork copies one thread. The others, which OpenMP keeps for its next team, are missing in the child, where a team would
wait for them for ever; and a lock that one of them held is never released there.
"""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import Any
from weakref import WeakSet

from threadpoolctl import ThreadpoolController

__all__ = ["ForkSafeLock"]


class ForkSafeLock:
    """A re-entrant lock that is free in a forked child, whoever held it at the fork."""

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
        """Be free, unless the thread that calls holds it."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


_locks: WeakSet[ForkSafeLock] = WeakSet()


def _mend_child() -> None:
    for lock in list(_locks):
        lock.free()
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):  # not in the middle of its import
        torch.set_num_threads(1)
    # scikit-learn and FAISS have OpenMP libraries of their own
    ThreadpoolController().limit(limits=1, user_api="openmp")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_mend_child)
