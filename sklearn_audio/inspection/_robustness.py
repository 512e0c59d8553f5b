"""`robustness_table`: scores of a fitted classifier on changed recordings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_audio._names import check_name
from sklearn_audio._progress import progress_bar
from sklearn_audio._sklearn import validate_parameter_constraints
from sklearn_audio._threads import ordered_map
from sklearn_audio.augmentation import AddNoise
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.engine import reading_of
from sklearn_audio.files import resample
from sklearn_audio.validation import AudioClips, check_audio

__all__ = ["robustness_table"]

_CHUNK = 32  # clips in memory together
_CODECS = {"mp3": ("MP3", "MPEG_LAYER_III"), "vorbis": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}
_OPUS_RATE = 48000
_ORDER = 8  # of the low-pass filter
_CONSTRAINTS: dict[str, list[Any]] = {
    "conditions": [dict, None],
    "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
    "random_state": ["random_state"],
    "n_jobs": AUDIO_CONSTRAINTS["n_jobs"],
    "verbose": AUDIO_CONSTRAINTS["verbose"],
}


class _Sound(NamedTuple):
    """A waveform, and its rate in Hz."""

    wave: NDArray[np.float32]
    rate: float


_Change = Callable[[_Sound, np.random.Generator], _Sound]


def robustness_table(
    estimator: Any,
    X: Any,
    y: Any,
    conditions: Mapping[str, Iterable[Any]] | None = None,
    scoring: Any = None,
    *,
    sample_rate: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Score a fitted classifier on recordings that are changed as in the field.

    Give recordings that the estimator was not fitted on. They are read at the rate of the estimator's first step, and
    changed one by one; the same noise is added at every level.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of audio, or a pipeline that ends in one.
    X : sequence of clips
        Paths, arrays, parts of files, ...; see the user guide.
    y : array-like of shape (n_clips,) or (n_clips, n_labels)
        Labels.
    conditions : dict of str to sequence, default=None
        Levels by kind of change; None: those in parentheses.

        - "noise": white noise, by the signal-to-noise ratio in dB (30, 20, 10, 0);
        - "gain": in dB; what exceeds full scale is clipped (-20, -10, 10, 20);
        - "codec": coded and decoded by "mp3", "vorbis" or "opus" (those that libsndfile writes here);
        - "sample_rate": recorded at another rate in Hz (8000, 4000), of those below that of the estimator;
        - "crop": the middle part of each recording, as a fraction (0.5, 0.25);
        - "band_limit": a low-pass filter, by its cutoff in Hz (4000, 2000, 1000), of those below half the rate.
    scoring : str or callable, default=None
        Score, greater is better. None: the accuracy; of several labels, the fraction of clips without a mistake.
    sample_rate : int, default=None
        Rate in Hz of arrays without one, and the rate to read at if the first step does not say. None: that of the
        first step.
    random_state : int, RandomState instance or None, default=0
        Seed of the noise.
    n_jobs : int, default=None
        Number of threads that read and change clips; None: 1, -1: one per core.
    verbose : int, default=0
        1: show the progress in conditions.

    Returns
    -------
    DataFrame
        A row per condition: "kind", "level", "score" and "change", the score minus that of the unchanged recordings,
        which are the first row, of the kind "none".

    Raises
    ------
    AudioReadError
        If a recording cannot be read.
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If a kind or a level is unknown or has no effect, if the rate is unknown, or a clip is invalid; the message
        names the row.

    See Also
    --------
    sklearn_audio.display.RobustnessDisplay : Plot the table.
    sklearn_audio.augmentation : Changes of training clips, which can make a classifier robust.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_audio import MFCCTransformer, SequencePooling
    >>> from sklearn_audio.inspection import robustness_table
    >>> high, low = (
    ...     [np.sin(f * (1 + i / 50) * np.arange(8000)) for i in range(4)]
    ...     for f in (0.5, 0.1)
    ... )
    >>> labels = ["high"] * 4 + ["low"] * 4
    >>> model = make_pipeline(
    ...     MFCCTransformer(16000), SequencePooling(), LogisticRegression()
    ... ).fit(high + low, labels)
    >>> robustness_table(model, high + low, labels, {"crop": [0.5], "gain": [-6]})
       kind level  score  change
    0  none  None    1.0     0.0
    1  crop   0.5    1.0     0.0
    2  gain    -6    1.0     0.0
    """
    options = {"conditions": conditions, "sample_rate": sample_rate, "random_state": random_state, "n_jobs": n_jobs}
    validate_parameter_constraints(_CONSTRAINTS, {**options, "verbose": verbose}, caller_name="robustness_table")
    check_is_fitted(estimator)
    reading = reading_of(estimator)
    rate = reading.rate or sample_rate
    if rate is None:
        raise ValueError("the estimator does not say at which rate it reads; give sample_rate=.")
    bare_rate = reading.bare_rate if sample_rate is None else sample_rate
    clips = check_audio(X, rate, bare_rate=bare_rate, channel=reading.channel)
    check_consistent_length(clips, y)
    score = check_scoring(estimator, scoring)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    changes = {("none", None): lambda sound, _: sound, **_changes(conditions, rate)}
    scores = []
    for change in progress_bar(changes.values(), total=len(changes), unit="condition", shown=verbose):
        changed = _Changed(estimator, clips, float(rate), change, seed, n_jobs)
        scores.append(float(score(changed, np.arange(len(clips)), y)))
    table = pd.DataFrame(list(changes), columns=["kind", "level"], dtype=object)
    return table.assign(score=scores, change=np.array(scores) - scores[0])


def _changes(conditions: Mapping[str, Iterable[Any]] | None, rate: float) -> dict[tuple[str, Any], _Change]:
    """Return the change of each kind and level."""
    chosen = _defaults(rate) if conditions is None else conditions
    if not chosen:
        raise ValueError(f"conditions has no kind; give levels of some of {list(_KINDS)}.")
    found: dict[tuple[str, Any], _Change] = {}
    for kind, levels in chosen.items():
        check_name("kind of change", kind, _KINDS)
        if isinstance(levels, str) or not isinstance(levels, Iterable):
            raise TypeError(f"conditions[{kind!r}] is a sequence of levels, got {levels!r}.")
        found |= {(kind, level): _KINDS[kind](level, rate) for level in levels}
    return found


def _defaults(rate: float) -> dict[str, list[Any]]:
    return {
        "noise": [30, 20, 10, 0],
        "gain": [-20, -10, 10, 20],
        "codec": [name for name, form in _CODECS.items() if form[1] in soundfile.available_subtypes(form[0])],
        "sample_rate": [level for level in (8000, 4000) if level < rate],
        "crop": [0.5, 0.25],
        "band_limit": [level for level in (4000, 2000, 1000) if level < rate / 2],
    }


def _noise(level: Any, rate: float) -> _Change:
    noise = AddNoise(snr=_number("noise", level))
    return lambda sound, rng: _Sound(noise.transform(sound.wave, rng), sound.rate)


def _gain(level: Any, rate: float) -> _Change:
    factor = np.float32(10 ** (_number("gain", level) / 20))
    return lambda sound, _: _Sound(np.clip(sound.wave * factor, -1, 1), sound.rate)


def _codec(level: Any, rate: float) -> _Change:
    check_name("codec", level, _CODECS)
    form, subtype = _CODECS[level]
    if subtype not in soundfile.available_subtypes(form):
        raise ValueError(f"codec {level!r}: this libsndfile {soundfile.__libsndfile_version__} cannot write it.")

    def coded(sound: _Sound, _: np.random.Generator) -> _Sound:
        own = _OPUS_RATE if level == "opus" else round(sound.rate)
        wave = resample(sound.wave, sound.rate, own)
        file = io.BytesIO()
        soundfile.write(file, np.clip(wave, -1, 1), own, format=form, subtype=subtype)
        file.seek(0)
        decoded = soundfile.read(file, dtype="float32")[0][: len(wave)]
        return _Sound(decoded, own)

    return coded


def _sample_rate(level: Any, rate: float) -> _Change:
    target = _number("sample_rate", level, above=0, below=rate, bound="the rate of the estimator, {:g} Hz")
    return lambda sound, _: _Sound(resample(sound.wave, sound.rate, target), target)


def _crop(level: Any, rate: float) -> _Change:
    part = _number("crop", level, above=0, below=1, bound="{:g}, the whole recording")

    def cropped(sound: _Sound, _: np.random.Generator) -> _Sound:
        n = max(1, round(part * len(sound.wave)))
        start = (len(sound.wave) - n) // 2
        return _Sound(sound.wave[start : start + n], sound.rate)

    return cropped


def _band_limit(level: Any, rate: float) -> _Change:
    cutoff = _number("band_limit", level, above=0, below=rate / 2, bound="half the rate, {:g} Hz")
    filters = butter(_ORDER, cutoff, fs=rate, output="sos")

    def limited(sound: _Sound, _: np.random.Generator) -> _Sound:
        pad = min(3 * (2 * len(filters) + 1), len(sound.wave) - 1)
        return _Sound(sosfiltfilt(filters, sound.wave, padlen=pad).astype(np.float32), sound.rate)

    return limited


_KINDS: dict[str, Callable[[Any, float], _Change]] = {
    "noise": _noise,
    "gain": _gain,
    "codec": _codec,
    "sample_rate": _sample_rate,
    "crop": _crop,
    "band_limit": _band_limit,
}


def _number(kind: str, level: Any, above: float = -np.inf, below: float = np.inf, bound: str = "") -> float:
    value = float(level) if isinstance(level, Real) and not isinstance(level, bool) else np.nan
    if not (np.isfinite(value) and above < value < below):
        limits = f" above {above:g}" if above > -np.inf else ""
        limits += f" and below {bound.format(below)}" if below < np.inf else ""
        raise ValueError(f"conditions[{kind!r}]: got the level {level!r}; it must be a number{limits}.")
    return value


def _has(method: str) -> Callable[[_Changed], bool]:
    return lambda self: hasattr(self.estimator, method)


class _Changed(ClassifierMixin, BaseEstimator):
    """A fitted classifier of changed clips, which are given by their rows; scorers can use it."""

    def __init__(
        self, estimator: Any, clips: AudioClips, rate: float, change: _Change, seed: int, n_jobs: int | None
    ) -> None:
        self.estimator, self.clips, self.rate = estimator, clips, rate
        self.change, self.seed, self.n_jobs = change, seed, n_jobs

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    @property
    def classes_(self) -> Any:
        return self.estimator.classes_

    def predict(self, X: NDArray[np.int64]) -> Any:
        return self._answers("predict", X)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: NDArray[np.int64]) -> Any:
        return self._answers("predict_proba", X)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: NDArray[np.int64]) -> Any:
        return self._answers("decision_function", X)

    def _answers(self, method: str, rows: NDArray[np.int64]) -> Any:
        chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
        parts = [
            getattr(self.estimator, method)(list(ordered_map(self._changed, chunk.tolist(), self.n_jobs)))
            for chunk in chunks
        ]
        if isinstance(parts[0], list):  # an array per label
            return [np.concatenate(columns) for columns in zip(*parts, strict=True)]
        return np.concatenate(parts)

    def _changed(self, row: int) -> dict[str, Any]:
        wave = np.concatenate(list(self.clips.stream(row)))
        found = self.change(_Sound(wave, self.rate), np.random.default_rng([self.seed, row]))
        return {"array": found.wave, "sampling_rate": found.rate}
