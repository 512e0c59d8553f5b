"""Warnings that point at the user's line whose call led to them."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn_caller"]

# Calls pass through these on their way from the user's line to ours.
_ON_THE_WAY = frozenset({"sklearn_audio", "sklearn", "skorch", "joblib", "contextlib"})


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, naming the file and line of the nearest caller outside this package and scikit-learn.

    A fixed ``stacklevel`` would depend on how many functions of the package lie in between.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _ON_THE_WAY:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
