"""Sound above half of the sample rate that a model reads at, which it cannot hear."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np
from scipy.signal import welch

from sklearn_audio._threads import ordered_map
from sklearn_audio.cli._data import path_of
from sklearn_audio.datasets._summary import Measured
from sklearn_audio.validation import check_audio

_N_EXAMINED = 64
_SECONDS = 10.0
# Hum and wind below this are left out.
_LOWEST = 50.0
_MUCH, _MANY = 0.01, 0.1


def lost_sound(clips: list[Any], measured: list[Measured], rate: int, options: Namespace) -> str:
    """Say how much sound a sample rate removes; empty if it is little, or in few recordings.

    Up to 64 recordings with a higher rate are examined, ten seconds of each.
    """
    higher = [row for row, (_, own, _) in enumerate(measured) if own > rate]
    chosen = [higher[i] for i in np.unique(np.linspace(0, len(higher) - 1, _N_EXAMINED).astype(int)) if higher]
    parts = np.array(
        list(ordered_map(lambda row: share_above(clips[row], measured[row][1], rate / 2), chosen, options.jobs))
    )
    much = parts > _MUCH
    if much.sum() <= _MANY * len(clips if len(clips) < _N_EXAMINED else chosen):
        return ""
    most = chosen[int(parts.argmax())]
    return (
        f"in {much.sum()} of {len(chosen)} recordings examined, more than {100 * _MUCH:g} % of the sound (above "
        f"{_LOWEST:g} Hz) is above {rate / 2:g} Hz, where the model, at {rate} Hz, hears nothing; the most are "
        f"{100 * parts.max():.0f} % in {path_of(clips[most])!r}"
    )


def share_above(clip: Any, rate: int, frequency: float) -> float:
    """Return the share of the power of a clip, from 50 Hz, that is above a frequency; 0 for silence."""
    blocks, n_read = [], 0
    for block in check_audio([clip], rate).stream(0):
        blocks.append(block)
        n_read += len(block)
        if n_read >= _SECONDS * rate:
            break
    wave = np.concatenate(blocks)[: round(_SECONDS * rate)]
    bands, power = welch(wave, rate, nperseg=min(4096, len(wave)))
    total = power[bands >= _LOWEST].sum()
    return float(power[bands > frequency].sum() / total) if total > 0 else 0.0
