"""`FewShotDisplay`: scores over the number of clips per class, a curve with its interval for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn_audio.model_selection import learning_curve_few_shot, summarize_few_shot
from sklearn_audio.optional import require

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FewShotDisplay"]

_OPACITY = 0.2


class FewShotDisplay:
    """Curves of few-shot learning: the mean over the draws and its interval, per method.

    Make one with `from_estimators`, or of a table of `sklearn_audio.model_selection.learning_curve_few_shot`. Needs
    matplotlib, which the extra ``plot`` installs.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `sklearn_audio.model_selection.learning_curve_few_shot`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`: where it was drawn.
    figure_ : matplotlib.figure.Figure
        After `plot`: the figure of it.
    lines_ : dict of str to matplotlib.lines.Line2D
        After `plot`: the means, by method.
    bands_ : dict of str to matplotlib.collections.PolyCollection
        After `plot`: the intervals, by method; empty with a single draw.
    summary_ : pandas.DataFrame
        After `plot`: what was drawn, in numbers.

    See Also
    --------
    sklearn_audio.model_selection.summarize_few_shot : The same in numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.display import FewShotDisplay
    >>> table = pd.DataFrame({"method": "1-NN", "n_shots": [1, 1, 5, 5], "score": [0.3, 0.4, 0.5, 0.6]})
    >>> FewShotDisplay(table).table.shape
    (4, 3)
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_estimators(cls, estimators: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> Self:
        """Compute the curves of some methods and draw them.

        Parameters
        ----------
        estimators : estimator, callable, or dict of str to either
            What is compared, by name.
        X : array-like, Ragged or list of length n_clips
            Whatever the estimators take.
        y : array-like of shape (n_clips,)
            Labels.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        **options : object
            For `sklearn_audio.model_selection.learning_curve_few_shot`, such as `n_shots` and `groups`.

        Returns
        -------
        FewShotDisplay
            Drawn.
        """
        return cls(learning_curve_few_shot(estimators, X, y, **options)).plot(ax=ax)

    def plot(self, ax: Any = None, *, metric: str | None = None, level: float = 0.95) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        metric : str, default=None
            Which metric of the table; None takes the first.
        level : float, default=0.95
            Of the interval.

        Returns
        -------
        FewShotDisplay
            This one, with `ax_`, `figure_`, `lines_`, `bands_` and `summary_`.

        Raises
        ------
        ValueError
            If the table has no such metric, or `level` is out of range.
        """
        pyplot = require("matplotlib.pyplot", needed_by="FewShotDisplay", extra="plot")
        summary = summarize_few_shot(self.table, level=level)
        metrics = summary["metric"].unique().tolist()
        chosen = metrics[0] if metric is None else metric
        if chosen not in metrics:
            raise ValueError(f"the table holds no metric {chosen!r}; it has {metrics}.")
        self.summary_ = summary[summary["metric"] == chosen].reset_index(drop=True)
        self.ax_ = pyplot.subplots()[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        self.lines_: dict[str, Any] = {}
        self.bands_: dict[str, Any] = {}
        for method, curve in self.summary_.groupby("method", sort=False):
            self._draw(str(method), curve.sort_values("n_shots"))
        shots = sorted(self.summary_["n_shots"].unique().tolist())
        self.ax_.set(xscale="log", xlabel="clips per class", ylabel="accuracy" if chosen == "score" else chosen)
        self.ax_.set_xticks(shots, labels=[str(n) for n in shots])
        self.ax_.minorticks_off()
        self.ax_.legend()
        return self

    def _draw(self, method: str, curve: pd.DataFrame) -> None:
        (line,) = self.ax_.plot(curve["n_shots"], curve["mean"], ".-", label=method)
        self.lines_[method] = line
        if curve["low"].notna().all():
            self.bands_[method] = self.ax_.fill_between(
                curve["n_shots"], curve["low"], curve["high"], color=line.get_color(), alpha=_OPACITY, linewidth=0
            )
