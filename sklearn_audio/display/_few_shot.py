"""`FewShotDisplay`: score over the number of clips per class, with confidence intervals, per method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn_audio.model_selection import learning_curve_few_shot, summarize_few_shot
from sklearn_audio.optional import require

if TYPE_CHECKING:
    import pandas as pd

_OPACITY = 0.2


class FewShotDisplay:
    """Few-shot learning curves: mean over the draws and confidence interval, per method.

    Create it with `from_estimators`, or from a table of `sklearn_audio.model_selection.learning_curve_few_shot`.
    Requires matplotlib (extra ``plot``).

    Parameters
    ----------
    table : pandas.DataFrame
        Result of `sklearn_audio.model_selection.learning_curve_few_shot`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes; set by `plot`.
    figure_ : matplotlib.figure.Figure
        The figure; set by `plot`.
    lines_ : dict of str to matplotlib.lines.Line2D
        The means by method; set by `plot`.
    bands_ : dict of str to matplotlib.collections.PolyCollection
        The intervals by method, empty with a single draw; set by `plot`.
    summary_ : pandas.DataFrame
        The plotted values; set by `plot`.

    See Also
    --------
    sklearn_audio.model_selection.summarize_few_shot : The values.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.display import FewShotDisplay
    >>> table = pd.DataFrame(
    ...     {
    ...         "method": "1-NN",
    ...         "n_shots": [1, 1, 5, 5],
    ...         "score": [0.3, 0.4, 0.5, 0.6],
    ...     }
    ... )
    >>> FewShotDisplay(table).table.shape
    (4, 3)
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_estimators(cls, estimators: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> Self:
        """Compute and plot the curves of some methods.

        Parameters
        ----------
        estimators : estimator, callable, or dict of str to either
            The methods by name.
        X : array-like, Ragged or list of length n_clips
            Input of the estimators.
        y : array-like of shape (n_clips,)
            Labels.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        **options : object
            For `sklearn_audio.model_selection.learning_curve_few_shot`, such as `n_shots` and `groups`.

        Returns
        -------
        FewShotDisplay
            The display.
        """
        return cls(learning_curve_few_shot(estimators, X, y, **options)).plot(ax=ax)

    def plot(self, ax: Any = None, *, metric: str | None = None, level: float = 0.95) -> Self:
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        metric : str, default=None
            Metric of the table. None: the first.
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        FewShotDisplay
            Itself.

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
