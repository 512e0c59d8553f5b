"""Filter banks of the classic short-term features: triangles for the MFCC, pitch classes for the chroma."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_LOWEST_A_HZ = 27.5
# Slaney's filterbank in the variant of the scikits.talkbox package: 13 linear and 29 logarithmic edges, 40 triangles
_LOWEST_EDGE_HZ = 133.33
_LINEAR_STEP_HZ = 200.0 / 3
_LOG_FACTOR = 1.0711703
_N_LINEAR_EDGES = 13
N_TRIANGLES = 40


@lru_cache(maxsize=16)
def triangles(sample_rate: int, n_bins: int) -> NDArray[np.float64]:
    """Return the filterbank of the MFCC, triangles of area 1, shape (n_bins, 40)."""
    linear = _LOWEST_EDGE_HZ + _LINEAR_STEP_HZ * np.arange(_N_LINEAR_EDGES)
    logarithmic = linear[-1] * _LOG_FACTOR ** np.arange(1, N_TRIANGLES + 3 - _N_LINEAR_EDGES)
    edges = np.concatenate([linear, logarithmic])
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    # as in the original, n_bins are taken to span the whole sample rate instead of half of it
    hz = (np.arange(n_bins) / n_bins * sample_rate)[:, None]
    slopes = np.minimum((hz - lower) / (centre - lower), (upper - hz) / (upper - centre))
    weights = np.maximum(0.0, slopes) * 2.0 / (upper - lower)
    weights.flags.writeable = False
    return np.asarray(weights)


@lru_cache(maxsize=16)
def pitch_classes(sample_rate: int, n_bins: int) -> NDArray[np.float64]:
    """Return the weights from energies of bins to pitch classes, shape (n_bins, 12)."""
    bins = np.arange(n_bins)
    semitones = np.round(12 * np.log2((bins + 1) * sample_rate / (2 * n_bins) / _LOWEST_A_HZ)).astype(int)
    _, which, counts = np.unique(semitones, return_inverse=True, return_counts=True)
    n_neighbours = counts[which]
    weights = np.zeros((n_bins, 12))
    if semitones.max() >= n_bins or semitones.min() < -n_bins:
        last = np.flatnonzero(np.diff(semitones, append=semitones[-1] + 1))
        weights[last, semitones[last] % 12] = 1.0 / n_neighbours[last]
    else:
        # a table of semitones, as long as the spectrum: the last bin of a semitone wins, negative indices wrap
        bin_at = np.full(n_bins, -1)
        bin_at[semitones] = bins
        places = np.flatnonzero(bin_at >= 0)
        # the original looks up its divisors by the semitone of the bin with this index
        weights[bin_at[places], places % 12] = 1.0 / n_neighbours[semitones[places]]
    weights.flags.writeable = False
    return weights
