"""Changes of level: gain, and noise at a signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.augmentation._transform import Span, Transform, check_span, draw


@dataclass(frozen=True)
class Gain(Transform):
    """Apply a random gain to a waveform.

    Parameters
    ----------
    gain : float or tuple of two floats, default=(-6.0, 6.0)
        Decibels, or the limits of a uniform distribution. Nothing is clipped.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import Gain
    >>> Gain(20.0).transform(
    ...     np.array([0.1, -0.2], dtype=np.float32), np.random.default_rng(0)
    ... )
    array([ 1., -2.], dtype=float32)
    """

    _computes: ClassVar[bool] = True
    gain: Span = (-6.0, 6.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("gain", self.gain)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        self._check_waveform(array, "a custom callable, since the scale of frames is unknown")
        return np.asarray(array * 10 ** (draw(self.gain, rng) / 20))


@dataclass(frozen=True)
class AddNoise(Transform):
    """Add white Gaussian noise at a signal-to-noise ratio.

    The drawn noise is scaled to match the ratio exactly. The power of a waveform is its mean square, that of frames the
    mean square of the deviations from the mean of each feature. Silent clips stay silent.

    Parameters
    ----------
    snr : float or tuple of two floats, default=(10.0, 40.0)
        Signal-to-noise ratio in decibels, or the limits of a uniform distribution.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import AddNoise
    >>> tone = np.sin(np.arange(16000) / 10).astype(np.float32)
    >>> noise = AddNoise(snr=20.0).transform(tone, np.random.default_rng(0)) - tone
    >>> round(float(10 * np.log10(np.mean(tone**2) / np.mean(noise**2))), 1)
    20.0
    """

    _computes: ClassVar[bool] = True
    snr: Span = (10.0, 40.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("snr", self.snr)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        ratio = 10 ** (draw(self.snr, rng) / 20)
        noise = rng.standard_normal(array.shape, dtype=np.float32)
        signal = array if array.ndim == 1 else array - array.mean(axis=0)
        return np.asarray(array + noise * (_root_mean_square(signal) / (_root_mean_square(noise) * ratio)))


def _root_mean_square(array: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
