"""Progress bars, if standard error is available."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def can_show_progress() -> bool:
    """Whether standard error is available: a service or ``pythonw`` may have none, or a closed one."""
    return sys.stderr is not None and not getattr(sys.stderr, "closed", False)


def progress_bar(
    iterable: Iterable[Any] | None = None, *, total: float | None = None, unit: str, description: Any = None, shown: Any
) -> Any:
    """Return a tqdm bar, disabled if not requested or not possible."""
    from tqdm.auto import tqdm

    return tqdm(iterable, total=total, unit=unit, desc=description, disable=not (shown and can_show_progress()))
