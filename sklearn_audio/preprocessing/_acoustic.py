"""`AcousticFeatures`: recordings to the classic short-term features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio._sklearn import Interval
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import short_term_blocks, short_term_feature_names
from sklearn_audio.engine import to_tensor
from sklearn_audio.preprocessing._frames import Blocks, FrameExtractor, FrameTransformer

# Timepoints of a clip kept between the two passes; a longer clip is read twice.
_KEPT_TIMEPOINTS = 1 << 22


class _ShortTermExtractor(FrameExtractor):
    def __init__(self, owner: AcousticFeatures) -> None:
        groups = tuple(owner.groups)
        self.names = short_term_feature_names(groups, owner.deltas)
        self._blocks = partial(
            short_term_blocks,
            sample_rate=owner.sample_rate,
            window=owner.window,
            hop=owner.hop,
            groups=groups,
            deltas=owner.deltas,
        )

    def extract(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the features of the clip in pieces."""
        pieces = _TwoPasses(blocks)
        return (features.to(torch.float32).numpy() for features in self._blocks(pieces))


class _TwoPasses:
    """A clip for two passes; a short one is kept in memory."""

    def __init__(self, blocks: Blocks) -> None:
        self._read = blocks
        self._kept: list[Tensor] | None = None

    def __call__(self) -> Iterator[Tensor]:
        if self._kept is not None:
            return iter(self._kept)
        pieces = map(to_tensor, self._read())
        first: list[Tensor] = []
        while sum(map(len, first)) <= _KEPT_TIMEPOINTS:
            piece = next(pieces, None)
            if piece is None:
                self._kept = first
                break
            first.append(piece)
        return chain(first, pieces)


class AcousticFeatures(FrameTransformer):
    """Recordings to the 34 classic short-term features per frame, or 68 with their differences.

    Zero-crossing rate, energy and its entropy; spectral centroid, spread, entropy, flux and roll-off; 13 MFCC; 12
    chroma and their deviation: the set of pyAudioAnalysis, with equal values. Mean and peak of each clip are normalised
    first. `sklearn_audio.dsp.short_term_features` defines each feature and lists the differences.

    Parameters
    ----------
    sample_rate : int, default=22050
        Analysis rate in Hz: recordings are resampled to it; arrays without a rate are assumed to have it.
    window : float, default=0.05
        Length of a frame in seconds.
    hop : float, default=0.025
        Seconds between the starts of adjacent frames.
    groups : sequence of {"time", "spectral", "mfcc", "chroma"}, default=("time", "spectral", "mfcc", "chroma")
        Groups of features, in column order; they have 3, 5, 13 and 13 features.
    deltas : bool, default=True
        Whether to append the differences from the previous frame, one per feature.
    n_jobs : int, default=None
        Decoding and computing threads; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise" stops at the first unusable clip; "nan" returns one frame of NaN for it and warns once.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of timepoints, if X is an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X is a DataFrame of numbers.

    References
    ----------
    T. Giannakopoulos, "pyAudioAnalysis: An open-source Python library for audio signal analysis", PLOS ONE 10 (2015).

    Examples
    --------
    >>> from sklearn_audio import AcousticFeatures
    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=4, random_state=0)
    >>> AcousticFeatures(sample_rate=16000).transform(sounds.data).item_shape
    (68,)
    >>> AcousticFeatures(
    ...     groups=["time"], deltas=False
    ... ).get_feature_names_out().tolist()
    ['zero_crossing_rate', 'energy', 'energy_entropy']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        "window": [Interval(Real, 0, None, closed="neither")],
        "hop": [Interval(Real, 0, None, closed="neither")],
        "groups": [tuple, list],
        "deltas": ["boolean"],
    }

    def __init__(
        self,
        sample_rate: int = 22050,
        *,
        window: float = 0.05,
        hop: float = 0.025,
        groups: Sequence[str] = ("time", "spectral", "mfcc", "chroma"),
        deltas: bool = True,
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.window = window
        self.hop = hop
        self.groups = groups
        self.deltas = deltas
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def _extractor(self) -> _ShortTermExtractor:
        return _ShortTermExtractor(self)
