"""Names that are looked up in a table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["check_name"]


def check_name(what: str, name: object, known: Iterable[object]) -> None:
    """Raise for an unknown name, suggesting the nearest known one."""
    names = list(known)
    if name not in names:
        written = [other for other in names if isinstance(other, str)]
        near = difflib.get_close_matches(str(name), written, n=1)
        hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
        raise ValueError(f"unknown {what} {name!r}; {hint} one of {names}.")
