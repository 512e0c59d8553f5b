"""`MelSpectrogramTransformer`: recordings to (log-)mel frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_audio._meaning import Use, Uses
from sklearn_audio._sklearn import StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import FrontEnd, preset
from sklearn_audio.engine import front_end_frames, resolve_device
from sklearn_audio.preprocessing._frames import Blocks, FrameExtractor, FrameTransformer, normalize_clip
from sklearn_audio.preprocessing._front_end_parameters import FRONT_END_CONSTRAINTS, front_end_uses
from sklearn_audio.ragged import Ragged, mean_and_std

_FLAT = Use(
    "front_end=None",
    lambda owner: owner.front_end is None,
    lambda owner: "front_end determines it; sklearn_audio.dsp.preset(name, ...) changes one",
)


class FrontEndExtractor(FrameExtractor):
    """Frames of a `FrontEnd`, normalised per clip or per frame."""

    def __init__(
        self, front_end: FrontEnd, device: str | torch.device, prefix: str, normalize: str | None = None
    ) -> None:
        self.names = [f"{prefix}_{i}" for i in range(front_end.n_features)]
        self._front_end = front_end
        self._device = resolve_device(device)  # here, so that `fit` raises for a wrong name
        self._normalize = normalize

    def extract(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the frames of a clip in pieces."""
        return front_end_frames(self._front_end, blocks(), self._device)

    def complete(self, frames: NDArray[np.float32]) -> None:
        """Apply the steps that need the whole clip, then the normalisation."""
        self._front_end.finish(torch.from_numpy(frames))
        if self._normalize == "minmax":
            lowest, span = frames.min(), np.ptp(frames)
            frames -= lowest
            frames /= span if span > 0 else 1  # silence becomes 0, not 0 / 0
        elif self._normalize == "l2":
            with np.errstate(over="ignore"):
                norms = np.linalg.norm(frames, axis=1, keepdims=True)
            if not np.isfinite(norms).all():
                norms = np.linalg.norm(frames.astype(np.float64), axis=1, keepdims=True)
            frames /= np.maximum(norms, np.finfo(np.float32).tiny)
        elif self._normalize == "clip":
            normalize_clip(frames)

    def complete_block(self, frames: NDArray[np.float32], highest: np.float32) -> bool:
        """Do the same for a block, unless the normalisation needs more than the maximum."""
        if self._normalize is not None:
            return False
        self._front_end.finish(torch.from_numpy(frames), torch.tensor(highest))
        return True


class MelSpectrogramTransformer(FrameTransformer):
    """Recordings to (log-)mel spectrograms, one row of frames per clip.

    The defaults are those of ``librosa.feature.melspectrogram`` followed by ``librosa.power_to_db``, with `n_fft` of
    1024 instead of 2048 and 64 instead of 128 bands. `front_end` takes the exact front ends of published networks. The
    number of frames varies with the clip, and clips do not affect each other.

    Parameters
    ----------
    sample_rate : int, default=22050
        Analysis rate in Hz: recordings are resampled to it; arrays without a rate are assumed to have it.
    n_fft : int, default=1024
        Length of the Fourier transform in timepoints.
    win_length : int, default=None
        Length of the window in timepoints. None: `n_fft`.
    hop_length : int, default=512
        Timepoints between adjacent frames.
    n_mels : int, default=64
        Number of mel bands.
    fmin : float, default=0.0
        Lower edge of the filterbank in Hz.
    fmax : float, default=None
        Upper edge of the filterbank in Hz; None: half the sample rate.
    window : {"hann", "hamming", "blackman", "rectangular", "povey"}, default="hann"
        Shape of the window.
    center : bool, default=True
        Pad the clip so that frame k is centred on timepoint ``k * hop_length``.
    pad_mode : {"constant", "reflect"}, default="constant"
        Content of the padding.
    power : float, default=2.0
        Exponent of the magnitude: 1 for magnitude, 2 for power.
    mel_scale : {"slaney", "htk"}, default="slaney"
        Scale of the band edges.
    mel_norm : {"slaney"} or None, default="slaney"
        Equal areas, or None: peaks of 1.
    log : {"db", "ln", "log10"} or None, default="db"
        Compression. None: powers (or magnitudes).
    log_floor : float, default=1e-10
        Smallest value that enters the logarithm.
    ref : float or "max", default=1.0
        With ``log="db"``: the value of 0 dB; "max": the maximum of each clip.
    top_db : float, default=80.0
        With ``log="db"``: clip values this far below the maximum of the clip. None: no clipping.
    front_end : str or FrontEnd, default=None
        The name of a `sklearn_audio.dsp.preset`, such as "panns_32k", or a front end, instead of all parameters above,
        which must then have their defaults. Arrays without a rate are assumed to have that of the front end.
    normalize : {"minmax", "standard", "clip", "l2"} or None, default=None
        "minmax" maps each clip to [0, 1]; "standard" subtracts the mean and divides by the standard deviation of each
        band, learned in `fit`; "clip" does so with those of the clip, which removes the colour of a microphone or
        voice; "l2" gives each frame unit length.
    device : str or torch.device, default="cpu"
        Torch device; "auto" is the first available of CUDA, MPS and the CPU. The default gives the same frames on every
        machine.
    n_jobs : int, default=None
        Decoding and computing threads; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise" stops at the first unusable clip; "nan" returns one frame of NaN for it and warns once.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    mean_ : ndarray of float64, shape (n_mels,)
        Mean of each band over all frames of the training clips, with ``normalize="standard"``.
    scale_ : ndarray of float64, shape (n_mels,)
        Standard deviation of each band, with ``normalize="standard"``; 1 where it is 0.
    n_features_in_ : int
        Number of timepoints, if X is an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X is a DataFrame of numbers.

    See Also
    --------
    sklearn_audio.dsp.FrontEnd : The same computation on tensors.
    SequencePooling : Statistics over the frames.

    References
    ----------
    S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and Signal Processing 28 (1980).

    Examples
    --------
    >>> from sklearn_audio import MelSpectrogramTransformer
    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=4, random_state=0)
    >>> mel = MelSpectrogramTransformer(sample_rate=16000, n_mels=40)
    >>> frames = mel.fit_transform(sounds.data)
    >>> len(frames), frames.item_shape
    (4, (40,))
    >>> MelSpectrogramTransformer(front_end="vggish").transform(
    ...     sounds.data
    ... ).item_shape
    (64,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        **FRONT_END_CONSTRAINTS,
        "front_end": [None, str, FrontEnd],
        "normalize": [None, StrOptions({"minmax", "standard", "clip", "l2"})],
        "device": [str, torch.device],
    }
    _parameter_uses: ClassVar[Uses] = {
        name: (_FLAT, *front_end_uses(name)) for name in ("sample_rate", *FRONT_END_CONSTRAINTS)
    }

    def __init__(
        self,
        sample_rate: int = 22050,
        *,
        n_fft: int = 1024,
        win_length: int | None = None,
        hop_length: int = 512,
        n_mels: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        window: str = "hann",
        center: bool = True,
        pad_mode: Literal["constant", "reflect"] = "constant",
        power: float = 2.0,
        mel_scale: Literal["slaney", "htk"] = "slaney",
        mel_norm: Literal["slaney"] | None = "slaney",
        log: Literal["db", "ln", "log10"] | None = "db",
        log_floor: float = 1e-10,
        ref: float | Literal["max"] = 1.0,
        top_db: float | None = 80.0,
        front_end: str | FrontEnd | None = None,
        normalize: Literal["minmax", "standard", "clip", "l2"] | None = None,
        device: str | torch.device = "cpu",
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.window = window
        self.center = center
        self.pad_mode = pad_mode
        self.power = power
        self.mel_scale = mel_scale
        self.mel_norm = mel_norm
        self.log = log
        self.log_floor = log_floor
        self.ref = ref
        self.top_db = top_db
        self.front_end = front_end
        self.normalize = normalize
        self.device = device
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> Self:
        """Return a transformer with the front end of a published network, or with one that differs from it.

        Parameters
        ----------
        name : str
            A name of `sklearn_audio.dsp.preset`: "vggish", "panns_32k", "panns_16k", "panns_8k", "ast", "few_audio",
            "deep_audio_features", "audio_tokens", "efficientat", "musicnn", "speech_embedding"
            or "yamnet".
        **overrides
            Fields of `sklearn_audio.dsp.FrontEnd` to replace, or parameters of this class to set.

        Returns
        -------
        MelSpectrogramTransformer
            A new transformer, with `front_end`.

        Raises
        ------
        ValueError
            If the name is unknown.
        TypeError
            If an override is neither a field nor a parameter.

        Examples
        --------
        >>> from sklearn_audio import MelSpectrogramTransformer
        >>> MelSpectrogramTransformer.from_preset("ast", normalize="standard")
        MelSpectrogramTransformer(front_end='ast', normalize='standard')
        >>> MelSpectrogramTransformer.from_preset("ast", n_mels=40).front_end.n_mels
        40
        """
        names = {field.name for field in fields(FrontEnd)}
        changed = {key: overrides.pop(key) for key in list(overrides) if key in names}
        front_end = preset(name, **changed)
        return cls(front_end=front_end if changed else name, **overrides)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.normalize == "standard"
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the mean and scale of each band with ``normalize="standard"``; otherwise nothing.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide. Arrays without a rate are assumed to have `sample_rate`.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        AudioReadError
            If a recording is needed but cannot be read, and `on_error` is "raise".
        TypeError, ValueError
            If a parameter or a clip is invalid.
        """
        super().fit(X)
        if self.normalize == "standard":
            frames, failed = self._frames(self._validate_X(X, reset=False))
            self._learn(frames, failed)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Ragged:
        """Fit and transform, computing the frames once.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.
        y : object, default=None
            Ignored.
        **fit_params
            Not supported.

        Returns
        -------
        Ragged
            One row per clip, float32 of shape (n_frames, n_mels).
        """
        super().fit(X)
        frames, failed = self._frames(self._validate_X(X, reset=False))
        if self.normalize == "standard":
            self._learn(frames, failed)
            self._standardize(frames)
        return frames

    def transform(self, X: Any) -> Ragged:
        frames: Ragged = super().transform(X)
        if self.normalize == "standard":
            self._standardize(frames)
        return frames

    @property
    def _stateless(self) -> bool:  # type: ignore[override]
        return self.normalize != "standard"

    def _chosen_front_end(self) -> FrontEnd:
        if isinstance(self.front_end, str):
            return preset(self.front_end)
        if self.front_end is not None:
            return self.front_end
        return FrontEnd(**{name: getattr(self, name) for name in ("sample_rate", *FRONT_END_CONSTRAINTS)})

    @property
    def _rate(self) -> int:
        return self._chosen_front_end().sample_rate

    def _extractor(self) -> FrontEndExtractor:
        return FrontEndExtractor(self._chosen_front_end(), self.device, "mel", self.normalize)

    def _learn(self, frames: Ragged, failed: list[int]) -> None:
        kept = frames[np.setdiff1d(np.arange(len(frames)), failed)] if failed else frames
        if len(kept) == 0:
            raise ValueError('no clip could be read: normalize="standard" has nothing to learn from.')
        self.mean_, scale = mean_and_std(kept.values)
        self.scale_ = np.where(scale > 0, scale, 1.0)

    def _standardize(self, frames: Ragged) -> None:
        frames.values[...] -= self.mean_.astype(np.float32)
        frames.values[...] /= self.scale_.astype(np.float32)
