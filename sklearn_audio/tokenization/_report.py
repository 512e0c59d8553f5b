"""Statistics of a vocabulary: token frequencies and separation of the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score
from sklearn.utils.validation import check_is_fitted

from sklearn_audio._random_state import own_random_state
from sklearn_audio.tokenization._kmeans import KMeansAudioTokenizer
from sklearn_audio.tokenization._tokens import check_tokens

if TYPE_CHECKING:
    import pandas as pd

_MIDDLE = 0.8


def token_table(source: Any, *, n_tokens: int | None = None) -> pd.DataFrame:
    """List the tokens of a vocabulary by decreasing frequency.

    Parameters
    ----------
    source : KMeansAudioTokenizer, or Ragged or list of arrays of tokens
        A fitted tokenizer (with the counts of its training frames), or the tokens of clips.
    n_tokens : int, default=None
        Size of the vocabulary. None: that of the tokenizer, or the largest token plus 1.

    Returns
    -------
    pandas.DataFrame
        One row per token: ``token``, ``count``, ``share`` of all frames, ``rank`` from 1, ``cumulative_share``; ties in
        token order.

    Raises
    ------
    TypeError, ValueError
        If a token is negative, not a whole number or outside the vocabulary; the message names the row.

    Examples
    --------
    >>> from sklearn_audio.tokenization import token_table
    >>> token_table([[2, 2, 0], [2]], n_tokens=3)[["token", "count", "share"]]
       token  count  share
    0      2      3   0.75
    1      0      1   0.25
    2      1      0   0.00
    """
    import pandas as pd

    counts = _counts_of(source, n_tokens)
    order = np.argsort(-counts, kind="stable")
    share = counts[order] / max(1, counts.sum())
    return pd.DataFrame(
        {
            "token": order,
            "count": counts[order],
            "share": share,
            "rank": np.arange(1, len(order) + 1),
            "cumulative_share": np.cumsum(share),
        }
    )


def vocabulary_report(
    source: Any,
    frames: Any = None,
    *,
    n_tokens: int | None = None,
    mass: float = 0.8,
    sample_size: int = 2000,
    random_state: int | np.random.RandomState | None = 0,
) -> pd.DataFrame:
    """Describe a vocabulary by one row of statistics.

    Parameters
    ----------
    source : KMeansAudioTokenizer, or Ragged or list of arrays of tokens
        A fitted tokenizer (with the counts of its training frames), or the tokens of clips.
    frames : Ragged or list of arrays (n_frames, n_features), default=None
        Frames to count and for the silhouette; requires a tokenizer. None: the frames seen in `fit`, without
        silhouette.
    n_tokens : int, default=None
        Size of the vocabulary. None: that of the tokenizer, or the largest token plus 1.
    mass : float, default=0.8
        Fraction of all frames for ``mass_share``.
    sample_size : int, default=2000
        Number of random frames for the silhouette.
    random_state : int, RandomState instance or None, default=0
        Seed of that sample.

    Returns
    -------
    pandas.DataFrame
        One row: ``n_tokens``; ``n_frames``; ``dead_tokens``, without a frame; ``perplexity``, the exponential of the
        entropy (the equivalent number of equally frequent tokens); ``mass_tokens`` and ``mass_share``, the fewest
        tokens that cover `mass` of the frames, as a number and as a fraction of all tokens; ``zipf_slope`` and
        ``zipf_r2`` of a line through log count over log rank in the middle 80 % of the ranks that occur (Zipf's law:
        -1), NaN with fewer than three; ``silhouette``, from -1 to 1, in the space of the vocabulary, NaN without
        `frames` or if the sample has a single token or as many as frames.

    Raises
    ------
    TypeError, ValueError
        If `frames` are given without a tokenizer, `mass` is outside (0, 1], or the data is invalid.

    Examples
    --------
    >>> from sklearn_audio.tokenization import vocabulary_report
    >>> report = vocabulary_report([[0, 0, 0, 1], [2, 0, 0, 0]], n_tokens=5)
    >>> int(report.loc[0, "dead_tokens"]), float(report.loc[0, "mass_share"])
    (2, 0.4)
    """
    import pandas as pd

    if not 0 < mass <= 1:
        raise ValueError(f"mass={mass!r}: give a fraction of all frames, above 0 and up to 1.")
    silhouette = np.nan
    if frames is not None:
        if not isinstance(source, KMeansAudioTokenizer):
            raise TypeError(f"frames come with a fitted KMeansAudioTokenizer, got {type(source).__name__}.")
        silhouette = _silhouette(source, frames, sample_size, random_state)
        source, n_tokens = source.transform(frames), len(source.cluster_centers_)
    table = token_table(source, n_tokens=n_tokens)
    return pd.DataFrame([_describe(table["count"].to_numpy(), mass) | {"silhouette": silhouette}])


def zipf_line(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    """Fit a line to log10 count over log10 rank, in the middle 80 % of the ranks that occur.

    Parameters
    ----------
    counts : ndarray of int, shape (n_tokens,)
        Counts in decreasing order.

    Returns
    -------
    slope, intercept, r2 : float
        Line and explained variance; NaN with fewer than three ranks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.tokenization import zipf_line
    >>> slope, _, _ = zipf_line(np.array([1200, 600, 400, 300, 240, 200]))
    >>> f"{slope:.2f}"
    '-1.00'
    """
    n_live = int(np.count_nonzero(counts))
    margin = round(n_live * (1 - _MIDDLE) / 2)
    ranks = np.arange(1, n_live + 1)[margin : n_live - margin]
    if len(ranks) < 3:
        return np.nan, np.nan, np.nan
    x, y = np.log10(ranks), np.log10(counts[ranks - 1])
    slope, intercept = np.polyfit(x, y, 1)
    total = float(np.square(y - y.mean()).sum())
    left = float(np.square(y - (slope * x + intercept)).sum())
    # equal counts are exactly on a line
    return float(slope), float(intercept), 1 - left / total if total > 0 else 1.0


def _counts_of(source: Any, n_tokens: int | None) -> NDArray[np.int64]:
    if isinstance(source, KMeansAudioTokenizer):
        check_is_fitted(source)
        return np.asarray(source.token_counts_)
    tokens = check_tokens(source, n_tokens=n_tokens)
    return np.bincount(tokens.values, minlength=n_tokens or 0)


def _describe(counts: NDArray[np.int64], mass: float) -> dict[str, float]:
    total = int(counts.sum())
    share = counts[counts > 0] / total
    slope, _, r2 = zipf_line(counts)
    # integer counts, so that rounding does not miss an exactly reached fraction
    mass_tokens = int(np.searchsorted(np.cumsum(counts), np.ceil(mass * total - 1e-9))) + 1
    return {
        "n_tokens": len(counts),
        "n_frames": total,
        "dead_tokens": int((counts == 0).sum()),
        "perplexity": float(np.exp(-(share * np.log(share)).sum())),
        "mass_tokens": mass_tokens,
        "mass_share": mass_tokens / len(counts),
        "zipf_slope": slope,
        "zipf_r2": r2,
    }


def _silhouette(
    tokenizer: KMeansAudioTokenizer, frames: Any, sample_size: int, random_state: int | np.random.RandomState | None
) -> float:
    vectors, tokens = tokenizer._sample_vectors(frames, sample_size, own_random_state(random_state))
    if not 1 < len(np.unique(tokens)) < len(tokens):
        return np.nan
    return float(silhouette_score(vectors, tokens))
