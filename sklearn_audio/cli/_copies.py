"""Recordings of the same content on both sides of a split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.cli._folds import Splits

__all__ = ["copies_on_both_sides"]


def copies_on_both_sides(digests: NDArray[np.uint64], splits: Splits) -> int:
    """Count the held-out recordings whose content was trained on in the same split.

    Shapes: digests (n_clips,).
    """
    return sum(int(np.isin(digests[test], digests[train]).sum()) for train, test in splits)
