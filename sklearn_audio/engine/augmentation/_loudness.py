"""Sound level of waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["sound_levels"]

_LOWEST = -80.0  # decibels
_SECONDS = 0.1


def sound_levels(values: NDArray[np.float32], lengths: NDArray[np.int64], sample_rate: float) -> NDArray[np.float64]:
    """Compute the A-weighted level of the loudest tenth of a second of each waveform, in decibels.

    Shapes: values (n_clips, n_timepoints), lengths (n_clips,) -> (n_clips,).

    Source: Tokozume, Ushiku, Harada, "Learning from between-class examples for deep sound recognition", ICLR 2018.
    """
    size = 2 ** round(np.log2(_SECONDS * sample_rate))
    weights = 10 ** (_a_weighting(np.fft.rfftfreq(size, 1 / sample_rate)) / 10)
    window = np.hanning(size + 1)[:-1]
    levels = np.empty(len(values))
    for row, (waveform, n) in enumerate(zip(values, lengths.tolist(), strict=True)):
        padded = np.pad(waveform[:n], (0, max(0, size - n)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
        power = (np.abs(np.fft.rfft(windows * window)) ** 2 @ weights).max()
        levels[row] = 10 * np.log10(max(power, 10 ** (_LOWEST / 10)))
    return levels


def _a_weighting(frequencies: NDArray[Any]) -> NDArray[np.float64]:
    """Weight frequencies in decibels: IEC 61672, at least -80."""
    squares = np.maximum(frequencies, 1e-3) ** 2
    low, highest = squares + 20.598997**2, squares + 12194.217**2
    middle = np.sqrt((squares + 107.65265**2) * (squares + 737.86223**2))
    return np.asarray(np.maximum(2.0 + 20 * np.log10(12194.217**2 * squares**2 / (low * middle * highest)), _LOWEST))
