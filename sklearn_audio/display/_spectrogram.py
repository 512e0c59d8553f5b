"""`SpectrogramDisplay`: level of a recording over time and frequency."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._sklearn import Interval, StrOptions, validate_parameter_constraints
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.dsp import FrontEnd, hz_to_mel, mel_to_hz
from sklearn_audio.engine import front_end_frames
from sklearn_audio.optional import require
from sklearn_audio.validation import check_audio

_ANY_RATE = 16000  # replaced by the rate of the clip
_FRAME_S = 0.046  # before it is rounded to a power of two timepoints
_N_MELS = 128
_FLOOR = 1e-10  # power, as in librosa.power_to_db
_TICKS_HZ = [0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]
_CONSTRAINTS: dict[str, list[Any]] = {
    "kind": [StrOptions({"mel", "stft"})],
    "n_mels": [Interval(Integral, 2, None, closed="left"), None],
    "fmin": [Interval(Real, 0, None, closed="left")],
    "fmax": [Interval(Real, 0, None, closed="neither"), None],
    "top_db": [Interval(Real, 0, None, closed="neither")],
    "max_columns": [Interval(Integral, 2, None, closed="left")],
    "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
}


class SpectrogramDisplay:
    """Spectrogram of a recording, in decibels over seconds and hertz.

    Create it with `from_clip`. Requires matplotlib (extra ``plot``).

    Parameters
    ----------
    levels : ndarray of shape (n_columns, n_bands)
        Levels in dB relative to the loudest.
    times : ndarray of shape (n_columns + 1,)
        Edges of the columns in seconds of the recording.
    frequencies : ndarray of shape (n_bands + 1,)
        Edges of the bands in Hz.
    scale : {"mel", "linear"}, default="linear"
        Scale of the frequency axis.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes; set by `plot`.
    figure_ : matplotlib.figure.Figure
        The figure; set by `plot`.
    image_ : matplotlib.collections.QuadMesh
        The spectrogram; set by `plot`.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        The scale of the levels; set by `plot`.

    See Also
    --------
    EventDisplay : With events and scores.
    sklearn_audio.preprocessing.MelSpectrogramTransformer : The frames as features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.display import SpectrogramDisplay
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    >>> display = SpectrogramDisplay.from_clip((tone, 16000))
    >>> loudest = display.levels.mean(axis=0).argmax()
    >>> display.frequencies[loudest : loudest + 2].round()
    array([ 994., 1018.])
    """

    def __init__(
        self,
        levels: NDArray[np.floating],
        times: NDArray[np.floating],
        frequencies: NDArray[np.floating],
        scale: Literal["mel", "linear"] = "linear",
    ) -> None:
        self.levels = levels
        self.times = times
        self.frequencies = frequencies
        self.scale = scale

    @classmethod
    def from_clip(
        cls,
        clip: Any,
        *,
        kind: Literal["mel", "stft"] = "mel",
        n_mels: int | None = None,
        fmin: float = 0.0,
        fmax: float | None = None,
        top_db: float = 80.0,
        max_columns: int = 1000,
        sample_rate: int | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Compute and plot the spectrogram of a clip, at its own sample rate.

        The clip is read in blocks, and powers are averaged over adjacent frames, so that memory does not grow with its
        length.

        Parameters
        ----------
        clip : path, array, (path, start, end), ...
            One clip; see the user guide.
        kind : {"mel", "stft"}, default="mel"
            Mel bands, or the bins of the Fourier transform on a linear scale. Frames last about 46 ms, with a quarter
            of that between them.
        n_mels : int, default=None
            Number of mel bands. None: 128.
        fmin : float, default=0.0
            Lowest frequency in Hz.
        fmax : float, default=None
            Highest frequency in Hz. None: half the sample rate.
        top_db : float, default=80.0
            Range in dB below the loudest.
        max_columns : int, default=1000
            Frames are averaged by twos, fours, ... as soon as there are twice as many columns.
        sample_rate : int, default=None
            Rate in Hz of an array without one.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        **options : object
            For `plot`.

        Returns
        -------
        SpectrogramDisplay
            The display.

        Raises
        ------
        AudioReadError
            If the recording cannot be read.
        TypeError, ValueError
            If a parameter or the clip is invalid.
        """
        chosen: dict[str, Any] = {"kind": kind, "n_mels": n_mels, "fmin": fmin, "fmax": fmax, "top_db": top_db}
        chosen |= {"max_columns": max_columns, "sample_rate": sample_rate}
        validate_parameter_constraints(_CONSTRAINTS, chosen, caller_name="SpectrogramDisplay.from_clip")
        if kind == "stft" and n_mels is not None:
            raise ValueError(f"n_mels={n_mels} has no effect with kind='stft'; leave it out, or set kind='mel'.")
        return cls(*compute_spectrogram(clip, **chosen)).plot(ax=ax, **options)

    def plot(self, ax: Any = None, *, cmap: Any = "magma", colorbar: bool = True) -> Self:
        """Plot the spectrogram.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        cmap : str or matplotlib colormap, default="magma"
            Colours of the levels.
        colorbar : bool, default=True
            Whether to draw the scale of the levels.

        Returns
        -------
        SpectrogramDisplay
            Itself.
        """
        pyplot = require("matplotlib.pyplot", needed_by=type(self).__name__, extra="plot")
        self.ax_ = pyplot.subplots(layout="constrained")[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        self.image_ = self.ax_.pcolormesh(self.times, self.frequencies, self.levels.T, cmap=cmap, rasterized=True)
        self.colorbar_ = self.figure_.colorbar(self.image_, ax=self.ax_, label="level (dB)") if colorbar else None
        lowest, highest = self.frequencies[[0, -1]]
        if self.scale == "mel":
            self.ax_.set_yscale("function", functions=(hz_to_mel, mel_to_hz))
            ticks = [tick for tick in _TICKS_HZ if lowest <= tick <= highest]
            self.ax_.set_yticks(ticks, labels=[str(tick) for tick in ticks])
            self.ax_.minorticks_off()
        self.ax_.set(
            xlabel="time (s)", ylabel="frequency (Hz)", xlim=(self.times[0], self.times[-1]), ylim=(lowest, highest)
        )
        return self


def compute_spectrogram(
    clip: Any,
    *,
    kind: str = "mel",
    n_mels: int | None = None,
    fmin: float = 0.0,
    fmax: float | None = None,
    top_db: float = 80.0,
    max_columns: int = 1000,
    sample_rate: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], Any]:
    """Return what a `SpectrogramDisplay` is made of: levels, edges in seconds and in Hz, and the scale."""
    clips = check_audio([clip], _ANY_RATE, bare_rate=sample_rate)
    seconds, rate, _ = clips.measure(0)
    front_end = _front_end(rate, kind, n_mels, fmin, fmax)
    powers, n_frames = _averaged(front_end_frames(front_end, clips.at_rate(rate).stream(0)), max_columns)
    bins, frequencies = _bands(front_end, fmin, fmax)
    hop = front_end.hop_length / rate  # frame k is centred on k times the hop
    edges = (np.arange(len(powers) + 1) * n_frames - 0.5) * hop
    times = clips.place(0)[1] + np.append(np.maximum(edges[:-1], 0.0), max(seconds, edges[-2] + hop / 2))
    return _decibels(powers[:, bins], top_db), times, frequencies, "mel" if kind == "mel" else "linear"


def _front_end(rate: float, kind: str, n_mels: int | None, fmin: float, fmax: float | None) -> FrontEnd:
    """Return the path to frames of powers; raise for frequencies that the clip does not have."""
    if not 0 <= fmin < (rate / 2 if fmax is None else fmax) <= rate / 2:
        raise ValueError(
            f"fmin={fmin:g} and fmax={fmax} do not fit; need 0 <= fmin < fmax <= {rate / 2:g}, half the rate."
        )
    n_fft = max(64, 2 ** round(np.log2(_FRAME_S * rate)))
    bands: dict[str, Any] = (
        {"n_mels": n_mels or _N_MELS, "fmin": fmin, "fmax": fmax} if kind == "mel" else {"n_mels": None}
    )
    return FrontEnd(sample_rate=round(rate), n_fft=n_fft, hop_length=n_fft // 4, log=None, top_db=None, **bands)


def _bands(front_end: FrontEnd, fmin: float, fmax: float | None) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which bands are shown, and the edges of these in Hz."""
    half = front_end.sample_rate / 2
    if front_end.n_mels is not None:
        top = half if fmax is None else fmax
        lowest, highest = hz_to_mel([fmin, top])
        step = (highest - lowest) / (front_end.n_mels + 1)  # between the centres of bands
        inner = mel_to_hz(lowest + step * (np.arange(1, front_end.n_mels) + 0.5))
        return np.ones(front_end.n_mels, dtype=bool), np.concatenate([[fmin], inner, [top]])
    width = front_end.sample_rate / front_end.n_fft
    centres = np.arange(front_end.n_fft // 2 + 1) * width
    shown = (centres >= fmin) & (centres <= (half if fmax is None else fmax))
    kept = centres[shown]
    return shown, np.clip(np.append(kept - width / 2, kept[-1] + width / 2), 0.0, half)


def _averaged(frames: Iterator[NDArray[np.float32]], most: int) -> tuple[NDArray[np.float32], int]:
    """Average adjacent frames to fewer than twice as many columns as `most`; return these, and frames per column."""
    columns: list[NDArray[np.float32]] = []
    waiting, n_columns, n_frames = np.empty((0, 0), dtype=np.float32), 0, 1
    for block in frames:
        waiting = np.concatenate([waiting, block]) if len(waiting) else block
        while len(waiting) >= n_frames:
            n = min(len(waiting) // n_frames, 2 * most - n_columns)
            columns.append(_means(waiting[: n * n_frames], n_frames))
            waiting, n_columns = waiting[n * n_frames :], n_columns + n
            if n_columns == 2 * most:
                columns, n_columns, n_frames = [_means(np.concatenate(columns), 2)], most, 2 * n_frames
    rest = [waiting.mean(axis=0, keepdims=True)] if len(waiting) else []
    return np.concatenate([*columns, *rest]), n_frames


def _means(frames: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Average groups of n frames.

    Shapes: (n_groups * n, n_bands) -> (n_groups, n_bands).
    """
    means: NDArray[np.float32] = frames.reshape(-1, n, frames.shape[1]).mean(axis=1)
    return means


def _decibels(powers: NDArray[np.float32], top_db: float) -> NDArray[np.float32]:
    """Return levels relative to the loudest; silence is at the lower end of the range."""
    levels = 10 * np.log10(np.maximum(powers, _FLOOR))
    highest = levels.max() if powers.max() > _FLOOR else 0.0
    shown: NDArray[np.float32] = np.maximum(levels - highest, -top_db)
    return shown
