"""Mixing of channels to mono, and the level lost by it."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Channel = Literal["mean"] | int


def check_channel(channel: object, n_channels: int | None = None, where: str = "") -> None:
    """Raise unless the channel is "mean" or the index of an existing channel."""
    where = where and f"{where}: "
    if isinstance(channel, str) and channel == "mean":
        return
    if isinstance(channel, bool) or not isinstance(channel, (int, np.integer)) or channel < 0:
        raise ValueError(f'{where}channel must be "mean" or an index from 0, got {channel!r}.')
    if n_channels is not None and channel >= n_channels:
        there = "1 channel; take channel 0" if n_channels == 1 else f"{n_channels} channels; take 0 to {n_channels - 1}"
        raise ValueError(f"{where}there is no channel {channel}: the recording has {there}.")


class NotFinite(NamedTuple):
    """The first value of a waveform that is not finite, and its timepoint."""

    kind: Literal["NaN", "infinity"]
    timepoint: int


def all_finite(values: NDArray[np.floating[Any]]) -> bool:
    """Whether no value is NaN or infinite: by their energy, which is fast; if that overflows, one by one."""
    flat = values.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())


class MonoMix:
    """Mixes blocks of several channels to mono, measures how much cancels out, and finds the first non-finite value."""

    def __init__(self, channel: Channel = "mean") -> None:
        check_channel(channel)
        self._channel = channel
        self._channel_power = 0.0
        self._mean_power = 0.0
        self._n_timepoints = 0
        self.not_finite: NotFinite | None = None

    def __call__(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix one block.

        Shapes: block (n_timepoints, n_channels) -> (n_timepoints,).
        """
        mono = self._mixed(block)
        if not all_finite(mono):
            mono = self._checked(block, mono)
        self._n_timepoints += len(mono)
        return mono

    def _mixed(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        n_channels = block.shape[1]
        check_channel(self._channel, n_channels)
        if n_channels == 1:
            return block[:, 0]  # (T, 1) -> (T,)
        if self._channel != "mean":
            return np.ascontiguousarray(block[:, self._channel])  # (T, C) -> (T,)
        with np.errstate(all="ignore"):  # non-finite values pass through
            # by column: NumPy's mean over rows is much slower
            mono: NDArray[np.float32] = np.add(block[:, 0], block[:, 1])
            for channel in range(2, n_channels):
                mono += block[:, channel]
            mono /= np.float32(n_channels)
            self._channel_power += float(np.einsum("tc,tc->", block, block)) / n_channels
            self._mean_power += float(np.einsum("t,t->", mono, mono))
        return mono

    def _checked(self, block: NDArray[np.float32], mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Record the first non-finite value; if only the sum of the channels overflowed, scale before summing."""
        channels = block if self._channel == "mean" else mono[:, None]
        bad = np.flatnonzero(~np.isfinite(channels).all(axis=1))
        if len(bad) == 0:
            if not np.isfinite(mono).all():
                mono = (channels / np.float32(channels.shape[1])).sum(axis=1)
        elif self.not_finite is None:
            kind: Literal["NaN", "infinity"] = "NaN" if np.isnan(channels[bad[0]]).any() else "infinity"
            self.not_finite = NotFinite(kind, self._n_timepoints + int(bad[0]))
        return mono

    @property
    def loss_db(self) -> float:
        """Level of the channel mean relative to the mean level of the channels so far, in dB.

        0 for one channel, identical channels, silence, or a selected channel; about -3 for two independent channels;
        far lower if the channels cancel out, -inf if they do so exactly.
        """
        if not (math.isfinite(self._channel_power) and self._channel_power > 0):
            return 0.0
        if self._mean_power == 0:
            return -math.inf
        return 10 * math.log10(self._mean_power / self._channel_power)
