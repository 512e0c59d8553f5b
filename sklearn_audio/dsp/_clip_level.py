"""Mean and peak of a clip, measured in blocks, for the normalisation of short-term features."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

_PEAK_FLOOR = 1e-10


class ClipLevel(NamedTuple):
    """Mean and peak of a whole clip."""

    mean: float
    peak: float

    def normalize(self, timepoints: Tensor) -> Tensor:
        """Shift the mean to 0 and scale the peak to 1, in float64."""
        return (timepoints.double() - self.mean).div_(self.peak + _PEAK_FLOOR)


def clip_level(pieces: Iterable[Tensor]) -> ClipLevel:
    """Measure mean and peak of a clip in float64, without copying it."""
    total, n_timepoints, low, high = 0.0, 0, math.inf, -math.inf
    for piece in pieces:
        double = piece.double()
        total += float(double.sum())
        n_timepoints += len(double)
        low, high = min(low, float(double.amin())), max(high, float(double.amax()))
    mean = total / n_timepoints
    # as rounding is monotone, this is the maximum of the rounded |x - mean|
    return ClipLevel(mean, max(high - mean, mean - low))
