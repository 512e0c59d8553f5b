"""`PrecisionRecallPerLabelDisplay`: precision over recall of each label."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from sklearn_audio.display._labels import shortened
from sklearn_audio.engine import labels_of, scores_of
from sklearn_audio.optional import require

_NARROW_IN = 5.0  # a legend beside the axes would leave them little


class PrecisionRecallPerLabelDisplay:
    """Precision over recall of each label, for several classes or several labels per clip.

    Create it with `from_estimator` or `from_predictions`. Scikit-learn's ``PrecisionRecallDisplay`` plots one label.
    Requires matplotlib (extra ``plot``).

    Parameters
    ----------
    y_true : array-like of {0, 1}, shape (n_clips, n_labels)
        Indicator matrix of the labels.
    y_score : array-like of shape (n_clips, n_labels)
        Scores of the labels.
    labels : array-like of shape (n_labels,)
        Names of the labels.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes; set by `plot`.
    figure_ : matplotlib.figure.Figure
        The figure; set by `plot`.
    lines_ : dict of str to matplotlib.lines.Line2D
        The curves by label, of the labels that occur; set by `plot`.
    average_precision_ : pandas.Series
        Average precision by label, NaN for one without clips; set by `plot`.

    See Also
    --------
    sklearn_audio.metrics.mean_average_precision : The mean of the average precisions.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.display import PrecisionRecallPerLabelDisplay
    >>> y_true = np.array([[1, 0], [0, 1], [1, 1]])
    >>> y_score = np.array([[0.9, 0.2], [0.1, 0.6], [0.7, 0.1]])
    >>> display = PrecisionRecallPerLabelDisplay.from_predictions(
    ...     y_true, y_score, labels=["dog", "cat"]
    ... )
    >>> display.average_precision_.round(2).to_dict()
    {'dog': 1.0, 'cat': 0.83}
    """

    def __init__(self, y_true: Any, y_score: Any, labels: Any) -> None:
        self.y_true = y_true
        self.y_score = y_score
        self.labels = labels

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, labels: Any = None, ax: Any = None, **options: Any
    ) -> Self:
        """Score clips with a fitted classifier, and plot the curves.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier with ``predict_proba`` or ``decision_function``.
        X : array-like, Ragged or list of length n_clips
            Input of the estimator.
        y : array-like of shape (n_clips,), or of {0, 1} and shape (n_clips, n_labels)
            Labels, or an indicator matrix.
        labels : array-like of shape (n_labels,), default=None
            Names of the columns of the scores. None: the classes.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        **options : object
            For `plot`.

        Returns
        -------
        PrecisionRecallPerLabelDisplay
            The display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If the estimator returns no scores, or y has other labels or another length.
        """
        scores = scores_of(estimator)(X)
        names = labels_of(estimator, scores.shape[1], labels)
        return cls.from_predictions(y, scores, labels=names, ax=ax, **options)

    @classmethod
    def from_predictions(cls, y_true: Any, y_score: Any, *, labels: Any = None, ax: Any = None, **options: Any) -> Self:
        """Plot the curves of scores.

        Parameters
        ----------
        y_true : array-like of shape (n_clips,), or of {0, 1} and shape (n_clips, n_labels)
            Labels, or an indicator matrix.
        y_score : array-like of shape (n_clips, n_labels)
            Scores of the labels.
        labels : array-like of shape (n_labels,), default=None
            Names of the columns. None: numbers for an indicator matrix, the sorted labels otherwise.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        **options : object
            For `plot`.

        Returns
        -------
        PrecisionRecallPerLabelDisplay
            The display.

        Raises
        ------
        ValueError
            If the shapes differ, y has other labels than `labels`, or a value is NaN.
        """
        truth, scores = np.asarray(y_true), np.asarray(y_score)
        if labels is None:
            labels = np.unique(truth) if truth.ndim == 1 else np.arange(truth.shape[1])
        names = np.asarray(labels)
        if truth.ndim == 1:
            truth = _indicators(truth, names)
        if truth.shape != scores.shape or names.shape != truth.shape[1:]:
            raise ValueError(
                f"y_true has the shape {truth.shape}, y_score {scores.shape} and labels {names.shape}; give a column "
                "and a name for each label."
            )
        return cls(truth, scores, names).plot(ax=ax, **options)

    def plot(self, ax: Any = None, *, max_labels: int = 10) -> Self:
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        max_labels : int, default=10
            Labels with a colour and a name, at most: those of the lowest average precision. The others are grey.

        Returns
        -------
        PrecisionRecallPerLabelDisplay
            Itself.
        """
        pyplot = require("matplotlib.pyplot", needed_by=type(self).__name__, extra="plot")
        import pandas as pd

        self.ax_ = pyplot.subplots(layout="constrained")[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        columns = zip(np.transpose(self.y_true), np.transpose(self.y_score), strict=True)
        values = [average_precision_score(truth, score) if truth.any() else np.nan for truth, score in columns]
        self.average_precision_ = pd.Series(values, index=np.asarray(self.labels))
        shown = np.argsort(-np.array(values), kind="stable")[: np.isfinite(values).sum()]  # NaN is last
        self.lines_: dict[Any, Any] = {}
        for place, column in enumerate(shown):
            self._draw(column, is_named=place >= len(shown) - max_labels)
        self.ax_.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
        self._add_legend()
        return self

    def _draw(self, column: int, *, is_named: bool) -> None:
        label = np.asarray(self.labels).tolist()[column]
        precision, recall, _ = precision_recall_curve(
            np.asarray(self.y_true)[:, column], np.asarray(self.y_score)[:, column]
        )
        look: dict[str, Any] = {"color": "0.8", "linewidth": 0.8, "zorder": 1}
        if is_named:
            look = {"label": f"{shortened(label)} ({self.average_precision_.iloc[column]:.2f})"}
        (self.lines_[label],) = self.ax_.plot(recall, precision, drawstyle="steps-post", **look)

    def _add_legend(self) -> None:
        title = f"average precision (mean {self.average_precision_.mean():.2f})"
        look: dict[str, Any] = {"title": title, "fontsize": "x-small", "title_fontsize": "small", "frameon": False}
        constrained = require(
            "matplotlib.layout_engine", needed_by=type(self).__name__, extra="plot"
        ).ConstrainedLayoutEngine
        if len(self.figure_.axes) > 1 or not isinstance(self.figure_.get_layout_engine(), constrained):
            self.ax_.legend(**look)  # nothing would make room beside the axes
        elif self.figure_.bbox.width / self.figure_.dpi < _NARROW_IN:
            self.figure_.legend(loc="outside lower center", handlelength=1.0, **look)
        else:
            self.figure_.legend(loc="outside right upper", **look)


def _indicators(y: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    unknown = np.setdiff1d(y, labels)
    if len(unknown):
        raise ValueError(f"y has the label {unknown.tolist()[0]!r}, but the scores are of {labels.tolist()}.")
    indicators: NDArray[np.bool_] = y[:, None] == labels
    return indicators
