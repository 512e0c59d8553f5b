"""`TokenDisplay`: frequency of tokens over their rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sklearn_audio.optional import require
from sklearn_audio.tokenization import token_table, zipf_line

if TYPE_CHECKING:
    import pandas as pd


class TokenDisplay:
    """Frequency over rank of tokens on logarithmic axes, with a fitted line of Zipf's law.

    Create it with `from_estimator` or `from_tokens`. Requires matplotlib (extra ``plot``).

    Parameters
    ----------
    table : pandas.DataFrame
        Result of `sklearn_audio.tokenization.token_table`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes; set by `plot`.
    figure_ : matplotlib.figure.Figure
        The figure; set by `plot`.
    line_ : matplotlib.lines.Line2D
        The counts of the tokens that occur; set by `plot`.
    zipf_line_ : matplotlib.lines.Line2D or None
        The fitted line, None with fewer than three tokens that occur; set by `plot`.

    See Also
    --------
    sklearn_audio.tokenization.vocabulary_report : The values.

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
        """Plot the vocabulary of a fitted tokenizer.

        Parameters
        ----------
        estimator : KMeansAudioTokenizer
            A fitted tokenizer.
        X : Ragged or list of arrays (n_frames, n_features), default=None
            Frames to count. None: the training frames.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        name : str, default=None
            Legend entry. None: the class name.

        Returns
        -------
        TokenDisplay
            The display.
        """
        n_tokens = len(estimator.cluster_centers_) if X is not None else None
        source = estimator if X is None else estimator.transform(X)
        return cls(token_table(source, n_tokens=n_tokens)).plot(ax=ax, name=name or type(estimator).__name__)

    @classmethod
    def from_tokens(cls, tokens: Any, *, n_tokens: int | None = None, ax: Any = None, name: str | None = None) -> Self:
        """Plot the frequencies of tokens in clips.

        Parameters
        ----------
        tokens : Ragged or list of arrays (n_tokens,)
            One row per clip.
        n_tokens : int, default=None
            Size of the vocabulary. None: the largest token plus 1.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        name : str, default=None
            Legend entry. None: "tokens".

        Returns
        -------
        TokenDisplay
            The display.
        """
        return cls(token_table(tokens, n_tokens=n_tokens)).plot(ax=ax, name=name or "tokens")

    def plot(self, ax: Any = None, *, name: str = "tokens") -> Self:
        """Plot the frequencies.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on. None: a new figure.
        name : str, default="tokens"
            Legend entry.

        Returns
        -------
        TokenDisplay
            Itself.
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
