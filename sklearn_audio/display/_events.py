"""`EventDisplay`: events of a recording beside the reference, under its spectrogram and over the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.annotations._schema import as_events
from sklearn_audio.classification._annotated_rows import events_of_rows
from sklearn_audio.display._labels import shortened
from sklearn_audio.display._spectrogram import SpectrogramDisplay, compute_spectrogram
from sklearn_audio.engine import reading_of
from sklearn_audio.events import windows_to_frames
from sklearn_audio.inspection import predict_segments
from sklearn_audio.optional import require
from sklearn_audio.validation import check_audio

if TYPE_CHECKING:
    import pandas as pd

_ANY_RATE = 16000  # nothing is read
_TINY = 1e-6  # seconds
_PLACES = ("clip", "path", "start", "end")
_COLORS = {"reference": "0.35", "predicted": "C0"}
_SPECTROGRAM_IN, _ROW_IN, _FRAME_IN = 1.9, 0.26, 0.5  # heights in inches


class EventDisplay:
    """Predicted events of a recording beside the reference, with its spectrogram above and the scores below.

    Create it with `from_estimator`, or with `from_predictions` from any tables of events. Requires matplotlib (extra
    ``plot``).

    Parameters
    ----------
    predicted : DataFrame
        Columns "start", "end" (seconds of the recording) and "label", one row per event.
    reference : DataFrame, default=None
        The same, of the annotations.
    scores : DataFrame, default=None
        Columns "start", "end" and one per label, one row per window, as from `predict_segments` with ``form="wide"``.
    spectrogram : SpectrogramDisplay, default=None
        The spectrogram of the recording.
    labels : sequence, default=None
        The labels to show, from top to bottom. None: those that occur, in alphabetical order; without events, those of
        the scores.

    Attributes
    ----------
    axes_ : dict of str to matplotlib.axes.Axes
        The panels: "spectrogram", "events" and "scores", if there are such; set by `plot`.
    figure_ : matplotlib.figure.Figure
        The figure; set by `plot`.
    bars_ : dict of str to matplotlib.collections.PolyCollection
        The events, "reference" and "predicted"; set by `plot`.
    labels_ : list
        The labels from top to bottom; set by `plot`.

    See Also
    --------
    sklearn_audio.metrics.event_report : Scores of the events.
    SpectrogramDisplay : Only the spectrogram.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.display import EventDisplay
    >>> reference = pd.DataFrame(
    ...     {"start": [0.0, 2.0], "end": [1.0, 3.0], "label": ["dog", "cat"]}
    ... )
    >>> EventDisplay.from_predictions(reference.iloc[:1], reference).labels_
    ['cat', 'dog']
    """

    def __init__(
        self,
        predicted: pd.DataFrame,
        reference: pd.DataFrame | None = None,
        scores: pd.DataFrame | None = None,
        spectrogram: SpectrogramDisplay | None = None,
        labels: Any = None,
    ) -> None:
        self.predicted = predicted
        self.reference = reference
        self.scores = scores
        self.spectrogram = spectrogram
        self.labels = labels

    @classmethod
    def from_estimator(
        cls, estimator: Any, clip: Any, annotations: Any = None, *, labels: Any = None, figure: Any = None
    ) -> Self:
        """Find the events of a recording, and plot them.

        Parameters
        ----------
        estimator : SoundEventDetector
            A fitted detector.
        clip : path, array, (path, start, end), ...
            One recording; see the user guide.
        annotations : DataFrame, default=None
            One row per event, as for `SoundEventDetector.score`. None: without a reference.
        labels : sequence, default=None
            The labels to show. None: those that occur.
        figure : matplotlib.figure.Figure, default=None
            An empty figure, also part of one. None: a new one.

        Returns
        -------
        EventDisplay
            The display.

        Raises
        ------
        AudioReadError
            If the recording cannot be read.
        NotFittedError
            If the detector is not fitted.
        TypeError, ValueError
            If the clip or the annotations are invalid.
        """
        fitted = getattr(estimator, "estimator_", estimator.estimator)
        rate: Any = estimator.sample_rate or reading_of(fitted).bare_rate
        predicted = estimator.predict([clip])
        reference = None if annotations is None else _reference(estimator, clip, annotations, rate)
        has_names = estimator.prefit or estimator.background is not None  # else it is fitted to an indicator matrix
        scores = predict_segments(
            fitted,
            [clip],
            estimator.window,
            estimator.hop,
            form="wide",
            labels=None if has_names else estimator.classes_,
            sample_rate=estimator.sample_rate,
            batch_size=estimator.batch_size,
        ).drop(columns=str(estimator.background), errors="ignore")
        return cls.from_predictions(
            predicted, reference, scores=scores, clip=clip, sample_rate=rate, labels=labels, figure=figure
        )

    @classmethod
    def from_predictions(
        cls,
        predicted: Any,
        reference: Any = None,
        *,
        scores: pd.DataFrame | None = None,
        clip: Any = None,
        sample_rate: int | None = None,
        labels: Any = None,
        figure: Any = None,
    ) -> Self:
        """Plot the events of a recording from tables.

        Parameters
        ----------
        predicted : DataFrame
            Columns "start", "end" and "label", or other usual names of theirs; the events of one recording.
        reference : DataFrame, default=None
            The same, of the annotations.
        scores : DataFrame, default=None
            Columns "start", "end" and one per label, as from `predict_segments` with ``form="wide"``.
        clip : path, array, (path, start, end), ..., default=None
            The recording, for its spectrogram; see the user guide.
        sample_rate : int, default=None
            Rate in Hz of an array without one.
        labels : sequence, default=None
            The labels to show. None: those that occur.
        figure : matplotlib.figure.Figure, default=None
            An empty figure, also part of one. None: a new one.

        Returns
        -------
        EventDisplay
            The display.

        Raises
        ------
        AudioReadError
            If the recording cannot be read.
        TypeError, ValueError
            If a table lacks a column or has events of several recordings, or the clip is invalid.
        """
        found = _one_recording(predicted, "the predicted events")
        truth = None if reference is None else _one_recording(reference, "the reference events")
        spectrogram = None
        if clip is not None:
            spectrogram = SpectrogramDisplay(*compute_spectrogram(clip, sample_rate=sample_rate))
        return cls(found, truth, scores, spectrogram, labels).plot(figure=figure)

    def plot(self, figure: Any = None) -> Self:
        """Plot the panels.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, default=None
            An empty figure, also part of one. None: a new one, whose height is that of the labels.

        Returns
        -------
        EventDisplay
            Itself.
        """
        pyplot = require("matplotlib.pyplot", needed_by=type(self).__name__, extra="plot")
        self.labels_ = self._shown_labels()
        rows = _ROW_IN * max(1, len(self.labels_)) + _FRAME_IN
        heights = {"spectrogram": _SPECTROGRAM_IN, "events": rows, "scores": rows}
        panels = [name for name in heights if name == "events" or getattr(self, name) is not None]
        used = [heights[name] for name in panels]
        if figure is None:
            figure = pyplot.figure(figsize=(pyplot.rcParams["figure.figsize"][0], sum(used)), layout="constrained")
        self.figure_ = figure
        axes = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=used)[:, 0]
        self.axes_ = dict(zip(panels, axes, strict=True))
        self._plot_events(self.axes_["events"])
        if self.scores is not None and len(self.scores):
            self._plot_scores(self.axes_["scores"], self.scores)
        if self.spectrogram is not None:
            self.spectrogram.plot(ax=axes[0]).ax_.set_xlabel("")
        axes[-1].set(xlabel="time (s)", xlim=self._span())
        return self

    def _tables(self) -> list[pd.DataFrame]:
        return [table for table in (self.predicted, self.reference) if table is not None]

    def _shown_labels(self) -> list[str]:
        if self.labels is not None:
            return list(map(str, self.labels))
        found = sorted({str(label) for table in self._tables() for label in table["label"]})
        columns = self.predicted.columns[:0] if self.scores is None else self.scores.columns
        return found or [str(name) for name in columns if name not in _PLACES]

    def _span(self) -> tuple[float, float]:
        if self.spectrogram is not None:
            return float(self.spectrogram.times[0]), float(self.spectrogram.times[-1])
        tables = self._tables() if self.scores is None else [self.scores]
        ends = [float(table["end"].max()) for table in tables if len(table)]
        start = 0.0 if self.scores is None else float(self.scores["start"].min())
        return start, max([*ends, start + _TINY])

    def _plot_events(self, ax: Any) -> None:
        """Draw a row per label, the reference in its upper half."""
        tables = {"reference": self.reference, "predicted": self.predicted}
        self.bars_ = {}
        last = self._span()[1]
        for name, table in tables.items():
            if table is None:
                continue
            events = table[table["label"].astype(str).isin(self.labels_)]
            row = events["label"].astype(str).map(self.labels_.index).to_numpy(np.float64)
            low = row - 0.4 if name == "reference" else row + 0.02
            start, end = events["start"].to_numpy(np.float64), events["end"].fillna(last).to_numpy(np.float64)
            corners = np.stack([start, low, start, low + 0.38, end, low + 0.38, end, low], axis=1).reshape(-1, 4, 2)
            collections = require("matplotlib.collections", needed_by=type(self).__name__, extra="plot")
            bars = collections.PolyCollection(corners, color=_COLORS[name], label=name)  # with an edge: never invisible
            self.bars_[name] = ax.add_collection(bars)
        _label_rows(ax, self.labels_)
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, borderaxespad=0.0)

    def _plot_scores(self, ax: Any, scores: pd.DataFrame) -> None:
        """Draw the scores of the shown labels, in the rows of the labels."""
        values = scores.rename(columns=str).reindex(columns=self.labels_).to_numpy(np.float64)
        edges, frames = _frames(scores[["start", "end"]].to_numpy(np.float64), values)
        rows = np.arange(len(self.labels_) + 1) - 0.5
        image = ax.pcolormesh(edges, rows, frames.T, cmap="Blues", rasterized=True)
        self.figure_.colorbar(image, ax=ax, label="score")
        _label_rows(ax, self.labels_)


def _one_recording(table: Any, where: str) -> pd.DataFrame:
    """Return start, end and label of events; raise if they are of several recordings."""
    events = as_events(table, where, needs_path=False)
    for name in ("path", "clip"):
        if name in events.columns and events[name].nunique() > 1:
            raise ValueError(f"{where} are of {events[name].nunique()} recordings; give those of one.")
    kept: pd.DataFrame = events[["start", "end", "label"]]
    return kept


def _reference(estimator: Any, clip: Any, annotations: Any, rate: float | None) -> pd.DataFrame:
    """Return the annotations of a clip, in seconds of its recording."""
    clips = check_audio([clip], _ANY_RATE, bare_rate=rate)
    events = events_of_rows(annotations, clips)
    kept: pd.DataFrame = events[events["label"] != estimator.background]
    return kept.assign(start=kept["start"] + clips.place(0)[1], end=kept["end"] + clips.place(0)[1])


def _frames(spans: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the edges of frames, and the mean of the windows around each.

    Shapes: spans (n_windows, 2), values (n_windows, n_labels) -> (n_frames + 1,), (n_frames, n_labels).
    """
    start = spans[:, 0]
    if len(start) < 2 or (start[1:] >= spans[:-1, 1] - _TINY).all():
        return np.append(start, spans[-1:, 1]), values
    hop = float(np.median(np.diff(start)))
    frames = windows_to_frames(values, spans - start[0], frames_per_second=1 / hop)
    return np.minimum(start[0] + np.arange(len(frames) + 1) * hop, spans[-1, 1]), frames


def _label_rows(ax: Any, labels: list[str]) -> None:
    ax.set_yticks(np.arange(len(labels)), labels=list(map(shortened, labels)), fontsize="small")
    ax.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
    ax.tick_params(axis="y", which="both", length=0)
    ax.grid(axis="y", which="minor", color="0.85", linewidth=0.6)
    ax.set_ylim(max(1, len(labels)) - 0.5, -0.5)
