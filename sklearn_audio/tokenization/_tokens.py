"""Validation of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import check_sequences


def check_tokens(X: Any, *, n_tokens: int | None = None) -> Ragged:
    """Validate sequences of tokens.

    Parameters
    ----------
    X : Ragged, list of arrays (n_tokens,), or array of 2 dimensions
        One sequence of whole numbers, at least 0, per clip.
    n_tokens : int, default=None
        Size of the vocabulary; larger tokens raise. None: no limit.

    Returns
    -------
    Ragged
        Items of shape (), int32.

    Raises
    ------
    TypeError, ValueError
        If X is not a sequence of sequences, or a row is empty or holds an invalid token; the message names the row.

    Examples
    --------
    >>> from sklearn_audio.tokenization import check_tokens
    >>> check_tokens([[3, 1, 1], [2]])
    Ragged(n_rows=2, lengths=1..3, item_shape=(), dtype=int32)
    """
    if isinstance(X, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in X):
        X = [np.asarray(row) for row in X]  # plain lists may differ in length
    whole = isinstance(X, Ragged) and X.dtype.kind in "iu"
    tokens = check_sequences(X, item_ndim=0, dtype=X.dtype if whole else np.float64)
    largest = np.iinfo(np.int32).max if n_tokens is None else n_tokens - 1
    bad = (tokens.values < 0) | (tokens.values > largest)
    if not whole:
        bad |= tokens.values != np.floor(tokens.values)
    if bad.any():
        _raise_invalid(tokens, int(np.argmax(bad)), n_tokens)
    return tokens.with_values(tokens.values.astype(np.int32, copy=False))


def _raise_invalid(tokens: Ragged, index: int, n_tokens: int | None) -> None:
    row = int(np.searchsorted(tokens.offsets, index, side="right")) - 1
    value: NDArray[Any] = tokens.values[index]
    if value < 0:
        raise ValueError(
            f"Negative values in data: row {row} holds the token {float(value):g}. Tokens count from 0; remove the "
            "padding, as rows may differ in length."
        )
    if value != np.floor(value):
        hint = "tokens are whole numbers; turn frames into tokens first, for instance with KMeansAudioTokenizer"
    elif n_tokens is None:
        hint = "tokens fit into 32 bits"
    else:
        hint = f"the vocabulary has {n_tokens} tokens, 0 to {n_tokens - 1}"
    raise ValueError(f"row {row} holds the token {float(value):g}: {hint}.")
