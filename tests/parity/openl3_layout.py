"""The clips of OpenL3's golden values, and the names under which its variables are drawn by `seeded.checkpoint`."""

from __future__ import annotations

__all__ = ["CLIPS", "HOP", "drawn_name", "variable_name"]

CLIPS = {"0.1s": 4800, "1s": 48000, "5.3s": 254400}  # timepoints, of the clip "10s" of `seeded.clips`
HOP = {"0.1s": 0.1, "1s": 0.3, "5.3s": 0.9}  # seconds, at which windows fill the clips only in part
_FIRST, _DRAWN = "batch_normalization.", "bn0."  # the first norm is drawn for decibels


def drawn_name(name: str) -> str:
    """Name under which a variable is drawn, from the one of `musicnn_layout.to_seeded`."""
    return name.replace(_FIRST, _DRAWN)


def variable_name(name: str) -> str:
    """Undo `drawn_name`."""
    return name.replace(_DRAWN, _FIRST)
