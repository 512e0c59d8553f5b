"""Warnings that point to the user's line."""

from __future__ import annotations

import sys
import warnings

# Packages between the user's line and ours.
_ON_THE_WAY = frozenset({"sklearn_audio", "sklearn", "skorch", "joblib", "contextlib"})


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn with the file and line of the nearest caller outside this package and scikit-learn."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _ON_THE_WAY:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
