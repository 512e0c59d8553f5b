"""`ClipVectors`: what a network makes of one clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClipVectors"]


@dataclass
class ClipVectors:
    """The vectors of one clip.

    Attributes
    ----------
    vectors : list of ndarray of float32, each of shape (n_features,)
        One per patch, in time; empty for a clip that failed.
    weights : list of float
        Share of each patch that is the clip.
    n_timepoints : int
        Length of the clip, at the rate of the model.
    warnings : list of str
        What was warned of while the clip was read, without its row.

    Examples
    --------
    >>> from sklearn_audio.engine.inference import ClipVectors
    >>> ClipVectors().vectors
    []
    """

    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    n_timepoints: int = 0
    warnings: list[str] = field(default_factory=list)
