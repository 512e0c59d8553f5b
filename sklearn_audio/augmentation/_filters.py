"""Filters of waveforms and frames: random frequency responses, and the reverberation of small rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from sklearn_audio.augmentation._transform import Span, Transform, check_count, check_span, draw

_NARROWEST = 0.05  # of the frequency axis


@dataclass(frozen=True)
class FilterAugment(Transform):
    """Amplify and attenuate random frequency bands, as other microphones and rooms do.

    The frequency axis is divided into bands of random width, at least a twentieth of it. On a waveform, the axis is the
    mel scale up to half the sample rate; on frames, it is the features, to which the gain is added.

    Parameters
    ----------
    gain : float or tuple of two floats, default=(-6.0, 6.0)
        Decibels, or the limits of a uniform distribution.
    bands : tuple of two ints, default=(3, 6)
        The fewest and the most bands, at most 20.
    steps : bool, default=False
        Whether the gain is constant within a band; otherwise it is drawn at the edges of the bands, and linear between.
    decibel : float, default=1.0
        What one decibel is in frames: 1.0 in decibels, 0.2303 in natural logarithms of powers, and 0.1151 in those of
        magnitudes. Not used for waveforms.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Nam, Kim and Park, "FilterAugment: an acoustic environmental data augmentation method", ICASSP 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import FilterAugment
    >>> frames = np.zeros((1, 8), dtype=np.float32)
    >>> two_bands = FilterAugment(bands=(2, 2), steps=True)
    >>> two_bands.transform(frames, np.random.default_rng(0)).round(1)
    array([[-2.8, -2.8, -2.8, -2.8, -2.8, -5.5, -5.5, -5.5]], dtype=float32)
    """

    _computes: ClassVar[bool] = True
    gain: Span = (-6.0, 6.0)
    bands: tuple[int, int] = (3, 6)
    steps: bool = False
    decibel: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("gain", self.gain)
        check_span("decibel", self.decibel, least=0.0)
        bands: Any = self.bands
        if not isinstance(bands, tuple) or len(bands) != 2:
            raise ValueError(f"bands is a tuple (fewest, most) of two ints, got {bands!r}.")
        for n_bands in bands:
            check_count("bands", n_bands)
        if not 1 <= bands[0] <= bands[1] <= round(1 / _NARROWEST):
            raise ValueError(f"bands is a tuple (fewest, most) of ints from 1 to 20, in order; got {bands!r}.")

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        if array.ndim == 2:
            positions = np.linspace(0.0, 1.0, array.shape[1]) if array.shape[1] > 1 else np.zeros(1)
            return np.asarray(array + self.decibel * self._gains(positions, rng))
        rate = _checked_rate(self, sample_rate)
        mels = np.log1p(np.fft.rfftfreq(len(array), 1 / rate) / 700)
        gains = self._gains(mels / np.log1p(rate / 2 / 700), rng)
        return np.asarray(np.fft.irfft(np.fft.rfft(array) * 10 ** (gains / 20), len(array)))

    def _gains(self, positions: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw the gain in decibels at positions from 0 to 1."""
        n_bands = int(rng.integers(*self.bands, endpoint=True))
        inner = np.sort(rng.uniform(0, 1 - n_bands * _NARROWEST, n_bands - 1))
        inner += _NARROWEST * np.arange(1, n_bands)
        gains = np.array([draw(self.gain, rng) for _ in range(n_bands if self.steps else n_bands + 1)])
        if self.steps:
            return np.asarray(gains[np.searchsorted(inner, positions, side="right")])
        return np.asarray(np.interp(positions, [0.0, *inner, 1.0], gains))


@dataclass(frozen=True)
class RoomReverb(Transform):
    """Add the reverberation of a small room to a waveform.

    The impulse response of the room is synthetic: the direct sound, followed by white noise that decays exponentially.
    The clip keeps its length.

    Parameters
    ----------
    decay : float or tuple of two floats, default=(0.1, 0.4)
        Reverberation time in seconds, in which the noise falls by 60 decibels, or the limits of a uniform distribution.
    ratio : float or tuple of two floats, default=(0.0, 15.0)
        Energy of the direct sound relative to that of the reverberation, in decibels.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import RoomReverb
    >>> click = np.zeros(8000, dtype=np.float32)
    >>> click[0] = 1
    >>> room = RoomReverb(decay=0.3, ratio=6.0)
    >>> response = room.transform(
    ...     click, np.random.default_rng(0), sample_rate=16000
    ... )
    >>> round(float(-10 * np.log10(np.sum(response[1:] ** 2))), 2)
    6.0
    """

    _computes: ClassVar[bool] = True
    decay: Span = (0.1, 0.4)
    ratio: Span = (0.0, 15.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("decay", self.decay, least=0.0)
        check_span("ratio", self.ratio)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        self._check_waveform(array, "a change of the waveform, before the frames are computed")
        n_timepoints = draw(self.decay, rng) * _checked_rate(self, sample_rate)
        places = np.arange(max(1, round(n_timepoints)))
        noise = rng.standard_normal(len(places)) * 10 ** (-3 * places / n_timepoints)
        noise *= 10 ** (-draw(self.ratio, rng) / 20) / np.sqrt(np.sum(noise**2))
        return np.asarray(fftconvolve(array, np.concatenate([[1.0], noise]))[: len(array)])


def _checked_rate(transform: Transform, sample_rate: float | None) -> float:
    if sample_rate is None:
        raise ValueError(
            f"{type(transform).__name__} needs the rate of a waveform; give transform(..., sample_rate=...), or, in a "
            "classifier, audio with a sample rate."
        )
    return sample_rate
