"""Pitch, voicing, jitter and shimmer of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.dsp import FrameGeometry, FrameStream

PROSODY = ("f0", "voiced", "voiced_probability", "jitter", "shimmer")

_SECONDS = 60  # are tracked together: pYIN needs about 50 kB per frame
# Adjacent periods, or their peaks, that differ by more than these factors are not of one voice: those of Praat.
_PERIOD_FACTOR, _PEAK_FACTOR = 1.3, 1.6
_REACH = 0.25  # fraction of a period by which a peak is searched before and after its place

Signal = NDArray[np.float32]
Vector = NDArray[np.float64]


class Prosody:
    """Computes the prosody of one clip; clips of more than a minute are tracked minute by minute."""

    def __init__(self, rate: int, geometry: FrameGeometry, f0_range: Sequence[float]) -> None:
        if len(f0_range) != 2 or not all(isinstance(bound, Real) for bound in f0_range):
            raise ValueError(f"f0_range={f0_range!r} must be two frequencies in Hz, the lowest and the highest.")
        self._low, self._high = map(float, f0_range)
        if not 0 < self._low < self._high <= rate / 2:
            raise ValueError(f"f0_range={f0_range!r} must increase, between 0 and half the rate, {rate / 2:g} Hz.")
        if rate / self._low >= geometry.length // 2:
            raise ValueError(
                f"f0_range={f0_range!r} needs a window of more than two periods of the lowest pitch, "
                f"{2 / self._low:.3g} s, got {geometry.length / rate:.3g} s; set a longer window or a higher pitch."
            )
        self._rate, self._geometry = rate, geometry

    def frames(self, pieces: Iterable[Tensor]) -> Signal:
        """Return the features of all frames of a clip that comes in pieces, (n_frames, 5)."""
        geometry = self._geometry
        stream = FrameStream(geometry, max(1, _SECONDS * self._rate // geometry.hop))
        blocks = chain(chain.from_iterable(stream.feed(piece) for piece in pieces), stream.finish())
        return np.concatenate([self._tracked(_timeline(block, geometry.hop)) for block in blocks])

    def _tracked(self, wave: Signal) -> Signal:
        import librosa

        length, hop = self._geometry.length, self._geometry.hop
        f0, is_voiced, probability = librosa.pyin(
            wave,
            fmin=self._low,
            fmax=self._high,
            sr=self._rate,
            frame_length=length,
            hop_length=hop,
            center=False,
            fill_na=0.0,
        )
        features = np.zeros((len(f0), len(PROSODY)), np.float32)
        features[:, :3] = np.stack([f0, is_voiced, probability], axis=1)
        for first, last in _runs(is_voiced):
            voice = wave[first * hop : (last - 1) * hop + length]
            places, peaks = _peaks(voice, self._rate / f0[first:last], hop)
            for row in range(first, last):
                is_inside = (places >= (row - first) * hop) & (places < (row - first) * hop + length)
                periods = np.diff(places[is_inside])
                features[row, 3:] = (
                    _perturbation(periods, _PERIOD_FACTOR),
                    _perturbation(peaks[is_inside], _PEAK_FACTOR),
                )
        return features


def _timeline(frames: Tensor, hop: int) -> Signal:
    """Return the waveform that frames (n, length) are views of."""
    n_frames, length = frames.shape
    return frames.as_strided(((n_frames - 1) * hop + length,), (1,)).numpy()


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the runs of True."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _peaks(voice: Signal, periods: Vector, hop: int) -> tuple[Vector, Vector]:
    """Return places and heights of the peaks of a voiced waveform, one per period; `periods` has one for each hop."""
    upright = voice if voice.max() >= -voice.min() else -voice
    place = int(np.argmax(upright[: round(periods[0])]))
    found = [place]
    while True:
        period = periods[min(place // hop, len(periods) - 1)]
        start, stop = (round(place + share * period) for share in (1 - _REACH, 1 + _REACH))
        if stop >= len(upright):
            break
        place = start + int(np.argmax(upright[start : stop + 1]))
        found.append(place)
    return _refined(upright, np.array(found))


def _refined(wave: Signal, places: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Return the vertices of the parabolas through each peak and the timepoints beside it."""
    before, here, after = (wave[np.clip(places + step, 0, len(wave) - 1)].astype(np.float64) for step in (-1, 0, 1))
    curvature = before - 2 * here + after
    shift = np.where(curvature < 0, 0.5 * (before - after) / np.where(curvature < 0, curvature, 1), 0).clip(-0.5, 0.5)
    return places + shift, here - 0.25 * (before - after) * shift


def _perturbation(values: Vector, factor: float) -> float:
    """Return the mean absolute difference of adjacent values, relative to their mean; 0 if none can be compared."""
    if len(values) < 2 or values.min() <= 0:
        return 0.0
    is_near = np.maximum(values[1:], values[:-1]) <= factor * np.minimum(values[1:], values[:-1])
    return float(np.abs(np.diff(values))[is_near].mean() / values.mean()) if is_near.any() else 0.0
