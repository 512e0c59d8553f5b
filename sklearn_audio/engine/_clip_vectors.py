"""`ClipVectors`: what a network makes of one clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClipVectors"]


@dataclass
class ClipVectors:
    """The vectors of one clip."""

    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    n_timepoints: int = 0
    warnings: list[str] = field(default_factory=list)
