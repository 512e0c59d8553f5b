"""`SpectrogramTransformer`: recordings to magnitudes of the short-time Fourier or constant-Q transform."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.preprocessing._frames import Blocks, FrameExtractor, FrameTransformer
from sklearn_audio.preprocessing._front_end_parameters import FRONT_END_CONSTRAINTS, FRONT_END_USES
from sklearn_audio.preprocessing._mel import FrontEndExtractor

# C1, the default lowest note of the constant-Q transform
_C1_HZ = 32.70319566257483
_TAKEN = ("n_fft", "win_length", "hop_length", "window", "center", "pad_mode", "power", "top_db")
_STFT = needs("kind='stft'", lambda owner: owner.kind == "stft", "kind")
_CQT = needs("kind='cqt'", lambda owner: owner.kind == "cqt", "kind")


class _ConstantQExtractor(FrameExtractor):
    """Magnitudes of librosa's constant-Q transform, raised to a power and compressed as a `FrontEnd` would."""

    def __init__(self, owner: SpectrogramTransformer) -> None:
        self.names = [f"cqt_{i}" for i in range(owner.n_bins)]
        self._owner = owner
        self._decibels = owner._front_end()

    def extract(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the frames of the clip in one piece."""
        import librosa

        owner, waveform = self._owner, np.concatenate(list(blocks()))
        fmin = _C1_HZ if owner.fmin is None else owner.fmin
        longest = librosa.filters.wavelet_lengths(
            freqs=librosa.cqt_frequencies(owner.n_bins, fmin=fmin, bins_per_octave=owner.bins_per_octave),
            sr=owner.sample_rate,
            window=owner.window,
        )[0].max()
        n_frames = 1 + len(waveform) // owner.hop_length
        # librosa warns for clips shorter than its longest filter; zeros at the end do not change the frames kept
        padded = np.pad(waveform, (0, max(0, 2 * int(np.ceil(longest)) - len(waveform))))
        transform = librosa.cqt(
            padded,
            sr=owner.sample_rate,
            hop_length=owner.hop_length,
            fmin=fmin,
            n_bins=owner.n_bins,
            bins_per_octave=owner.bins_per_octave,
            window=owner.window,
            pad_mode=owner.pad_mode,
        )
        magnitudes = np.ascontiguousarray(np.abs(transform).T[:n_frames], dtype=np.float32)  # (n_frames, n_bins)
        yield self._decibels.compress(torch.from_numpy(magnitudes**owner.power)).numpy()

    def complete(self, frames: NDArray[np.float32]) -> None:
        """Apply `top_db`, which needs the whole clip."""
        self._decibels.finish(torch.from_numpy(frames))

    def complete_block(self, frames: NDArray[np.float32], highest: np.float32) -> bool:
        """Apply `top_db` to a block of the clip."""
        self._decibels.finish(torch.from_numpy(frames), torch.tensor(highest))
        return True


class SpectrogramTransformer(FrameTransformer):
    """Recordings to spectrograms: magnitudes of the short-time Fourier or of the constant-Q transform.

    Parameters
    ----------
    sample_rate : int, default=22050
        Analysis rate in Hz: recordings are resampled to it; arrays without a rate are assumed to have it.
    kind : {"stft", "cqt"}, default="stft"
        Short-time Fourier transform, equal to ``abs(librosa.stft(...))``, or librosa's constant-Q transform, with bins
        equally spaced in pitch. The constant-Q transform holds a whole clip in memory.
    n_fft : int, default=1024
        Length of the Fourier transform in timepoints ("stft").
    win_length : int, default=None
        Length of the window in timepoints; None: `n_fft` ("stft").
    hop_length : int, default=512
        Timepoints between adjacent frames; for "cqt" a multiple of 2 to the power of the number of octaves minus 1.
    window : {"hann", "hamming", "blackman", "rectangular", "povey"}, default="hann"
        Shape of the window ("cqt" takes the first three).
    center : bool, default=True
        Pad the clip so that frame k is centred on timepoint ``k * hop_length`` ("cqt" always does).
    pad_mode : {"constant", "reflect"}, default="constant"
        Content of the padding.
    power : float, default=1.0
        Exponent of the magnitude.
    log : {"db"} or None, default=None
        "db" returns decibels.
    top_db : float, default=80.0
        With ``log="db"``: clip values this far below the maximum of the clip. None: no clipping.
    fmin : float, default=None
        Lowest bin of the constant-Q transform in Hz; None is C1, 32.7 Hz.
    n_bins : int, default=84
        Bins of the constant-Q transform.
    bins_per_octave : int, default=12
        Bins per octave of the constant-Q transform.
    device : str or torch.device, default="cpu"
        Torch device of the Fourier transform; "auto" is the first available of CUDA, MPS and the CPU. The default gives
        the same frames on every machine.
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
    C. Schoerkhuber and A. Klapuri, "Constant-Q transform toolbox for music processing", 7th Sound and Music Computing
    Conference (2010).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import SpectrogramTransformer
    >>> SpectrogramTransformer(n_fft=512).transform(
    ...     [np.zeros(2048), np.zeros(1024)]
    ... )
    Ragged(n_rows=2, lengths=3..5, item_shape=(257,), dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        **{name: FRONT_END_CONSTRAINTS[name] for name in _TAKEN},
        "kind": [StrOptions({"stft", "cqt"})],
        "log": [None, StrOptions({"db"})],
        "fmin": [None, Interval(Real, 0, None, closed="neither")],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "bins_per_octave": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
    }
    _parameter_uses: ClassVar[Uses] = {
        **dict.fromkeys(("n_fft", "win_length", "center"), _STFT),
        **dict.fromkeys(("fmin", "n_bins", "bins_per_octave"), _CQT),
        "pad_mode": FRONT_END_USES["pad_mode"],
        "top_db": FRONT_END_USES["top_db"],
    }

    def __init__(
        self,
        sample_rate: int = 22050,
        *,
        kind: Literal["stft", "cqt"] = "stft",
        n_fft: int = 1024,
        win_length: int | None = None,
        hop_length: int = 512,
        window: str = "hann",
        center: bool = True,
        pad_mode: Literal["constant", "reflect"] = "constant",
        power: float = 1.0,
        log: Literal["db"] | None = None,
        top_db: float | None = 80.0,
        fmin: float | None = None,
        n_bins: int = 84,
        bins_per_octave: int = 12,
        device: str | torch.device = "cpu",
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.kind = kind
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.window = window
        self.center = center
        self.pad_mode = pad_mode
        self.power = power
        self.log = log
        self.top_db = top_db
        self.fmin = fmin
        self.n_bins = n_bins
        self.bins_per_octave = bins_per_octave
        self.device = device
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def _front_end(self) -> FrontEnd:
        # librosa's floors: 1e-5 for magnitudes, 1e-10 for powers
        taken = {name: getattr(self, name) for name in (*_TAKEN, "sample_rate", "log")}
        return FrontEnd(**taken, n_mels=None, log_floor=1e-5**self.power)

    def _extractor(self) -> FrameExtractor:
        if self.kind == "stft":
            return FrontEndExtractor(self._front_end(), self.device, "stft")
        highest = (_C1_HZ if self.fmin is None else self.fmin) * 2 ** (self.n_bins / self.bins_per_octave)
        if highest > self.sample_rate / 2:
            raise ValueError(
                f"the {self.n_bins} bins of the constant-Q transform reach {highest:.0f} Hz, beyond half the "
                f"sample_rate={self.sample_rate}. Lower n_bins or fmin, or raise sample_rate."
            )
        if self.window not in ("hann", "hamming", "blackman"):
            raise ValueError(
                f"window={self.window!r} is not supported with kind='cqt'; use 'hann', 'hamming' or 'blackman'."
            )
        return _ConstantQExtractor(self)
