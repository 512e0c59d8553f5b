"""The 34 classic short-term features (68 with their differences), equal to those of pyAudioAnalysis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from sklearn_audio._isolation import isolated
from sklearn_audio.dsp._cepstrum import dct_matrix
from sklearn_audio.dsp._clip_level import clip_level
from sklearn_audio.dsp._framing import FrameGeometry, FrameStream
from sklearn_audio.dsp._short_term_banks import N_TRIANGLES, pitch_classes, triangles

_GROUPS = ("time", "spectral", "mfcc", "chroma")
_N_MFCC = 13
_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("zero_crossing_rate", "energy", "energy_entropy"),
    "spectral": (
        "spectral_centroid",
        "spectral_spread",
        "spectral_entropy",
        "spectral_flux",
        "spectral_rolloff",
    ),
    "mfcc": tuple(f"mfcc_{number}" for number in range(1, _N_MFCC + 1)),
    "chroma": (*(f"chroma_{number}" for number in range(1, 13)), "chroma_std"),
}

_EPS = float(np.finfo(np.float64).eps)
_N_ENTROPY_BLOCKS = 10
_ROLLOFF_SHARE = 0.90

# Frames per Fourier transform, and timepoints held in float64: both bound the memory.
_BLOCK_FRAMES = 1024
_BLOCK_TIMEPOINTS = 2**18
_PIECE_TIMEPOINTS = 2**18


def short_term_feature_names(groups: Sequence[str] = _GROUPS, deltas: bool = True) -> list[str]:
    """Return the names of the columns of `short_term_features`.

    Parameters
    ----------
    groups : sequence of {"time", "spectral", "mfcc", "chroma"}, default=("time", "spectral", "mfcc", "chroma")
        Groups of features, in the order of the columns.
    deltas : bool, default=True
        Whether to append the differences, named ``delta_<name>``.

    Returns
    -------
    list of str
        One name per column. "chroma_1" is pitch class A, "chroma_12" is G#.

    Raises
    ------
    ValueError
        If a group is unknown or named twice, or there is none.

    Examples
    --------
    >>> from sklearn_audio.dsp._short_term import short_term_feature_names
    >>> short_term_feature_names(["time"], deltas=False)
    ['zero_crossing_rate', 'energy', 'energy_entropy']
    >>> len(short_term_feature_names())
    68
    """
    names = [name for group in checked_groups(groups) for name in _NAMES[group]]
    return names + [f"delta_{name}" for name in names] if deltas else names


def short_term_blocks(
    pieces: Callable[[], Iterable[Tensor]],
    sample_rate: int,
    *,
    window: float = 0.05,
    hop: float = 0.025,
    groups: Sequence[str] = _GROUPS,
    deltas: bool = True,
) -> Iterator[Tensor]:
    """Compute the short-term features of a clip of any length with bounded memory.

    The clip is read twice: the first pass measures its mean and peak.

    Parameters
    ----------
    pieces : callable
        Returns an iterator over the clip from its start, as non-empty tensors of shape (n,).
    sample_rate : int
        Hz.
    window : float, default=0.05
        Length of a frame in seconds.
    hop : float, default=0.025
        Seconds between the starts of adjacent frames.
    groups : sequence of {"time", "spectral", "mfcc", "chroma"}, default=("time", "spectral", "mfcc", "chroma")
        Groups of features.
    deltas : bool, default=True
        Whether to append the differences from the previous frame.

    Yields
    ------
    Tensor of float64, shape (n_frames, n_features)
        The next frames; see `short_term_features`.

    Raises
    ------
    ValueError
        See `short_term_features`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp._short_term import short_term_blocks
    >>> clip = torch.sin(torch.arange(16000) * 0.2)
    >>> [
    ...     block.shape
    ...     for block in short_term_blocks(
    ...         lambda: [clip[:9000], clip[9000:]], 16000
    ...     )
    ... ]
    [torch.Size([39, 68])]
    """
    groups = checked_groups(groups)
    geometry = frame_geometry(sample_rate, window, hop)
    before: Tensor | None = None
    for features in _framewise(pieces, geometry, sample_rate, groups):
        if not deltas:
            yield features
            continue
        lagged = torch.cat([features[:1] if before is None else before, features[:-1]])
        yield torch.cat([features, features - lagged], dim=1)
        before = features[-1:]


def _framewise(
    pieces: Callable[[], Iterable[Tensor]], geometry: FrameGeometry, sample_rate: int, groups: Sequence[str]
) -> Iterator[Tensor]:
    level = clip_level(pieces())
    stream = FrameStream(geometry, min(_BLOCK_FRAMES, max(1, _BLOCK_TIMEPOINTS // geometry.length)))

    def frames() -> Iterator[Tensor]:
        """Yield blocks (n, length) of the normalised clip; zeros that pad a short clip equal its mean."""
        for piece in pieces():
            yield from stream.feed(level.normalize(piece))
        yield from stream.finish()

    blocks = frames()
    first = next(blocks)
    analysis = _Analysis(sample_rate, geometry.length // 2, groups, first.device)
    yield from analysis.framewise(chain([first], blocks))


def short_term_features(
    waveform: Tensor,
    sample_rate: int,
    *,
    window: float = 0.05,
    hop: float = 0.025,
    groups: Sequence[str] = _GROUPS,
    deltas: bool = True,
) -> Tensor:
    """Compute the classic short-term features of a clip, the set of pyAudioAnalysis.

    The clip is shifted to mean 0, scaled to peak 1, and cut into frames without a taper. M are the magnitudes of the
    first K Fourier coefficients of a frame, divided by K, where K is half the frame length:

    ====================== =======================================================================================
    feature                definition
    ====================== =======================================================================================
    zero_crossing_rate     changes of sign per timepoint, in [0, 1]; a step from or to exactly 0 counts half
    energy                 mean square of the frame
    energy_entropy         entropy (bits) of the energy over 10 equal parts of the frame, in [0, log2(10)]
    spectral_centroid      mean of the bin positions 1/K ... K/K, weighted by M, in [0, 1]; 1 is half the sample rate
    spectral_spread        standard deviation about the centroid, likewise weighted
    spectral_entropy       entropy (bits) of the energy over 10 equal parts of the spectrum
    spectral_flux          squared distance between the spectra of this frame and the one before, each of sum 1
    spectral_rolloff       fraction of bins below the one where 90 % of the energy is reached, in [0, 1)
    mfcc_1 ... mfcc_13     orthonormal DCT-II of log10 of 40 triangles over M, the first coefficient included
    chroma_1 ... chroma_12 energy per pitch class A, A#, ... G#, as a share of the energy of the frame
    chroma_std             standard deviation of the 12 chroma values
    delta_<name>           difference from the previous frame, 0 in the first frame
    ====================== =======================================================================================

    Parameters
    ----------
    waveform : Tensor of float, shape (n_timepoints,)
        One clip, on the CPU or a CUDA device. Its scale is irrelevant, as the peak is normalised.
    sample_rate : int
        Hz.
    window : float, default=0.05
        Length of a frame in seconds; a fraction of a timepoint is dropped.
    hop : float, default=0.025
        Seconds between the starts of adjacent frames; a fraction of a timepoint is dropped.
    groups : sequence of {"time", "spectral", "mfcc", "chroma"}, default=("time", "spectral", "mfcc", "chroma")
        Groups of features, in column order; they have 3, 5, 13 and 13 features.
    deltas : bool, default=True
        Whether to append the differences from the previous frame, one per feature.

    Returns
    -------
    Tensor of shape (n_frames, n_features)
        With the dtype and device of the waveform; computed in float64. Timepoints after the last complete frame are
        ignored. `short_term_feature_names` names the columns.

    Raises
    ------
    ValueError
        If the waveform is not a non-empty row of floats, `window` is shorter than two timepoints or `hop` than one, or
        a group is unknown or repeated.

    See Also
    --------
    short_term_feature_names : Names of the columns.

    Notes
    -----
    The values equal those of ``pyAudioAnalysis.ShortTermFeatures.feature_extraction`` 0.3.14 to the rounding of the
    waveform's dtype (1e-5 in float32). These properties are kept, because models were trained on them:

    - mean and peak refer to the whole clip, so that loudness is relative and a single click attenuates all frames;
    - the triangles are placed as if K bins spanned the whole sample rate: a triangle at f Hz covers f/2 Hz;
    - in centroid, spread and chroma, bin k (from 0) has the frequency of bin k + 1;
    - the logarithm of the mel bands is taken of magnitudes, not of energies, with 2.2e-16 added;
    - of several bins on one semitone only the highest counts, divided by the number of bins on the semitone of the bin
      whose index is the semitone's number; bins below 27.5 Hz wrap to the end of the table of semitones, where their
      pitch class depends on K.

    Deviations, where the original raises or divides by zero:

    - frames are rows and `window` and `hop` are seconds; names are lower case with underscores, "zcr" is spelled out;
    - a clip shorter than a frame is padded at its end with its mean (original: "need at least one array to
      concatenate");
    - at sample rates below about 6.9 kHz the triangles beyond the spectrum are cut or empty (original: IndexError); an
      empty one gives log10(2.2e-16);
    - frames with too few bins for the highest semitone (0.05 s below about 2.7 kHz, 0.01 s at 8 kHz) divide the highest
      bin of each semitone by the number of bins on it (original: IndexError, ValueError);
    - a frame of one timepoint raises (original: division by zero).

    Digital silence gives finite values: zeros, except for the MFCC of the empty spectrum.

    References
    ----------
    .. [1] T. Giannakopoulos, "pyAudioAnalysis: An Open-Source Python Library for Audio Signal Analysis", PLOS ONE
       10(12), 2015.
    .. [2] M. Slaney, "Auditory Toolbox", Interval Research Corporation, technical report 1998-010, 1998.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp._short_term import short_term_features
    >>> waveform = torch.sin(torch.arange(16000) * 0.2)
    >>> short_term_features(waveform, 16000).shape
    torch.Size([39, 68])
    >>> short_term_features(waveform, 16000, groups=["mfcc"], deltas=False).shape
    torch.Size([39, 13])
    """
    _check_waveform(waveform)
    starts = range(0, len(waveform), _PIECE_TIMEPOINTS)
    blocks = short_term_blocks(
        lambda: (waveform[start : start + _PIECE_TIMEPOINTS] for start in starts),
        sample_rate,
        window=window,
        hop=hop,
        groups=groups,
        deltas=deltas,
    )
    return torch.cat([block.to(waveform.dtype) for block in blocks])


def checked_groups(groups: Sequence[str], known: Sequence[str] = _GROUPS) -> tuple[str, ...]:
    """Return the groups as a tuple; raise for unknown and repeated ones, and if there is none."""
    chosen = (groups,) if isinstance(groups, str) else tuple(groups)
    if not chosen or not set(chosen) <= set(known) or len(set(chosen)) < len(chosen):
        raise ValueError(f"groups={groups!r} must name one or more of {list(known)}, each at most once.")
    return chosen


def _check_waveform(waveform: Tensor) -> None:
    if waveform.ndim != 1 or not waveform.is_floating_point() or len(waveform) == 0:
        raise ValueError(
            "waveform must be a tensor of floats of shape (n_timepoints,) with at least one timepoint, "
            f"got {waveform.dtype} of shape {tuple(waveform.shape)}."
        )


def frame_geometry(sample_rate: int, window: float, hop: float) -> FrameGeometry:
    """Return the positions of frames whose window and hop are given in seconds."""
    # the small term makes 0.57 s at 100 Hz (56.99999999999999) 57 timepoints
    length, step = (math.floor(seconds * sample_rate + 1e-6) for seconds in (window, hop))
    if length < 2 or step < 1:
        raise ValueError(
            f"window={window} s and hop={hop} s are {length} and {step} timepoints at {sample_rate} Hz; "
            "need at least 2 and 1."
        )
    return FrameGeometry(length=length, hop=step, lead=0, span=length, pad=0, pad_mode="constant")


class _Block:
    """Frames (n, length) of a clip and, if needed, their spectra (n, n_bins)."""

    def __init__(self, frames: Tensor) -> None:
        self.frames = frames
        self.n_bins = frames.shape[1] // 2

    @cached_property
    def power(self) -> Tensor:
        # (n, length) -> (n, n_bins): without the Nyquist bin
        spectrum = torch.fft.rfft(self.frames)[:, : self.n_bins]
        power: Tensor = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        return power.div_(self.n_bins**2)

    @cached_property
    def energy(self) -> Tensor:
        return self.power.sum(1)

    @cached_property
    def magnitude(self) -> Tensor:
        return self.power.sqrt()

    @cached_property
    def total(self) -> Tensor:
        return self.magnitude.sum(1)

    @cached_property
    def shares(self) -> Tensor:
        """Magnitudes normalised to a sum of 1."""
        return self.magnitude / (self.total + self.n_bins * _EPS)[:, None]


class _Analysis:
    """Features of the blocks of one clip, with the constants of one sample rate, frame length and device."""

    def __init__(self, sample_rate: int, n_bins: int, groups: Sequence[str], device: torch.device) -> None:
        self._groups = groups
        self._triangles = torch.tensor(triangles(sample_rate, n_bins), device=device)
        self._dct = torch.tensor(dct_matrix(N_TRIANGLES, _N_MFCC), device=device)
        self._pitch_classes = torch.tensor(pitch_classes(sample_rate, n_bins), device=device)
        positions = torch.arange(1, n_bins + 1, dtype=torch.float64, device=device) / n_bins
        self._moments = torch.stack([positions, positions.square()], dim=1)

    def framewise(self, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Convert blocks (n, length) of frames to blocks (n, n_features) of features."""
        before: _Block | None = None
        for frames in blocks:
            block = _Block(frames)
            yield torch.cat([self._features(group, block, before) for group in self._groups], dim=1)
            before = block

    @isolated(keep_gradients=True)
    def _features(self, group: str, block: _Block, before: _Block | None) -> Tensor:
        match group:
            case "time":
                return _time_features(block.frames)
            case "spectral":
                entropy, rolloff = _entropy(block.power, block.energy), _rolloff(block)
                return torch.stack([*self._centroid_and_spread(block), entropy, _flux(block, before), rolloff], dim=1)
            case "mfcc":
                return (block.magnitude @ self._triangles + _EPS).log10() @ self._dct
            case _:
                return self._chroma_features(block)

    def _centroid_and_spread(self, block: _Block) -> tuple[Tensor, Tensor]:
        centroid, square = (block.magnitude @ self._moments / _divisor(block.total)[:, None]).unbind(1)
        return centroid, (square - centroid.square()).clamp(min=0).sqrt()

    def _chroma_features(self, block: _Block) -> Tensor:
        chroma = block.power @ self._pitch_classes / _divisor(block.energy)[:, None]
        return torch.cat([chroma, chroma.std(1, correction=0, keepdim=True)], dim=1)


def _divisor(total: Tensor) -> Tensor:
    # silence gives 0
    return torch.where(total > 0, total, 1.0)


def _time_features(frames: Tensor) -> Tensor:
    (n_frames, length), hop = frames.shape, frames.stride(0)
    # (n, length) -> (timepoints,): frames overlap in memory: process each timepoint once
    timeline = frames.as_strided(((n_frames - 1) * hop + length,), (1,))
    n_changes = torch.nn.functional.pad(timeline.sign().diff().abs().cumsum(0), (1, 0))
    crossings = (n_changes[length - 1 :: hop] - n_changes[: (n_frames - 1) * hop + 1 : hop]) / (2 * (length - 1))
    # (timepoints,) -> (n, length)
    power = timeline.square().unfold(0, length, hop)
    energy = power.sum(1)
    return torch.stack([crossings, energy / length, _entropy(power, energy)], dim=1)


def _entropy(power: Tensor, energy: Tensor) -> Tensor:
    """Return the entropy of the energy over 10 equal parts of each row, ignoring the remainder."""
    part = power.shape[1] // _N_ENTROPY_BLOCKS
    if part == 0:
        return torch.zeros_like(energy)
    # (n, length) -> (n, 10, part) -> (n, 10)
    parts = power.unfold(1, part, part)[:, :_N_ENTROPY_BLOCKS].sum(2)
    shares = parts / (energy[:, None] + _EPS)
    return -(shares * (shares + _EPS).log2()).sum(1)


def _flux(block: _Block, before: _Block | None) -> Tensor:
    # the first frame of a clip is its own predecessor: its flux is 0
    first = block.shares[:1] if before is None else before.shares[-1:]
    return (block.shares - torch.cat([first, block.shares[:-1]])).square_().sum(1)


def _rolloff(block: _Block) -> Tensor:
    threshold = _ROLLOFF_SHARE * block.energy - _EPS
    first_above = torch.searchsorted(block.power.cumsum(1), threshold[:, None], right=True)
    return first_above[:, 0].double() / block.n_bins
