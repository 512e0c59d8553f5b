"""Labels in pictures, which have little room for long ones."""

from __future__ import annotations

_LONGEST = 24


def shortened(label: object) -> str:
    """Return a label, cut if it is long."""
    text = str(label)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
