"""`RobustnessDisplay`: the score of a classifier under each change of the recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn_audio.inspection import robustness_table
from sklearn_audio.optional import require

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"noise": " dB SNR", "gain": " dB", "sample_rate": " Hz", "band_limit": " Hz"}
_INCHES_PER_BAR, _AROUND = 0.25, 1.2


class RobustnessDisplay:
    """Scores on changed recordings, as a bar per kind and level, with a line at the score on the unchanged ones.

    Create it with `from_estimator`, or from a table of `sklearn_audio.inspection.robustness_table`. Requires matplotlib
    (extra ``plot``).

    Parameters
    ----------
    table : pandas.DataFrame
        Result of `sklearn_audio.inspection.robustness_table`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes; set by `plot`.
    figure_ : matplotlib.figure.Figure
        The figure; set by `plot`.
    bars_ : matplotlib.container.BarContainer
        The bars, in the order of the table, without the unchanged recordings; set by `plot`.
    line_ : matplotlib.lines.Line2D
        The score on the unchanged recordings; set by `plot`.

    See Also
    --------
    sklearn_audio.inspection.robustness_table : The values.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.display import RobustnessDisplay
    >>> table = pd.DataFrame(
    ...     {
    ...         "kind": ["none", "noise"],
    ...         "level": [None, 10],
    ...         "score": [0.9, 0.6],
    ...         "change": [0, -0.3],
    ...     }
    ... )
    >>> RobustnessDisplay(table).table.shape
    (2, 4)
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> Self:
        """Score and plot a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier of audio.
        X : sequence of clips
            Paths, arrays, parts of files, ...
        y : array-like of shape (n_clips,) or (n_clips, n_labels)
            Labels.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        **options : object
            For `sklearn_audio.inspection.robustness_table`, such as `conditions` and `scoring`.

        Returns
        -------
        RobustnessDisplay
            The display.
        """
        return cls(robustness_table(estimator, X, y, **options)).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure, as high as the number of bars needs.

        Returns
        -------
        RobustnessDisplay
            Itself.
        """
        pyplot = require("matplotlib.pyplot", needed_by="RobustnessDisplay", extra="plot")
        is_changed = self.table["kind"] != "none"
        changed = self.table[is_changed]
        if ax is None:
            ax = pyplot.subplots(figsize=(6.4, _AROUND + _INCHES_PER_BAR * len(changed)), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        kinds = changed["kind"].unique().tolist()
        names = [_named(kind, level) for kind, level in zip(changed["kind"], changed["level"], strict=True)]
        colours = [f"C{kinds.index(kind)}" for kind in changed["kind"]]
        self.bars_ = ax.barh(range(len(names)), changed["score"], color=colours)
        self.line_ = ax.axvline(self.table.loc[~is_changed, "score"].iloc[0], color="0.3", linestyle="--")
        ax.set_yticks(range(len(names)), labels=names)
        ax.invert_yaxis()
        ax.set(xlabel="score (dashed: unchanged recordings)", xlim=(min(0.0, *changed["score"]), None))
        return self


def _named(kind: str, level: Any) -> str:
    shown = level if isinstance(level, str) else f"{level:g}{_UNITS.get(kind, '')}"
    return f"{kind.replace('_', ' ')} {shown}"
