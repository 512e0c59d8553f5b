"""The range of sample rates: from below telephony to above ultrasound."""

from __future__ import annotations

from numbers import Real
from typing import Any

__all__ = ["MAX_RATE", "MIN_RATE", "RATES", "is_rate"]

MIN_RATE = 100
MAX_RATE = 10_000_000
RATES = "between 100 Hz and 10 MHz"


def is_rate(value: object) -> bool:
    """Whether a value is a number of Hz that a recording may have: 100 Hz to 10 MHz.

    Parameters
    ----------
    value : object
        Anything; NaN, text and booleans are no rates.

    Returns
    -------
    bool
        True for a number within the range.

    Examples
    --------
    >>> from sklearn_audio.files import is_rate
    >>> is_rate(44100), is_rate(2), is_rate(True)
    (True, False, False)
    """
    if type(value) is int:
        return MIN_RATE <= value <= MAX_RATE
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    number: Any = value if is_number else 0
    return bool(MIN_RATE <= number <= MAX_RATE)
