"""Missing values, and times in seconds, in every form that tables and dicts use."""

from __future__ import annotations

import datetime
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

# By name, so that pandas is not imported.
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


def as_seconds(value: Any) -> float | None:
    """Return a time in seconds; None if missing, such as an empty cell."""
    kind = type(value)
    if kind is float or kind is int:  # fast path
        return float(value) if value == value else None
    if is_missing(value):
        return None
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, datetime.timedelta):  # including pandas' Timedelta
        return value.total_seconds()
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "s"))
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise TypeError(f"got {kind.__name__}")
    return float(value)


def _of_text(text: str) -> float | None:
    """Parse text, such as a cell of a CSV."""
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if np.isnan(number) or "_" in text:
        raise ValueError(f"got {text!r}")
    return number


def parse_seconds(value: Any, row: int) -> float | None:
    """Return a time of a row of X in seconds; None if missing."""
    try:
        return as_seconds(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"row {row}: start and end are seconds, {error}.") from None


def end_after(start: Any, duration: Any, row: int) -> float | None:
    """Return the end of a part with a start and a duration; None if the duration is missing."""
    length = parse_seconds(duration, row)
    return None if length is None else (parse_seconds(start, row) or 0.0) + length
