"""Analysis windows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

__all__ = ["WINDOWS", "window"]

WINDOWS = ("hann", "hamming", "blackman", "rectangular", "povey")


@lru_cache(maxsize=64)
def window(name: str, length: int, *, periodic: bool = True) -> NDArray[np.float64]:
    """Return an analysis window.

    Parameters
    ----------
    name : {"hann", "hamming", "blackman", "rectangular", "povey"}
        Shape. "povey" is Kaldi's: a symmetric Hann window to the power 0.85.
    length : int
        Timepoints.
    periodic : bool, default=True
        Periodic windows are made for spectral analysis (the convention of librosa and torchlibrosa), symmetric ones
        for filter design (Kaldi's convention).

    Returns
    -------
    ndarray of float64, shape (length,)
        The window; shared between calls and therefore read-only.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from sklearn_audio.dsp import window
    >>> window("hann", 4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if name not in WINDOWS:
        raise ValueError(f"unknown window {name!r}; choose one of {list(WINDOWS)}.")
    if name == "povey":
        values = get_window("hann", length, fftbins=periodic) ** 0.85
    else:
        values = get_window({"rectangular": "boxcar"}.get(name, name), length, fftbins=periodic)
    values = np.asarray(values, dtype=np.float64)
    values.flags.writeable = False
    return values
