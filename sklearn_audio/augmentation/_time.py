"""Changes along time: shift, crop and speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.augmentation._transform import Span, Transform, check_extent, check_span, draw, extent_in_steps
from sklearn_audio.files import resample


@dataclass(frozen=True)
class TimeShift(Transform):
    """Shift a clip in time, forwards or backwards.

    Parameters
    ----------
    max_shift : int or float, default=0.1
        Maximum shift: an int counts timepoints or frames, a float is a fraction of the clip.
    wrap : bool, default=True
        Whether to shift circularly; otherwise waveforms are padded with zeros, and frames with their first or last
        frame.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import TimeShift
    >>> clip = np.arange(8, dtype=np.float32)
    >>> shifted = TimeShift(max_shift=2).transform(clip, np.random.default_rng(0))
    >>> sorted(shifted) == sorted(clip)
    True
    """

    max_shift: float = 0.1
    wrap: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_extent("max_shift", self.max_shift)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        farthest = extent_in_steps(self.max_shift, len(array))
        shift = int(rng.integers(-farthest, farthest, endpoint=True))
        shifted = np.roll(array, shift, axis=0)
        if not self.wrap and shift:
            entered = slice(None, shift) if shift > 0 else slice(shift, None)
            edge = array[0] if shift > 0 else array[-1]
            shifted[entered] = 0 if array.ndim == 1 else edge
        return shifted


@dataclass(frozen=True)
class RandomCrop(Transform):
    """Keep a part of a clip at a random position.

    Parameters
    ----------
    size : int or float, default=0.9
        Length of the part: an int counts timepoints or frames, a float is a fraction of the clip. Shorter clips are
        unchanged; at least one timepoint or frame is kept.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import RandomCrop
    >>> RandomCrop(size=100).transform(
    ...     np.zeros((400, 64), dtype=np.float32), np.random.default_rng(0)
    ... ).shape
    (100, 64)
    """

    size: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_extent("size", self.size)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        size = max(extent_in_steps(self.size, len(array)), 1)
        start = int(rng.integers(0, len(array) - size, endpoint=True))
        return array[start : start + size]


@dataclass(frozen=True)
class SpeedChange(Transform):
    """Play a waveform faster or slower, which changes its pitch and its length.

    Parameters
    ----------
    speed : float or tuple of two floats, default=(0.9, 1.1)
        Factor, or the limits of a uniform distribution; 2.0 is twice as fast, an octave higher and half
        as long.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    .. [1] Ko, Peddinti, Povey, Khudanpur, "Audio augmentation for speech recognition", Interspeech 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import SpeedChange
    >>> SpeedChange(speed=1.25).transform(
    ...     np.zeros(1000, dtype=np.float32), np.random.default_rng(0)
    ... ).shape
    (800,)
    """

    _computes: ClassVar[bool] = True
    speed: Span = (0.9, 1.1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("speed", self.speed, least=0.0)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        self._check_waveform(array, "RandomCrop or TimeShift")
        return resample(array, draw(self.speed, rng), 1.0)
