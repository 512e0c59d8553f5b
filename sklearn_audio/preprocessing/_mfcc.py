"""`MFCCTransformer`: recordings to mel-frequency cepstral coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import FrontEnd, dct_matrix, lifter_weights, with_deltas
from sklearn_audio.engine import front_end_frames
from sklearn_audio.preprocessing._frames import Blocks, FrameExtractor, FrameTransformer, normalize_clip
from sklearn_audio.preprocessing._front_end_parameters import FRONT_END_CONSTRAINTS, FRONT_END_USES

_TAKEN = (
    "n_fft",
    "win_length",
    "hop_length",
    "n_mels",
    "fmin",
    "fmax",
    "center",
    "pad_mode",
    "mel_scale",
    "mel_norm",
    "top_db",
)
_DERIVATIVES = needs("deltas above 0", lambda owner: owner.deltas > 0, "deltas")
# Log-mel frames of a clip kept in memory; for a longer clip they are computed twice.
_KEPT_FRAMES = 1 << 15


class _MFCCExtractor(FrameExtractor):
    def __init__(self, owner: MFCCTransformer, front_end: FrontEnd) -> None:
        basis = dct_matrix(front_end.n_features, owner.n_mfcc) * lifter_weights(owner.n_mfcc, owner.lifter)
        self.names = [
            f"{prefix}mfcc_{i}" for prefix in ("", "delta_", "delta2_")[: owner.deltas + 1] for i in range(owner.n_mfcc)
        ]
        self._basis = torch.tensor(basis, dtype=torch.float32)
        self._owner = owner
        self._front_end = front_end

    def extract(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the coefficients of the clip in pieces."""
        lowest, kept = self._lowest(blocks)
        decibels = kept if kept is not None else self._decibels(blocks)
        cepstra = (piece.clamp(min=lowest) @ self._basis for piece in decibels)  # (n, n_mfcc)
        owner = self._owner
        for piece in with_deltas(cepstra, owner.deltas, width=owner.delta_width, kind=owner.delta_kind):
            yield piece.numpy()

    def complete(self, frames: NDArray[np.float32]) -> None:
        """Normalise the clip, if chosen."""
        if self._owner.normalize == "clip":
            normalize_clip(frames)

    def complete_block(self, frames: NDArray[np.float32], highest: np.float32) -> bool:
        """Refuse blocks, whose mean is not that of the clip, if it is normalised."""
        return self._owner.normalize is None

    def _decibels(self, blocks: Blocks) -> Iterator[Tensor]:
        return (torch.from_numpy(piece) for piece in front_end_frames(self._front_end, blocks()))

    def _lowest(self, blocks: Blocks) -> tuple[float, list[Tensor] | None]:
        """Find the floor of `top_db` in a first pass over the clip."""
        highest, n_frames = -float("inf"), 0
        kept: list[Tensor] | None = []
        for piece in self._decibels(blocks):
            highest = max(highest, float(piece.max()))
            n_frames += len(piece)
            kept = None if kept is None or n_frames > _KEPT_FRAMES else [*kept, piece]
        top_db = self._owner.top_db
        return -float("inf") if top_db is None else highest - top_db, kept


class MFCCTransformer(FrameTransformer):
    """Recordings to mel-frequency cepstral coefficients and, optionally, their derivatives.

    The defaults equal ``librosa.feature.mfcc``.

    Parameters
    ----------
    sample_rate : int, default=22050
        Analysis rate in Hz: recordings are resampled to it; arrays without a rate are assumed to have it.
    n_mfcc : int, default=20
        Coefficients per frame, at most `n_mels`.
    deltas : {0, 1, 2}, default=0
        Append first (1) and second (2) derivatives over time.
    delta_width : int, default=9
        Frames of the local polynomial of a derivative, odd; fewer for shorter clips.
    delta_kind : {"savgol", "difference"}, default="savgol"
        "savgol" equals ``librosa.feature.delta``; "difference" subtracts the previous frame.
    lifter : float, default=0.0
        Sinusoidal liftering; 0: none.
    n_fft : int, default=2048
        Length of the Fourier transform in timepoints.
    win_length : int, default=None
        Length of the window in timepoints; None: `n_fft`.
    hop_length : int, default=512
        Timepoints between adjacent frames.
    n_mels : int, default=128
        Number of mel bands.
    fmin : float, default=0.0
        Lower edge of the filterbank in Hz.
    fmax : float, default=None
        Upper edge of the filterbank in Hz; None: half the sample rate.
    center : bool, default=True
        Pad the clip so that frame k is centred on timepoint ``k * hop_length``.
    pad_mode : {"constant", "reflect"}, default="constant"
        Content of the padding.
    mel_scale : {"slaney", "htk"}, default="slaney"
        Scale of the band edges.
    mel_norm : {"slaney"} or None, default="slaney"
        Equal areas, or None: peaks of 1.
    top_db : float, default=80.0
        Clip decibels this far below the maximum of the clip. None: no clipping.
    normalize : {"clip"} or None, default=None
        "clip" subtracts the mean of each coefficient and derivative over the clip and divides by its standard
        deviation, which removes the colour of a microphone or voice (cepstral mean and variance normalisation).
    n_jobs : int, default=None
        Decoding and computing threads; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise" stops at the first unusable clip; "nan" returns one frame of NaN for it and warns once.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of timepoints, if X is an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X is a DataFrame of numbers.

    References
    ----------
    S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and Signal Processing 28 (1980).

    Examples
    --------
    >>> from sklearn_audio import MFCCTransformer
    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=4, random_state=0)
    >>> MFCCTransformer(sample_rate=16000, n_mfcc=13, deltas=2).transform(
    ...     sounds.data
    ... ).item_shape
    (39,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        **{name: FRONT_END_CONSTRAINTS[name] for name in _TAKEN},
        "n_mfcc": [Interval(Integral, 1, None, closed="left")],
        "deltas": [Interval(Integral, 0, 2, closed="both")],
        "delta_width": [Interval(Integral, 3, None, closed="left")],
        "delta_kind": [StrOptions({"savgol", "difference"})],
        "lifter": [Interval(Real, 0, None, closed="left")],
        "normalize": [None, StrOptions({"clip"})],
    }
    _parameter_uses: ClassVar[Uses] = {
        "delta_kind": _DERIVATIVES,
        "delta_width": (
            _DERIVATIVES,
            needs("delta_kind='savgol'", lambda owner: owner.delta_kind == "savgol", "delta_kind"),
        ),
        "pad_mode": FRONT_END_USES["pad_mode"],
    }

    def __init__(
        self,
        sample_rate: int = 22050,
        *,
        n_mfcc: int = 20,
        deltas: int = 0,
        delta_width: int = 9,
        delta_kind: Literal["savgol", "difference"] = "savgol",
        lifter: float = 0.0,
        n_fft: int = 2048,
        win_length: int | None = None,
        hop_length: int = 512,
        n_mels: int = 128,
        fmin: float = 0.0,
        fmax: float | None = None,
        center: bool = True,
        pad_mode: Literal["constant", "reflect"] = "constant",
        mel_scale: Literal["slaney", "htk"] = "slaney",
        mel_norm: Literal["slaney"] | None = "slaney",
        top_db: float | None = 80.0,
        normalize: Literal["clip"] | None = None,
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.n_mfcc = n_mfcc
        self.deltas = deltas
        self.delta_width = delta_width
        self.delta_kind = delta_kind
        self.lifter = lifter
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.center = center
        self.pad_mode = pad_mode
        self.mel_scale = mel_scale
        self.mel_norm = mel_norm
        self.top_db = top_db
        self.normalize = normalize
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def _extractor(self) -> _MFCCExtractor:
        if self.delta_width % 2 == 0:
            raise ValueError(f"delta_width={self.delta_width} must be odd: a frame and as many on each side of it.")
        taken = {name: getattr(self, name) for name in ("sample_rate", *_TAKEN)}
        return _MFCCExtractor(self, FrontEnd(**taken))
