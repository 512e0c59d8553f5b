"""Sample rates: their valid range, and conversion with soxr at its high quality."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

MIN_RATE = 100
MAX_RATE = 10_000_000
RATES = "between 100 Hz and 10 MHz"


def is_rate(value: object) -> bool:
    """Whether a value is a valid sample rate: a number from 100 Hz to 10 MHz, not NaN, a string or a boolean."""
    if type(value) is int:
        return MIN_RATE <= value <= MAX_RATE
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    number: Any = value if is_number else 0
    return bool(MIN_RATE <= number <= MAX_RATE)


_QUALITY = "HQ"
# Upper bound of an output block; input blocks are a quarter of it, so it matters above a ratio of four.
_PIECE_TIMEPOINTS = 1 << 20


def n_resampled(n_timepoints: int, orig_rate: float, target_rate: float) -> int:
    """Length of a resampled waveform: rounded half up, but at least 1 for a non-empty clip."""
    # divided by the rounded ratio as soxr does, which decides whether an exact half is rounded up or down
    return max(math.floor(n_timepoints / (orig_rate / target_rate) + 0.5), min(n_timepoints, 1))


def resample(waveform: ArrayLike, orig_rate: float, target_rate: float) -> NDArray[np.float32]:
    """Convert a waveform to another rate.

    Parameters
    ----------
    waveform : array-like of shape (n_timepoints,)
        The waveform.
    orig_rate : float
        Its rate in Hz.
    target_rate : float
        The new rate in Hz.

    Returns
    -------
    ndarray of float32, shape (round(n_timepoints * target_rate / orig_rate),)
        The waveform at the new rate, at least one timepoint unless it is empty; not a copy if the rates are equal.

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
    # soxr returns nothing for a clip shorter than half a timepoint at the new rate
    return resampled if len(resampled) else samples[:1]


class Resampler:
    """Convert a waveform to another rate, block by block.

    The concatenated output is identical, bit for bit, to `resample` of the concatenated blocks.

    Parameters
    ----------
    orig_rate : float
        Rate of the input in Hz.
    target_rate : float
        Rate of the output in Hz.

    Raises
    ------
    ValueError
        If a rate is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.files import Resampler
    >>> resampler = Resampler(44100, 22050)
    >>> blocks = [
    ...     resampler.process(np.zeros(1000, np.float32), last=i == 9)
    ...     for i in range(10)
    ... ]
    >>> sum(len(block) for block in blocks)
    5000
    """

    def __init__(self, orig_rate: float, target_rate: float) -> None:
        _check_rates(orig_rate, target_rate)
        self._rates = (orig_rate, target_rate)
        self._stream: Any = None

    def feed(self, block: NDArray[np.float32], last: bool = False) -> Iterator[NDArray[np.float32]]:
        """Convert the next block, and yield the result in pieces of bounded size.

        Parameters
        ----------
        block : ndarray of float32, shape (n_timepoints,)
            The next timepoints; may be empty.
        last : bool, default=False
            Whether this is the last block.

        Yields
        ------
        ndarray of float32, shape (n,)
            At most a million timepoints; never empty.
        """
        orig_rate, target_rate = self._rates
        size = max(1, int(_PIECE_TIMEPOINTS * orig_rate / target_rate))
        for first in range(0, max(1, len(block)), size):
            piece = self.process(block[first : first + size], last=last and first + size >= len(block))
            for begin in range(0, len(piece), _PIECE_TIMEPOINTS):  # soxr may buffer several blocks
                yield piece[begin : begin + _PIECE_TIMEPOINTS]

    def process(self, block: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        """Convert the next block.

        Parameters
        ----------
        block : ndarray of float32, shape (n_timepoints,)
            The next timepoints; may be empty.
        last : bool, default=False
            Whether this is the last block, so that the buffered output is flushed.

        Returns
        -------
        ndarray of float32, shape (n,)
            The output available so far; may be empty.
        """
        if self._stream is None:
            if last:
                return resample(block, *self._rates)  # the only block: no stream needed
            self._stream = soxr.ResampleStream(*self._rates, 1, dtype="float32", quality=_QUALITY)
        resampled: NDArray[np.float32] = self._stream.resample_chunk(np.asarray(block, dtype=np.float32), last=last)
        return resampled


def _check_rates(*rates: object) -> None:
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < float(rate) < math.inf:
            raise ValueError(f"a sample rate must be a positive number of Hz, got {rate!r}.")
