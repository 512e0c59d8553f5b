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

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._sklearn import Interval
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import short_term_blocks, short_term_feature_names
from sklearn_audio.dsp._short_term import checked_groups, frame_geometry
from sklearn_audio.engine import to_tensor
from sklearn_audio.preprocessing._frames import Blocks, FrameExtractor, FrameTransformer
from sklearn_audio.preprocessing._prosody import PROSODY, Prosody

# Timepoints of a clip kept between the passes; a longer clip is read in each.
_KEPT_TIMEPOINTS = 1 << 22
_GROUPS = ("time", "spectral", "mfcc", "chroma", "prosody")


def _names(groups: Sequence[str], deltas: bool) -> list[str]:
    names: list[str] = []
    for group in groups:
        names += PROSODY if group == "prosody" else short_term_feature_names([group], deltas=False)
    return names + [f"delta_{name}" for name in names] if deltas else names


class _AcousticExtractor(FrameExtractor):
    """Computes the short-term features block by block, and beside them prosody, which is known for the clip first."""

    def __init__(self, owner: AcousticFeatures) -> None:
        groups = checked_groups(owner.groups, _GROUPS)
        short_term = [group for group in groups if group != "prosody"]
        self._deltas = owner.deltas
        self._blocks = partial(
            short_term_blocks,
            sample_rate=owner.sample_rate,
            window=owner.window,
            hop=owner.hop,
            groups=short_term,
            deltas=owner.deltas,
        )
        self._prosody: Prosody | None = None
        if "prosody" in groups:
            geometry = frame_geometry(owner.sample_rate, owner.window, owner.hop)
            self._prosody = Prosody(owner.sample_rate, geometry, owner.f0_range)
        self.names = _names(groups, owner.deltas)
        computed = _names(short_term, owner.deltas) + _names(["prosody"], owner.deltas)
        self._order = [computed.index(name) for name in self.names]
        self._has_short_term = bool(short_term)

    def extract(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the features of the clip in pieces."""
        pieces = _Passes(blocks)
        short_term = (features.to(torch.float32).numpy() for features in self._blocks(pieces))
        return short_term if self._prosody is None else self._joined(self._prosody.frames(pieces()), short_term)

    def _joined(
        self, prosody: NDArray[np.float32], short_term: Iterator[NDArray[np.float32]]
    ) -> Iterator[NDArray[np.float32]]:
        if self._deltas:
            prosody = np.hstack([prosody, np.diff(prosody, axis=0, prepend=prosody[:1])])
        if not self._has_short_term:
            yield prosody
            return
        start = 0
        for features in short_term:
            stop = start + len(features)
            yield np.hstack([features, prosody[start:stop]])[:, self._order]
            start = stop


class _Passes:
    """A clip for several passes; a short one is kept in memory."""

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
    """Recordings to the 34 classic short-term features per frame, or 68 with their differences, and prosody.

    Zero-crossing rate, energy and its entropy; spectral centroid, spread, entropy, flux and roll-off; 13 MFCC; 12
    chroma and their deviation: the set of pyAudioAnalysis, with equal values. Mean and peak of each clip are normalised
    first. `sklearn_audio.dsp.short_term_features` defines each feature and lists the differences.

    The group "prosody" adds five features of voices, of the waveform as it is:

    - "f0", "voiced", "voiced_probability": fundamental frequency in Hz, 1 or 0, and a probability, by pYIN, equal to
      ``librosa.pyin`` over the same frames;
    - "jitter", "shimmer": mean absolute difference of adjacent periods, and of their peaks, in the frame, divided by
      their mean. These are the local definitions of Praat; as there, periods that differ by a factor of more than 1.3,
      and peaks of more than 1.6, are not compared.

    All but the probability are 0 in unvoiced frames, and jitter and shimmer also where a frame has fewer than two
    periods or peaks to compare; nothing is NaN. pYIN is slow: it takes many times as long as all other groups. Clips
    are tracked minute by minute.

    Parameters
    ----------
    sample_rate : int, default=22050
        Analysis rate in Hz: recordings are resampled to it; arrays without a rate are assumed to have it.
    window : float, default=0.05
        Length of a frame in seconds.
    hop : float, default=0.025
        Seconds between the starts of adjacent frames.
    groups : sequence of str, default=("time", "spectral", "mfcc", "chroma")
        Groups of features, in column order: "time" (3 features), "spectral" (5), "mfcc" (13), "chroma" (13), "prosody"
        (5).
    deltas : bool, default=True
        Whether to append the differences from the previous frame, one per feature.
    f0_range : (float, float), default=(75.0, 600.0)
        Lowest and highest fundamental frequency in Hz, for the group "prosody"; `window` must be longer than two
        periods of the lowest.
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

    M. Mauch and S. Dixon, "pYIN: A fundamental frequency estimator using probabilistic threshold distributions",
    ICASSP (2014).

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
        "f0_range": [tuple, list],
    }
    _parameter_uses: ClassVar[Uses] = {
        "f0_range": needs('the group "prosody"', lambda owner: "prosody" in owner.groups, "groups"),
    }

    def __init__(
        self,
        sample_rate: int = 22050,
        *,
        window: float = 0.05,
        hop: float = 0.025,
        groups: Sequence[str] = ("time", "spectral", "mfcc", "chroma"),
        deltas: bool = True,
        f0_range: Sequence[float] = (75.0, 600.0),
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.window = window
        self.hop = hop
        self.groups = groups
        self.deltas = deltas
        self.f0_range = f0_range
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def _extractor(self) -> _AcousticExtractor:
        return _AcousticExtractor(self)
