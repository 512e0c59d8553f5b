"""Missing values, whatever a container calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["is_missing"]

# By name, as pandas need not be imported to see that a value is one of its own.
_OF_PANDAS = ("NAType", "NaTType")
_NEVER = frozenset({str, int, bytes, dict})


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    kind = type(value)
    if value is None or kind in _NEVER:
        return value is None
    if kind.__name__ in _OF_PANDAS:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and bool(value != value)
