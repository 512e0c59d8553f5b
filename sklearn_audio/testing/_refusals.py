"""Check that invalid input raises."""

from __future__ import annotations

import re
from collections.abc import Callable
from pickle import PickleError
from typing import Any

# Errors of estimators under test, besides AssertionError of the check itself.
FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    PickleError,
    RuntimeError,
    TypeError,
    ValueError,
    Warning,
)


def expect_refusal(call: Callable[[], Any], what: str, match: str) -> None:
    """Raise an AssertionError unless the call raises ValueError, TypeError or OSError with a matching message."""
    try:
        call()
    except (ValueError, TypeError, OSError) as error:
        if not re.search(match, str(error), flags=re.DOTALL):
            raise AssertionError(f"{what} raises, but the message does not match {match!r}: {error}") from error
    else:
        raise AssertionError(f"{what} does not raise.")
