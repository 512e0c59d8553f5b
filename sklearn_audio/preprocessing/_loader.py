"""`AudioLoader`: recordings to waveforms."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS, AudioEstimator, RaggedOutputMixin, Reading
from sklearn_audio.engine import collect_rows
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import AudioClips, Channel

_SILENCE = 1e-10  # a power that counts as none


class AudioLoader(RaggedOutputMixin, AudioEstimator):
    """Recordings to mono float32 waveforms at one rate.

    Reads all formats of libsndfile (WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF, ...) and, with the extra ``ffmpeg``, m4a
    and other formats of FFmpeg; averages the channels and resamples with soxr at high quality. All other estimators of
    this library read recordings in the same way; use the loader for waveforms, parts of files or a single channel.

    Parameters
    ----------
    sample_rate : int, default=16000
        Rate of the waveforms in Hz. Arrays without a rate are assumed to have it.
    offset : float, default=0.0
        Seconds to skip at the start of each clip.
    duration : float, default=None
        Seconds to keep of each clip. None: all.
    fix_length : bool, default=False
        Return an array of shape (n_clips, n_timepoints), zero-padded to `duration`, which is required.
    trim : float, default=None
        Remove silence from both ends of each clip: all before the first and after the last frame of 40 ms, every 10 ms,
        whose power is within this many decibels of the loudest, like ``librosa.effects.trim``. None: keep all.
    channel : "mean" or int, default="mean"
        Average the channels, or take one of them, counted from 0.
    strict : bool, default=False
        Raise for a recording whose length differs from its header; False warns and reads the existing samples.
    n_jobs : int, default=None
        Decoding and resampling threads; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise" stops at the first unusable clip; "nan" returns one timepoint of NaN for it (a row of NaN with
        `fix_length`) and warns once at the end.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of timepoints, if X is an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X is a DataFrame of numbers.

    See Also
    --------
    MelSpectrogramTransformer : Recordings to log-mel frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import AudioLoader
    >>> stereo = {"array": np.zeros((44100, 2)), "sampling_rate": 44100}
    >>> AudioLoader(sample_rate=16000).transform([stereo, np.zeros(8000)])
    Ragged(n_rows=2, lengths=8000..16000, item_shape=(), dtype=float32)
    >>> AudioLoader(sample_rate=16000, duration=0.25, fix_length=True).transform(
    ...     [stereo]
    ... ).shape
    (1, 4000)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        "channel": [StrOptions({"mean"}), Interval(Integral, 0, None, closed="left")],
        "offset": [Interval(Real, 0, None, closed="left")],
        "duration": [None, Interval(Real, 0, None, closed="neither")],
        "fix_length": ["boolean"],
        "trim": [None, Interval(Real, 0, None, closed="neither")],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        sample_rate: int = 16000,
        *,
        offset: float = 0.0,
        duration: float | None = None,
        fix_length: bool = False,
        trim: float | None = None,
        channel: Channel = "mean",
        strict: bool = False,
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.offset = offset
        self.duration = duration
        self.fix_length = fix_length
        self.trim = trim
        self.channel = channel
        self.strict = strict
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and X; nothing is read or learned.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter or X is invalid, or `fix_length` is set without `duration`.
        """
        self._validate_params()
        self._fixed_length()
        self._validate_X(X, reset=True)
        return self

    def transform(self, X: Any) -> Ragged | NDArray[np.float32]:
        """Read the clips.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.

        Returns
        -------
        Ragged or ndarray of float32, shape (n_clips, n_timepoints)
            One waveform per clip; an array with `fix_length`.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        TypeError, ValueError
            If a clip is invalid and `on_error` is "raise", or a row has a type that is not a clip; the message names
            the row.
        """
        self._check_fitted()
        length = self._fixed_length()
        clips = self._validate_X(X, reset=False)
        waveforms, failed = collect_rows(
            clips,
            lambda row: self._blocks(clips, row),
            item_shape=(),
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            verbose=self.verbose,
            description=type(self).__name__,
        )
        if length is None:
            return waveforms
        fixed = waveforms.to_padded(length=length)
        fixed[failed] = np.nan
        return fixed

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the feature of a waveform.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str
            ``["amplitude"]``; with `fix_length`, one name per timepoint.
        """
        length = self._fixed_length()
        names = ["amplitude"] if length is None else [f"timepoint_{i}" for i in range(length)]
        return np.asarray(names, dtype=object)

    def _fixed_length(self) -> int | None:
        if not self.fix_length:
            return None
        if self.duration is None:
            raise ValueError("fix_length=True needs duration=, the seconds to which every clip is cut or padded.")
        return round(self.duration * self.sample_rate)

    def _blocks(self, clips: AudioClips, row: int) -> Iterator[NDArray[np.float32]]:
        if self.trim is None:
            yield from clips.stream(row)
            return
        waveform = np.concatenate(list(clips.stream(row)))
        yield waveform[loud_span(waveform, self.sample_rate, self.trim)]

    def _reading(self) -> Reading:
        return Reading(self.sample_rate, self.sample_rate, self.channel)

    def _validate_X(self, X: Any, *, reset: bool) -> AudioClips:
        return self._validate_audio(
            X,
            self.sample_rate,
            reset=reset,
            bare_rate=self.sample_rate,
            channel=self.channel,
            offset=self.offset,
            duration=self.duration,
            strict=self.strict,
        )


def loud_span(waveform: NDArray[np.float32], rate: int, top_db: float) -> slice:
    """Find the part of a clip between silences."""
    hop = max(1, rate // 100)
    energy = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    middles = np.arange(0, len(waveform) + 1, hop)
    starts, stops = np.maximum(middles - 2 * hop, 0), np.minimum(middles + 2 * hop, len(waveform))
    power = np.maximum((energy[stops] - energy[starts]) / (4 * hop), _SILENCE)
    loud = np.flatnonzero(power > power.max() * 10 ** (-top_db / 10))
    return slice(loud[0] * hop, min((loud[-1] + 1) * hop, len(waveform)))
