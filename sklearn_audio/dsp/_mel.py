"""Mel scales and triangular filterbanks in the conventions of published networks."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

MelScale = Literal["slaney", "htk"]

# Slaney's Auditory Toolbox (1998): linear below 1 kHz, 27 logarithmic steps per factor 6.4 above.
_LINEAR_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0
# HTK's 2595 log10(1 + f / 700), written with the natural logarithm
_HTK_FACTOR = 2595.0 / np.log(10.0)


def hz_to_mel(frequencies: ArrayLike, scale: MelScale = "slaney") -> NDArray[np.float64]:
    """Convert frequencies to mel.

    Parameters
    ----------
    frequencies : array of float
        Hz, at least 0.
    scale : {"slaney", "htk"}, default="slaney"
        Slaney's Auditory Toolbox (linear below 1 kHz) or HTK's formula ``2595 log10(1 + f / 700)``, which VGGish and
        Kaldi write with a rounded factor of 1127 for the natural logarithm (relative difference 1e-5).

    Returns
    -------
    ndarray of float64
        Mel.

    Examples
    --------
    >>> from sklearn_audio.dsp import hz_to_mel
    >>> round(float(hz_to_mel(1000.0)), 6)
    15.0
    """
    hz = np.asarray(frequencies, dtype=np.float64)
    if scale == "htk":
        return np.asarray(_HTK_FACTOR * np.log1p(hz / 700.0))
    linear = hz / _LINEAR_HZ_PER_MEL
    logarithmic = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, linear, logarithmic)


def mel_to_hz(mels: ArrayLike, scale: MelScale = "slaney") -> NDArray[np.float64]:
    """Convert mel to frequencies; the inverse of `hz_to_mel`.

    Parameters
    ----------
    mels : array of float
        Mel, at least 0.
    scale : {"slaney", "htk"}, default="slaney"
        See `hz_to_mel`.

    Returns
    -------
    ndarray of float64
        Hz.

    Examples
    --------
    >>> from sklearn_audio.dsp import mel_to_hz
    >>> round(float(mel_to_hz(15.0)), 6)
    1000.0
    """
    mel = np.asarray(mels, dtype=np.float64)
    if scale == "htk":
        return np.asarray(700.0 * np.expm1(mel / _HTK_FACTOR))
    linear = mel * _LINEAR_HZ_PER_MEL
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, linear, logarithmic)


@lru_cache(maxsize=64)
def mel_filterbank(
    sample_rate: float,
    n_fft: int,
    n_mels: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    scale: MelScale = "slaney",
    domain: Literal["hz", "mel"] = "hz",
    norm: Literal["slaney"] | None = "slaney",
    drop_nyquist: bool = False,
) -> NDArray[np.float64]:
    """Return a bank of triangular filters, shape (n_fft // 2 + 1, n_mels)."""
    fmax = sample_rate / 2 if fmax is None else fmax
    if not 0 <= fmin < fmax <= sample_rate / 2:
        raise ValueError(
            f"fmin={fmin} and fmax={fmax} do not fit: need 0 <= fmin < fmax <= {sample_rate / 2}, half the rate."
        )
    bins_hz = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    edges = np.linspace(hz_to_mel(fmin, scale), hz_to_mel(fmax, scale), n_mels + 2)
    edges_hz = mel_to_hz(edges, scale)
    positions = bins_hz if domain == "hz" else hz_to_mel(bins_hz, scale)
    corners = edges_hz if domain == "hz" else edges
    lower, centre, upper = corners[:-2], corners[1:-1], corners[2:]
    rising = (positions[:, None] - lower) / (centre - lower)
    falling = (upper - positions[:, None]) / (upper - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))  # (n_fft // 2 + 1, n_mels)
    if norm == "slaney":
        weights *= 2.0 / (edges_hz[2:] - edges_hz[:-2])
    if drop_nyquist:
        weights[n_fft // 2 :] = 0.0
    weights.flags.writeable = False
    return weights
