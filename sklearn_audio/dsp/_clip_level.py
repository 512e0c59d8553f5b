"""Mean and peak of a clip, measured in pieces: what the short-term features normalise first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

__all__ = ["ClipLevel", "clip_level"]

_PEAK_FLOOR = 1e-10


class ClipLevel(NamedTuple):
    """What the features need to know of a whole clip before its first frame: its mean and its peak."""

    mean: float
    peak: float

    def normalize(self, timepoints: Tensor) -> Tensor:
        """Shift the mean to 0 and scale the peak to 1, in float64.

        Shapes: timepoints (n,) -> (n,).
        """
        return (timepoints.double() - self.mean).div_(self.peak + _PEAK_FLOOR)


def clip_level(pieces: Iterable[Tensor]) -> ClipLevel:
    """Measure the mean and the peak of a clip in float64, without a copy of it.

    Shapes: pieces (n,).
    """
    total, n_timepoints, low, high = 0.0, 0, math.inf, -math.inf
    for piece in pieces:
        double = piece.double()
        total += float(double.sum())
        n_timepoints += len(double)
        low, high = min(low, float(double.amin())), max(high, float(double.amax()))
    mean = total / n_timepoints
    # rounding is monotone: this is the largest of the rounded distances |x - mean|
    return ClipLevel(mean, max(high - mean, mean - low))
