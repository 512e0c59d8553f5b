"""`FrontEnd`: all constants of the path from a waveform to frames, and `FrontEndModule`, which computes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor, nn

from sklearn_audio._isolation import isolated
from sklearn_audio._names import check_name
from sklearn_audio.dsp._compression import Compression, magnitude
from sklearn_audio.dsp._framing import FrameGeometry, FrameStream, PadMode, constant_blocks, cut_frames
from sklearn_audio.dsp._mel import MelScale, mel_filterbank
from sklearn_audio.dsp._windows import WINDOWS, window

_CHOICES: dict[str, tuple[object, ...]] = {
    "window": tuple(WINDOWS),
    "window_align": ("center", "left"),
    "pad_mode": ("constant", "reflect"),
    "preemphasis_scope": ("frame", "waveform"),
    "mel_scale": ("slaney", "htk"),
    "triangle_domain": ("hz", "mel"),
    "mel_norm": ("slaney", None),
    "log": ("db", "ln", "log10", None),
}
_RANGES = {"preemphasis": (0, 1), "log_gain": (0, math.inf), "log_offset": (0, math.inf), "log_floor": (0, math.inf)}


@dataclass(frozen=True, kw_only=True)
class FrontEnd(Compression):
    """Waveform to (log-)mel frames, with all conventions explicit.

    Published networks need exactly the frames of their training, and "log-mel" means different arithmetic in each of
    them. A `FrontEnd` is this arithmetic as data: hashable, comparable and picklable. It computes on the device and in
    the precision of its input.

    Parameters
    ----------
    sample_rate : int, default=22050
        Hz.
    n_fft : int, default=1024
        Length of the Fourier transform in timepoints.
    win_length : int, default=None
        Length of the window in timepoints, at most `n_fft`; None: `n_fft`.
    hop_length : int, default=512
        Timepoints between adjacent frames.
    window : {"hann", "hamming", "blackman", "rectangular", "povey"}, default="hann"
        Shape of the window.
    window_periodic : bool, default=True
        Periodic (librosa, torchlibrosa) or symmetric (Kaldi) window.
    window_align : {"center", "left"}, default="center"
        Position in the frame of a window shorter than `n_fft`: centred (librosa), or at the start, with frames counted
        by the window (VGGish, Kaldi).
    center : bool, default=True
        Pad ``n_fft // 2`` timepoints at each end, so that frame k is centred on timepoint ``k * hop_length``.
    pad_mode : {"constant", "reflect"}, default="constant"
        Content of the padding: zeros (librosa since 0.10), or the reflected waveform.
    pad_end : bool, default=False
        Add zeros at the end, so that each frame that begins within the waveform is there (TensorFlow); not with
        `center`.
    remove_dc : bool, default=False
        Subtract the mean of each frame before the window (Kaldi).
    preemphasis : float, default=0.0
        Coefficient c of ``x[t] - c * x[t - 1]``.
    preemphasis_scope : {"frame", "waveform"}, default="frame"
        Within each frame, whose first timepoint is its own predecessor (Kaldi), or along the waveform, which becomes
        one timepoint shorter (EfficientAT).
    power : float, default=2.0
        Exponent of the magnitude: 1 for magnitude, 2 for power.
    n_mels : int or None, default=64
        Number of mel bands; None: the ``n_fft // 2 + 1`` bins of the Fourier transform.
    fmin : float, default=0.0
        Lower edge of the filterbank in Hz.
    fmax : float, default=None
        Upper edge of the filterbank in Hz; None: half the sample rate.
    mel_scale : {"slaney", "htk"}, default="slaney"
        Scale of the band edges.
    triangle_domain : {"hz", "mel"}, default="hz"
        Scale on which the triangles are linear.
    mel_norm : {"slaney"} or None, default="slaney"
        Equal areas, or None: peaks of 1.
    drop_nyquist : bool, default=False
        Give the highest bin no weight (Kaldi).
    log : {"db", "ln", "log10"} or None, default="db"
        Compression. "db" is ``20 / power * log10``: decibels for powers and for magnitudes.
    log_gain : float, default=1.0
        Factor before the logarithm.
    log_offset : float, default=0.0
        Added before the logarithm.
    log_floor : float, default=1e-10
        Smallest value that enters the logarithm.
    ref : float or "max", default=1.0
        With "db": the value of 0 dB; "max": the maximum of each clip.
    top_db : float or None, default=80.0
        With "db": clip values this far below the maximum of the clip.
    half_precision : bool, default=False
        Round to float16 before and within the compression, like MusiCNN's code; values above 65504, infinite there,
        become 65504.
    mean : float, default=0.0
        Value to subtract at the end.
    std : float, default=1.0
        Divisor at the end.

    Raises
    ------
    ValueError
        If two settings contradict each other.

    See Also
    --------
    sklearn_audio.dsp.preset : The front ends of published networks by name.
    sklearn_audio.preprocessing.MelSpectrogramTransformer : Scikit-learn transformer.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp import FrontEnd
    >>> front_end = FrontEnd(sample_rate=16000, hop_length=160, n_mels=40)
    >>> front_end(torch.zeros(16000)).shape
    torch.Size([101, 40])
    """

    sample_rate: int = 22050
    n_fft: int = 1024
    win_length: int | None = None
    hop_length: int = 512
    window: str = "hann"
    window_periodic: bool = True
    window_align: Literal["center", "left"] = "center"
    center: bool = True
    pad_mode: PadMode = "constant"
    pad_end: bool = False
    remove_dc: bool = False
    preemphasis: float = 0.0
    preemphasis_scope: Literal["frame", "waveform"] = "frame"
    power: float = 2.0
    n_mels: int | None = 64
    fmin: float = 0.0
    fmax: float | None = None
    mel_scale: MelScale = "slaney"
    triangle_domain: Literal["hz", "mel"] = "hz"
    mel_norm: Literal["slaney"] | None = "slaney"
    drop_nyquist: bool = False
    log: Literal["db", "ln", "log10"] | None = "db"
    log_gain: float = 1.0
    log_offset: float = 0.0
    log_floor: float = 1e-10
    ref: float | Literal["max"] = 1.0
    top_db: float | None = 80.0
    half_precision: bool = False
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            check_name(name, getattr(self, name), choices)
        for name, (lowest, highest) in _RANGES.items():
            if not lowest <= getattr(self, name) <= highest:
                raise ValueError(f"{name}={getattr(self, name)} must lie between {lowest} and {highest}.")
        if self.win_length is not None and not 1 <= self.win_length <= self.n_fft:
            raise ValueError(f"win_length={self.win_length} must lie between 1 and n_fft={self.n_fft}.")
        if self.hop_length < 1:
            raise ValueError(f"hop_length={self.hop_length} must be at least 1 timepoint.")
        if self.pad_end and self.center:
            raise ValueError("pad_end=True adds zeros where center=True has padding; set one of them to False.")
        if self.log is not None and self.log_floor <= 0 and self.log_offset <= 0:
            raise ValueError("the logarithm of silence needs log_floor > 0 or log_offset > 0.")
        if self.std == 0:
            raise ValueError("std must not be 0.")
        highest = self.sample_rate / 2 if self.fmax is None else self.fmax
        if self.n_mels is not None and not 0 <= self.fmin < highest <= self.sample_rate / 2:
            raise ValueError(
                f"fmin={self.fmin} and fmax={self.fmax} do not fit sample_rate={self.sample_rate}: "
                f"need 0 <= fmin < fmax <= {self.sample_rate / 2}."
            )

    @property
    def n_features(self) -> int:
        """Values per frame: `n_mels`, or the bins of the Fourier transform."""
        return self.n_fft // 2 + 1 if self.n_mels is None else self.n_mels

    @property
    def geometry(self) -> FrameGeometry:
        """Positions of the frames of a clip."""
        length = self.win_length or self.n_fft
        centred = self.window_align == "center"
        # The zeros before a centred window are skipped: a shift does not change magnitudes.
        lead = (self.n_fft - length) // 2 if centred else 0
        span = self.n_fft - lead if centred else length
        return FrameGeometry(
            length=length,
            hop=self.hop_length,
            lead=lead,
            span=span,
            pad=self.n_fft // 2 if self.center else 0,
            pad_mode=self.pad_mode,
            after=lead + span - 1 if self.pad_end else 0,
        )

    def n_frames(self, n_timepoints: int) -> int:
        """Return the number of frames of a clip.

        Parameters
        ----------
        n_timepoints : int
            Length of the waveform, at least 1.

        Returns
        -------
        int
            At least 1: shorter clips are zero-padded.
        """
        shortened = self._waveform_preemphasis != 0
        return self.geometry.n_frames(max(1, n_timepoints - shortened))

    def __call__(self, waveform: Tensor) -> Tensor:
        """Compute the frames (n_frames, n_features) of one clip (n_timepoints,)."""
        stream, waveform = self.stream(), self._checked(waveform)
        return self.finish(torch.cat([*stream.feed(waveform), *stream.finish()]))

    @staticmethod
    def _checked(waveform: Tensor) -> Tensor:
        if waveform.ndim != 1 or len(waveform) == 0:
            raise ValueError(
                f"need one waveform of shape (n_timepoints,) that is not empty, got {tuple(waveform.shape)}."
            )
        return waveform

    def batch(self, waveforms: Sequence[Tensor]) -> list[Tensor]:
        """Compute the frames of many clips at once, for devices that need large blocks.

        The frames of all clips are concatenated into blocks of one shape, so that a clip does not depend on the others;
        the result equals that of single calls to 1e-5 of the maximum.

        Parameters
        ----------
        waveforms : sequence of Tensor, each of shape (n_timepoints_i,)
            Clips at `sample_rate`, of one type and on one device; each has at least one timepoint.

        Returns
        -------
        list of Tensor, each of shape (n_frames_i, n_features)
            The frames of each clip.

        Raises
        ------
        ValueError
            If a waveform is not one-dimensional or is empty.

        Examples
        --------
        >>> import torch
        >>> from sklearn_audio.dsp import FrontEnd
        >>> clips = [torch.zeros(5000), torch.zeros(1024)]
        >>> [len(frames) for frames in FrontEnd().batch(clips)]
        [10, 3]
        """
        pieces: list[list[Tensor]] = []
        for clip in waveforms:
            stream = FrameStream(self.geometry, preemphasis=self._waveform_preemphasis)
            pieces.append([*stream.feed(self._checked(clip)), *stream.finish()])
        counts = [sum(map(len, clip)) for clip in pieces]
        blocks = constant_blocks([piece for clip in pieces for piece in clip])
        rows = [self.frame_features(block) for block in blocks]
        if not rows:
            return []
        # (all frames, filled up to whole blocks) -> one tensor per clip
        clips = torch.split(torch.cat(rows)[: sum(counts)], counts)
        return [self.finish(frames.clone()) for frames in clips]

    def stream(self) -> FrameStream:
        """Start the processing of a clip in blocks of timepoints.

        Returns
        -------
        FrameStream
            Its ``feed`` and ``finish`` yield blocks of frames; apply `finish` to all of them.
        """
        return FrameStream(self.geometry, features=self.frame_features, preemphasis=self._waveform_preemphasis)

    @property
    def _waveform_preemphasis(self) -> float:
        return self.preemphasis if self.preemphasis_scope == "waveform" else 0.0

    def module(self) -> FrontEndModule:
        """Make a network module of this front end.

        Returns
        -------
        FrontEndModule
            With a window and a filterbank of its own.
        """
        return FrontEndModule(self)

    @isolated(keep_gradients=True)
    def frame_features(self, frames: Tensor) -> Tensor:
        """Compute the features of a block of frames, except for steps that need the whole clip.

        Parameters
        ----------
        frames : Tensor of shape (n_frames, win_length)
            Timepoints under the window.

        Returns
        -------
        Tensor of shape (n_frames, n_features)
            One row per frame.
        """
        return _module(self, frames.dtype, frames.device).features(frames)


class FrontEndModule(nn.Module):
    """A `FrontEnd` as part of a network: it moves to a device with it, passes gradients on, and is exported with it.

    Waveforms of one length become frames in one go; for long clips and bounded memory, use the `FrontEnd` itself, which
    computes the same. ``state_dict`` holds the buffers ``window`` and, with mel bands, ``filters``; nothing is learned.

    Parameters
    ----------
    front_end : FrontEnd
        All settings.
    dtype : torch.dtype, default=torch.float32
        Precision of the buffers, and of the waveforms.

    Attributes
    ----------
    front_end : FrontEnd
        As given.
    window : Tensor of shape (win_length,)
        The window.
    filters : Tensor of shape (n_fft // 2 + 1, n_mels), or None
        The filterbank.

    See Also
    --------
    sklearn_audio.dsp.FrontEnd.module : Makes one.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp import preset
    >>> dense = torch.nn.Linear(96 * 64, 2)
    >>> network = torch.nn.Sequential(
    ...     preset("vggish").module(), torch.nn.Flatten(), dense
    ... )
    >>> network(torch.zeros(3, 15_600)).shape
    torch.Size([3, 2])
    """

    window: Tensor
    filters: Tensor | None

    def __init__(self, front_end: FrontEnd, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.front_end = front_end
        curve = window(front_end.window, front_end.geometry.length, periodic=front_end.window_periodic)
        self.register_buffer("window", torch.tensor(curve, dtype=dtype))
        self.register_buffer("filters", None)
        if front_end.n_mels is not None:
            filters = mel_filterbank(
                front_end.sample_rate,
                front_end.n_fft,
                front_end.n_mels,
                fmin=front_end.fmin,
                fmax=front_end.fmax,
                scale=front_end.mel_scale,
                domain=front_end.triangle_domain,
                norm=front_end.mel_norm,
                drop_nyquist=front_end.drop_nyquist,
            )
            self.filters = torch.tensor(filters, dtype=dtype)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Compute the frames of waveforms of equal length.

        Parameters
        ----------
        waveforms : Tensor of shape (n_clips, n_timepoints)
            Clips at the sample rate of the front end, on the device and in the precision of the module.

        Returns
        -------
        Tensor of shape (n_clips, n_frames, n_features)
            Those of `FrontEnd`, to 1e-5 of the maximum.

        Raises
        ------
        ValueError
            If the waveforms have other than two axes or no timepoint.
        TypeError
            If they have another precision than the module.
        """
        if waveforms.ndim != 2 or waveforms.shape[1] == 0:
            raise ValueError(
                f"need waveforms of shape (n_clips, n_timepoints) that are not empty, got {tuple(waveforms.shape)}."
            )
        if waveforms.dtype != self.window.dtype:
            raise TypeError(
                f"the waveforms are {waveforms.dtype}, but the front end computes in {self.window.dtype}; convert "
                "them, or make it with FrontEndModule(front_end, dtype=...)."
            )
        change = self.front_end._waveform_preemphasis
        if change:
            # a single timepoint has no difference: silence
            several = waveforms.shape[1] > 1
            waveforms = waveforms[:, 1:] - change * waveforms[:, :-1] if several else torch.zeros_like(waveforms)
        frames = cut_frames(waveforms, self.front_end.geometry)
        kind = frames.device.type
        # autocast would multiply in bfloat16; "meta", which has shapes only, knows none
        with torch.autocast("cpu" if kind == "meta" else kind, enabled=False):
            return self.front_end.finish(self.features(frames))

    def features(self, frames: Tensor) -> Tensor:
        """Compute the features of frames, except for steps that need the whole clip.

        Parameters
        ----------
        frames : Tensor of shape (..., win_length)
            Timepoints under the window.

        Returns
        -------
        Tensor of shape (..., n_features)
            One row per frame.
        """
        front_end = self.front_end
        if front_end.remove_dc:
            frames = frames - frames.mean(dim=-1, keepdim=True)
        if front_end.preemphasis and front_end.preemphasis_scope == "frame":
            first = frames[..., :1] * (1 - front_end.preemphasis)  # is its own predecessor
            frames = torch.cat([first, frames[..., 1:] - front_end.preemphasis * frames[..., :-1]], dim=-1)
        spectrum = torch.fft.rfft(frames * self.window, n=front_end.n_fft)  # (..., win) -> (..., n_fft // 2 + 1)
        values = magnitude(spectrum, front_end.power)
        if self.filters is not None:
            values = values @ self.filters  # (..., bins) -> (..., n_mels)
        values = front_end.compress(values)
        if (front_end.mean, front_end.std) == (0.0, 1.0):
            return values
        return (values - front_end.mean) / front_end.std


@lru_cache(maxsize=32)
@isolated()  # cached, and a later caller may need gradients
def _module(front_end: FrontEnd, dtype: torch.dtype, device: torch.device) -> FrontEndModule:
    return FrontEndModule(front_end, dtype=dtype).to(device)
