"""Times in seconds, in whatever form a table or a dict holds them: one rule for all of them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from sklearn_audio.validation._missing import is_missing

__all__ = ["as_seconds", "end_after", "parse_seconds"]


def as_seconds(value: Any) -> float | None:
    """Return a time in seconds; None where it is missing, as an empty cell is."""
    kind = type(value)
    if kind is float or kind is int:  # the most frequent kinds
        return float(value) if value == value else None
    if is_missing(value):
        return None
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, datetime.timedelta):  # pandas' Timedelta is one
        return value.total_seconds()
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "s"))
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise TypeError(f"got {kind.__name__}")
    return float(value)


def _of_text(text: str) -> float | None:
    """Read text as `csv` hands it over."""
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
    """Return a time of a row of X in seconds; None where it is missing."""
    try:
        return as_seconds(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"row {row}: start and end are seconds, {error}.") from None


def end_after(start: Any, duration: Any, row: int) -> float | None:
    """Return the end of a part that starts at `start` and lasts `duration`; None where the duration is missing."""
    length = parse_seconds(duration, row)
    return None if length is None else (parse_seconds(start, row) or 0.0) + length
