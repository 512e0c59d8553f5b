"""`SoundEventDetector`: a classifier of clips becomes a detector of events in recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags, get_tags

from sklearn_audio._meaning import Uses, check_idle_parameters, needs
from sklearn_audio._random_state import own_random_state
from sklearn_audio._saved_version import VersionedState
from sklearn_audio._sklearn import HasMethods, Interval, StrOptions, clone_parametrized
from sklearn_audio.base import AUDIO_CONSTRAINTS, restores_on_failure
from sklearn_audio.classification._annotated_rows import check_labels_known, events_of_rows
from sklearn_audio.classification._detector_training import TrainingOptions, train, tune_prefit
from sklearn_audio.engine import WindowGrid, Windowing, class_names, score_windows, scores_of, windowing_of
from sklearn_audio.events import find_events, windows_to_frames
from sklearn_audio.metrics import event_f1, segment_f1

__all__ = ["SoundEventDetector"]

_SECONDS = Interval(Real, 0, None, closed="neither")
_SECONDS_OR_NONE = Interval(Real, 0, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="both")
_SCORES: dict[str, Callable[..., float]] = {"segment_f1": segment_f1, "event_f1": event_f1}


@restores_on_failure
class SoundEventDetector(VersionedState, MetaEstimatorMixin, BaseEstimator):
    """Find events in recordings with a classifier of clips, trained on annotated recordings or before.

    A recording is cut into windows, the classifier scores each, and the score of a frame of `hop` seconds is the mean
    over the windows around it. Thresholds and the rules of `find_events` turn scores into events.

    `fit` learns from recordings with annotations. A window has a label if an event covers enough of it, and belongs to
    the background if no event touches it; the other windows are left out. First steps of a pipeline that learn nothing,
    such as an embedder, see each window once, though the others are fitted once per fold.

    Parameters
    ----------
    estimator : estimator
        Classifier of audio, or a pipeline that ends in one, with ``predict_proba`` or ``decision_function``; cloned by
        `fit`, unless `prefit` is set.
    window : float, default=1.0
        Seconds of a window.
    hop : float, default=0.5
        Seconds between the starts of windows, at most `window`, and the length of a frame.
    threshold : "tune", float, dict of label to float, or array-like of shape (n_labels,), default="tune"
        Smallest score at which a label is active. "tune": `fit` chooses for each label the threshold with the best F1
        over the frames of recordings that the classifier has not seen, and 0.5 (of decisions 0) for a label in fewer
        than two groups. A dict gives the labels to find.
    low_threshold : float, dict of label to float, or array-like of shape (n_labels,), default=None
        Hysteresis: an event reaches `threshold` at some frame, and lasts as long as the score is at least this. None:
        equal to `threshold`.
    median : float, default=0.0
        Seconds of a median filter over the decisions. 0: no filter.
    min_duration : float, default=0.0
        Drop events shorter than this, in seconds.
    merge_gap : float, default=0.0
        Merge adjacent events of a label if the gap between them is shorter than this, in seconds.
    prefit : bool, default=False
        Whether `estimator` is fitted, and stays as it is. `fit` then only tunes thresholds; with thresholds given, it
        is not needed. `clone` keeps the estimator.
    overlap : float, default=0.5
        Fraction of a window, or of an event shorter than it, that the event has to cover for the window to have its
        label.
    min_level : float, default=0.25
        Leave out windows of an event that are quieter than this fraction of its loudest window.
    background : str or None, default="background"
        Name of the class of windows without events, which is never found; a label of that name in annotations says that
        there is no event. Windows with several labels are left out. None: windows have any number of labels; the
        classifier is fitted to an indicator matrix, and windows without events are negatives of all labels.
    max_background : float, default=1.0
        Windows without events, at most, as a multiple of those with; chosen at random. None: all.
    mix : tuple of (float, float), default=None
        Range in dB. Each window with an event is used a second time, over a random window without one, which is quieter
        by a random number of dB from this range; for events that were recorded alone. None: no mixtures.
    cv : int, default=5
        Number of folds in which thresholds are tuned.
    scoring : {"segment_f1", "event_f1"}, default="segment_f1"
        What `score` computes, with the defaults of `sklearn_audio.metrics`.
    sample_rate : int, default=None
        Rate in Hz of arrays without one. None: the `sample_rate` of the first step.
    batch_size : int, default=64
        Windows that go to the estimator together, at most.
    n_jobs : int, default=None
        Number of threads that read ahead; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise": raise at the first recording that cannot be read; "nan": `predict` finds nothing in it, and warns once
        at the end. `fit` always raises.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice of windows, of mixtures and of folds.
    verbose : int, default=0
        1: show the progress in seconds of sound.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier of windows.
    classes_ : ndarray of shape (n_labels,)
        The labels that can be found.
    thresholds_ : ndarray of float64, shape (n_labels,)
        The tuned thresholds; only with ``threshold="tune"``.

    See Also
    --------
    AudioTagger.events : Events with the labels of AudioSet, without training.
    sklearn_audio.inspection.predict_segments : The scores of the windows.
    sklearn_audio.annotations.read : Annotations from files.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_audio import (
    ...     MFCCTransformer,
    ...     SequencePooling,
    ...     SoundEventDetector,
    ... )
    >>> rng = np.random.default_rng(0)
    >>> recordings = [0.01 * rng.normal(size=48000) for _ in range(3)]
    >>> for recording in recordings:
    ...     recording[16000:32000] += np.sin(0.2 * np.arange(16000))
    >>> annotations = pd.DataFrame(
    ...     {"clip": [0, 1], "start": 2.0, "end": 4.0, "label": "hum"}
    ... )
    >>> model = make_pipeline(
    ...     MFCCTransformer(8000), SequencePooling(), LogisticRegression()
    ... )
    >>> detector = SoundEventDetector(model, hop=0.25, random_state=0).fit(
    ...     recordings[:2], annotations
    ... )
    >>> detector.predict(recordings[2:])[["start", "end", "label"]]
       start  end label
    0    2.0  4.0   hum
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["predict_proba"]), HasMethods(["decision_function"])],
        "window": [_SECONDS],
        "hop": [_SECONDS],
        "threshold": [StrOptions({"tune"}), Real, dict, "array-like"],
        "low_threshold": [Real, dict, "array-like", None],
        "median": [_SECONDS_OR_NONE],
        "min_duration": [_SECONDS_OR_NONE],
        "merge_gap": [_SECONDS_OR_NONE],
        "prefit": ["boolean"],
        "overlap": [Interval(Real, 0, 1, closed="right")],
        "min_level": [_SHARE],
        "background": [str, None],
        "max_background": [_SECONDS_OR_NONE, None],
        "mix": [tuple, list, None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "scoring": [StrOptions(set(_SCORES))],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": AUDIO_CONSTRAINTS["n_jobs"],
        "on_error": AUDIO_CONSTRAINTS["on_error"],
        "random_state": ["random_state"],
        "verbose": AUDIO_CONSTRAINTS["verbose"],
    }
    _parameter_items: ClassVar[dict[str, Any]] = {}
    _parameter_uses: ClassVar[Uses] = {
        **{
            name: needs("an estimator that is trained", lambda owner: not owner.prefit, "prefit")
            for name in ("overlap", "min_level", "max_background", "mix", "cv")
        },
    }

    def __init__(
        self,
        estimator: Any,
        *,
        window: float = 1.0,
        hop: float = 0.5,
        threshold: Any = "tune",
        low_threshold: Any = None,
        median: float = 0.0,
        min_duration: float = 0.0,
        merge_gap: float = 0.0,
        prefit: bool = False,
        overlap: float = 0.5,
        min_level: float = 0.25,
        background: str | None = "background",
        max_background: float | None = 1.0,
        mix: tuple[float, float] | None = None,
        cv: int = 5,
        scoring: Literal["segment_f1", "event_f1"] = "segment_f1",
        sample_rate: int | None = None,
        batch_size: int = 64,
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.window = window
        self.hop = hop
        self.threshold = threshold
        self.low_threshold = low_threshold
        self.median = median
        self.min_duration = min_duration
        self.merge_gap = merge_gap
        self.prefit = prefit
        self.overlap = overlap
        self.min_level = min_level
        self.background = background
        self.max_background = max_background
        self.mix = mix
        self.cv = cv
        self.scoring = scoring
        self.sample_rate = sample_rate
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags

    def __sklearn_clone__(self) -> Self:
        cloned: Self = clone_parametrized(self)
        if self.prefit:
            cloned.estimator = self.estimator  # a clone would have forgotten what it learned
        return cloned

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "thresholds_") if self._tunes() else self.prefit or hasattr(self, "estimator_")

    def fit(self, X: Any, annotations: pd.DataFrame, groups: Any = None) -> Self:
        """Train the classifier on windows of annotated recordings, and tune the thresholds.

        Parameters
        ----------
        X : sequence of clips
            Recordings: paths, arrays, parts of files, ...; see the user guide. Without annotations, they are
            background.
        annotations : DataFrame
            One row per event: "path", or "clip" (row of X), "start" and "end" (seconds of the recording; without an end
            until that of the recording) and "label", or other usual names of theirs, as from
            `sklearn_audio.annotations.read`.
        groups : array-like of shape (n_clips,), default=None
            Groups that the folds of the thresholds keep together. None: each recording is one.

        Returns
        -------
        self
            The detector.

        Raises
        ------
        AudioReadError
            If a recording of X or of the annotations does not exist or cannot be read.
        TypeError, ValueError
            If a parameter, X or a clip is invalid; if annotations overlap that have one label, lie beyond the end of
            their recording, or are of a recording that is not in X; if a label has no window; or if there are fewer
            than two groups to tune thresholds in. With `prefit`, if the classifier does not know a label.
        """
        self._check_parameters()
        windowing = self._windowing(self.estimator, X, on_error="raise")
        events = events_of_rows(annotations, windowing.clips)
        for name in ("estimator_", "classes_", "thresholds_"):
            self.__dict__.pop(name, None)  # of an earlier fit
        if self.prefit:
            scores_of(self.estimator)
            classes, estimator = self._known_labels(), self.estimator
            if self._tunes():
                events = check_labels_known(self._without_background(events), classes)
                self.thresholds_ = tune_prefit(estimator, windowing, events, classes, self.batch_size)
        else:
            options = self._training_options(self._tunes())
            estimator, classes, thresholds = train(self.estimator, windowing, events, groups, options)
            if thresholds is not None:
                self.thresholds_ = thresholds
        self.estimator_, self.classes_ = estimator, classes
        self._find([])  # thresholds may be of labels that are not there
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Find events in recordings.

        Parameters
        ----------
        X : sequence of clips
            Recordings: paths, arrays, parts of files, ...; see the user guide.

        Returns
        -------
        DataFrame
            Columns "clip" (row of X), "path" (None where X holds no path), "start" and "end" (seconds of the
            recording), "label" and "score" (mean over the frames), one row per event, by clip, label and time.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        NotFittedError
            If `fit` was not called, and is needed.
        TypeError, ValueError
            If a parameter, X or a clip is invalid.

        Warns
        -----
        UserWarning
            If a recording is shorter than a window: it is one window, which the estimator fills by its own rule.
        """
        windowing = self._ready(X)
        events = self._events(windowing)
        places = [windowing.clips.place(row) for row in events["clip"].tolist()]
        offset = np.array([start for _, start in places], dtype=np.float64)
        events["start"] += offset
        events["end"] += offset
        events.insert(1, "path", np.array([path for path, _ in places], dtype=object))
        return events

    def score(self, X: Any, annotations: pd.DataFrame) -> float:
        """Compute the F1 of the events that are found.

        Parameters
        ----------
        X : sequence of clips
            Recordings.
        annotations : DataFrame
            One row per event, as for `fit`.

        Returns
        -------
        float
            The metric named by `scoring`, between 0 and 1.

        Raises
        ------
        AudioReadError
            If a recording of X or of the annotations does not exist or cannot be read.
        NotFittedError
            If `fit` was not called, and is needed.
        TypeError, ValueError
            If a parameter, X, a clip or an annotation is invalid, or the detector does not know a label.
        """
        windowing = self._ready(X)
        events = self._without_background(events_of_rows(annotations, windowing.clips))
        reference = check_labels_known(events, self._labels())
        return _SCORES[self.scoring](reference, self._events(windowing))

    def _check_parameters(self) -> None:
        self._validate_params()
        check_idle_parameters(self)
        if self.hop > self.window:
            raise ValueError(
                f"hop={self.hop:g} leaves gaps between windows of {self.window:g} s; give at most {self.window:g}."
            )
        mix: Any = self.mix
        if mix is not None and not (len(mix) == 2 and all(isinstance(end, Real) for end in mix) and mix[0] <= mix[1]):
            raise ValueError(f"mix={mix!r} is no range of dB; give the lowest and the highest ratio, such as (6, 20).")

    def _tunes(self) -> bool:
        return isinstance(self.threshold, str)

    def _training_options(self, tunes: bool) -> TrainingOptions:
        return TrainingOptions(
            overlap=self.overlap,
            min_level=self.min_level,
            background=self.background,
            max_background=self.max_background,
            mix=None if self.mix is None else (float(self.mix[0]), float(self.mix[1])),
            n_folds=self.cv if tunes else None,
            batch_size=self.batch_size,
            rng=own_random_state(self.random_state),
        )

    def _windowing(self, estimator: Any, X: Any, on_error: Literal["raise", "nan"]) -> Windowing:
        grid = WindowGrid(float(self.window), float(self.hop))
        options: dict[str, Any] = {"n_jobs": self.n_jobs, "on_error": on_error, "verbose": self.verbose}
        return windowing_of(estimator, X, grid, sample_rate=self.sample_rate, **options)

    def _ready(self, X: Any) -> Windowing:
        self._check_parameters()
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet: call fit"
                + (", which tunes the thresholds, or give threshold=, such as 0.5." if self.prefit else " first.")
            )
        return self._windowing(self._fitted(), X, self.on_error)

    def _fitted(self) -> Any:
        return getattr(self, "estimator_", self.estimator)

    def _labels(self) -> NDArray[Any]:
        return self.classes_ if hasattr(self, "classes_") else self._known_labels()

    def _known_labels(self) -> NDArray[Any]:
        """Return the labels of a fitted estimator."""
        names = class_names(self.estimator)
        return names if self.background is None else names[names.astype(str) != self.background]

    def _without_background(self, events: pd.DataFrame) -> pd.DataFrame:
        return events[events["label"] != self.background]

    def _events(self, windowing: Windowing) -> pd.DataFrame:
        """Find events in seconds of each row."""
        seconds: dict[int, float] = {}
        events = self._find(self._frames(windowing, seconds))
        events["end"] = np.minimum(events["end"], events["clip"].map(seconds).astype(np.float64))  # frames round up
        return events

    def _frames(self, windowing: Windowing, seconds: dict[int, float]) -> Iterator[NDArray[Any] | None]:
        """Yield the scores of frames, clip after clip, and note how long it is; None for a clip that failed."""
        estimator = self._fitted()
        columns = self._columns(estimator)
        for row, clip in enumerate(score_windows(estimator, windowing, self.batch_size)):
            if not clip.values:
                yield None
                continue
            seconds[row] = clip.spans[-1][1]
            scores = np.stack(clip.values)[:, columns]
            yield windows_to_frames(scores, clip.spans, frames_per_second=1 / self.hop)

    def _columns(self, estimator: Any) -> NDArray[np.intp]:
        """Return the columns of the scores that are of labels: all of an indicator matrix, or not the background."""
        if self.background is None and not self.prefit:
            return np.arange(len(self.classes_))
        return np.flatnonzero(np.isin(class_names(estimator), self._labels()))

    def _find(self, frames: Any) -> pd.DataFrame:
        return find_events(
            iter(frames),
            frames_per_second=1 / self.hop,
            labels=self._labels(),
            threshold=self.thresholds_ if self._tunes() else self.threshold,
            low_threshold=self.low_threshold,
            median=self.median,
            min_duration=self.min_duration,
            merge_gap=self.merge_gap,
        )
