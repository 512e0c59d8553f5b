"""Mean and peak of a clip, measured in pieces: what the short-term features normalise first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

__all__ = ["ClipLevel", "clip_level"]

_PEAK_FLOOR = 1e-10


class ClipLevel(NamedTuple):
    """What the features need to know of a whole clip before its first frame: its mean and its peak.

    Parameters
    ----------
    mean : float
        Mean of the waveform.
    peak : float
        Largest distance of a timepoint from the mean.

    Examples
    --------
    >>> from sklearn_audio.dsp._clip_level import ClipLevel
    >>> ClipLevel(mean=0.0, peak=0.5).peak
    0.5
    """

    mean: float
    peak: float

    def normalize(self, timepoints: Tensor) -> Tensor:
        """Shift the mean to 0 and scale the peak to 1, in float64.

        Parameters
        ----------
        timepoints : Tensor of shape (n,)
            Any piece of the clip.

        Returns
        -------
        Tensor of float64, shape (n,)
            Values in [-1, 1]; zeros for a clip that is constant.
        """
        return (timepoints.double() - self.mean).div_(self.peak + _PEAK_FLOOR)


def clip_level(pieces: Iterable[Tensor]) -> ClipLevel:
    """Measure the mean and the peak of a clip in float64, without a copy of it.

    Parameters
    ----------
    pieces : iterable of Tensor, each of shape (n,)
        The whole clip, piece by piece; at least one timepoint.

    Returns
    -------
    ClipLevel
        Mean and peak.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp._clip_level import clip_level
    >>> clip_level([torch.tensor([0.0, 1.0])])
    ClipLevel(mean=0.5, peak=0.5)
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
