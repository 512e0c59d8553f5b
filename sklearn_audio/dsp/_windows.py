"""Analysis windows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

from sklearn_audio._names import check_name

WINDOWS = ("hann", "hamming", "blackman", "rectangular", "povey")


@lru_cache(maxsize=64)
def window(name: str, length: int, *, periodic: bool = True) -> NDArray[np.float64]:
    """Return an analysis window, shape (length,)."""
    check_name("window", name, WINDOWS)
    if name == "povey":
        values = get_window("hann", length, fftbins=periodic) ** 0.85
    else:
        values = get_window({"rectangular": "boxcar"}.get(name, name), length, fftbins=periodic)
    values = np.asarray(values, dtype=np.float64)
    values.flags.writeable = False
    return values
