"""`TokenDisplay`: how often the tokens of a vocabulary occur, over their ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sklearn_audio.optional import require
from sklearn_audio.tokenization import token_table, zipf_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TokenDisplay"]


class TokenDisplay:
    """Rank and frequency of tokens on logarithmic axes, with the line of Zipf's law that fits them best.

    Make one with `from_estimator` or `from_tokens`. Needs matplotlib, which the extra ``plot`` installs.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `sklearn_audio.tokenization.token_table`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`: where it was drawn.
    figure_ : matplotlib.figure.Figure
        After `plot`: the figure of it.
    line_ : matplotlib.lines.Line2D
        After `plot`: the counts of the tokens that occur.
    zipf_line_ : matplotlib.lines.Line2D or None
        After `plot`: the line; None with fewer than three tokens that occur.

    See Also
    --------
    sklearn_audio.tokenization.vocabulary_report : The same in numbers.

    Examples
    --------
    >>> from sklearn_audio.display import TokenDisplay
    >>> from sklearn_audio.tokenization import token_table
    >>> display = TokenDisplay(token_table([[0, 0, 1], [2, 0]]))
    >>> display.table["count"].tolist()
    [3, 1, 1]
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any = None, *, ax: Any = None, name: str | None = None) -> Self:
        """Draw the vocabulary of a fitted tokenizer.

        Parameters
        ----------
        estimator : KMeansAudioTokenizer
            Fitted.
        X : Ragged or list of arrays (n_frames, n_features), default=None
            Frames whose tokens are counted; None takes the counts of the frames it was fitted on.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        name : str, default=None
            For the legend; None is the name of the class.

        Returns
        -------
        TokenDisplay
            Drawn.
        """
        n_tokens = len(estimator.cluster_centers_) if X is not None else None
        source = estimator if X is None else estimator.transform(X)
        return cls(token_table(source, n_tokens=n_tokens)).plot(ax=ax, name=name or type(estimator).__name__)

    @classmethod
    def from_tokens(cls, tokens: Any, *, n_tokens: int | None = None, ax: Any = None, name: str | None = None) -> Self:
        """Draw how often tokens occur in clips.

        Parameters
        ----------
        tokens : Ragged or list of arrays (n_tokens,)
            One row per clip.
        n_tokens : int, default=None
            Size of the vocabulary; None takes the largest token plus 1.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        name : str, default=None
            For the legend; None is "tokens".

        Returns
        -------
        TokenDisplay
            Drawn.
        """
        return cls(token_table(tokens, n_tokens=n_tokens)).plot(ax=ax, name=name or "tokens")

    def plot(self, ax: Any = None, *, name: str = "tokens") -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        name : str, default="tokens"
            For the legend.

        Returns
        -------
        TokenDisplay
            This one, with `ax_`, `figure_`, `line_` and `zipf_line_`.
        """
        pyplot = require("matplotlib.pyplot", needed_by="TokenDisplay", extra="plot")
        self.ax_ = pyplot.subplots()[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        counts = self.table["count"].to_numpy()
        live = counts[counts > 0]
        ranks = np.arange(1, len(live) + 1)
        (self.line_,) = self.ax_.loglog(ranks, live, ".", label=name)
        slope, intercept, r2 = zipf_line(counts)
        self.zipf_line_ = None
        if np.isfinite(slope):
            label = f"slope {slope:.2f}, R² {r2:.2f}"
            (self.zipf_line_,) = self.ax_.loglog(ranks, 10**intercept * ranks**slope, "--", label=label)
        n_dead = len(counts) - len(live)
        self.ax_.set(xlabel=f"rank ({n_dead} of {len(counts)} tokens never occur)", ylabel="frames")
        self.ax_.legend()
        return self
