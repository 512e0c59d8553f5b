"""Rate conversion with soxr at its high quality, of whole waveforms and of streams."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

__all__ = ["Resampler", "n_resampled", "resample"]

_QUALITY = "HQ"
# What comes out at once; blocks of a quarter of it go in, so only rates more than four times higher are affected.
_PIECE_TIMEPOINTS = 1 << 20


def n_resampled(n_timepoints: int, orig_rate: float, target_rate: float) -> int:
    """Length of a resampled waveform: the exact one, rounded half up, but a clip never vanishes."""
    return max(math.floor(n_timepoints * target_rate / orig_rate + 0.5), min(n_timepoints, 1))


def resample(waveform: ArrayLike, orig_rate: float, target_rate: float) -> NDArray[np.float32]:
    """Convert a waveform to another rate.

    Parameters
    ----------
    waveform : array-like of shape (n_timepoints,)
        The waveform.
    orig_rate : float
        Its rate in Hz.
    target_rate : float
        The rate wanted, in Hz.

    Returns
    -------
    ndarray of float32, shape (round(n_timepoints * target_rate / orig_rate),)
        The waveform at the new rate, at least one timepoint unless there was none; the same memory where the rates are
        equal.

    Raises
    ------
    ValueError
        If a rate is not a positive number, or the waveform has more than one dimension.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.files import resample
    >>> resample(np.zeros(44100), 44100, 16000).shape
    (16000,)
    """
    _check_rates(orig_rate, target_rate)
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1:
        raise ValueError(
            f"a waveform has shape (n_timepoints,), got {samples.shape}. Resample the channels one by one."
        )
    if orig_rate == target_rate:
        return samples
    resampled: NDArray[np.float32] = soxr.resample(samples, orig_rate, target_rate, quality=_QUALITY)
    # soxr leaves nothing of a clip that is shorter than half a timepoint of the new rate
    return resampled if len(resampled) else samples[:1]


class Resampler:
    """Convert a waveform that comes in blocks to another rate.

    What comes out is, joined, bit for bit what `resample` makes of the joined blocks.

    Parameters
    ----------
    orig_rate : float
        Rate in Hz of what goes in.
    target_rate : float
        Rate in Hz of what comes out.

    Raises
    ------
    ValueError
        If a rate is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.files import Resampler
    >>> resampler = Resampler(44100, 22050)
    >>> blocks = [resampler.process(np.zeros(1000, np.float32), last=i == 9) for i in range(10)]
    >>> sum(len(block) for block in blocks)
    5000
    """

    def __init__(self, orig_rate: float, target_rate: float) -> None:
        _check_rates(orig_rate, target_rate)
        self._rates = (orig_rate, target_rate)
        self._stream: Any = None

    def feed(self, block: NDArray[np.float32], last: bool = False) -> Iterator[NDArray[np.float32]]:
        """Convert the next block, and give out what comes of it in pieces that are bounded whatever the ratio.

        Parameters
        ----------
        block : ndarray of float32, shape (n_timepoints,)
            The next timepoints; may be empty.
        last : bool, default=False
            Whether they are the last ones.

        Yields
        ------
        ndarray of float32, shape (n,)
            A million timepoints at most; never empty.
        """
        orig_rate, target_rate = self._rates
        size = max(1, int(_PIECE_TIMEPOINTS * orig_rate / target_rate))
        for first in range(0, max(1, len(block)), size):
            piece = self.process(block[first : first + size], last=last and first + size >= len(block))
            for begin in range(0, len(piece), _PIECE_TIMEPOINTS):  # soxr gathers before it gives
                yield piece[begin : begin + _PIECE_TIMEPOINTS]

    def process(self, block: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        """Convert the next block.

        Parameters
        ----------
        block : ndarray of float32, shape (n_timepoints,)
            The next timepoints; may be empty.
        last : bool, default=False
            Whether they are the last ones, so that what was held back comes out too.

        Returns
        -------
        ndarray of float32, shape (n,)
            What can be said by now; may be empty.
        """
        if self._stream is None:
            if last:
                return resample(block, *self._rates)  # one block is the whole: less to set up
            self._stream = soxr.ResampleStream(*self._rates, 1, dtype="float32", quality=_QUALITY)
        resampled: NDArray[np.float32] = self._stream.resample_chunk(np.asarray(block, dtype=np.float32), last=last)
        return resampled


def _check_rates(*rates: object) -> None:
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < float(rate) < math.inf:
            raise ValueError(f"a sample rate must be a positive number of Hz, got {rate!r}.")
