"""What is checked wherever a network is chosen by name: its options, and whether it takes so few frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sklearn_audio.nets import Architecture

__all__ = ["check_length", "check_options"]


def check_options(parameter: str, chosen: Any, given: Iterable[str], known: tuple[str, ...]) -> None:
    """Refuse options that a network does not have."""
    for name in sorted(set(given) - set(known)):
        raise ValueError(f"{parameter} {chosen!r} has no option {name!r}; it has {list(known) or 'none'}.")


def check_length(parameter: str, chosen: Any, takes: Architecture, name: str, length: int) -> None:
    """Refuse rows that are shorter than a network can take."""
    if length < takes.shortest:
        raise ValueError(
            f"{name}={length}, but {parameter} {chosen!r} takes at least {takes.shortest} "
            f"{'timepoints' if takes.waveforms else 'frames'}; give more, or choose another {parameter}."
        )
