"""What kind of X was passed: decided by its type and by that of its first element, never by lengths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Number, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["container_kind"]

_SEGMENT_COLUMNS = ["path", "start", "end"]


def container_kind(X: Any) -> tuple[Literal["array", "rows"], Any]:
    """Decide by the type of X and of its first element, never by lengths, how X is to be read.

    Parameters
    ----------
    X : object
        What the user passed.

    Returns
    -------
    kind : {"array", "rows"}
        "array": a rectangular array of numbers, one clip per row, for scikit-learn's own validation. "rows": a
        sequence of clips.
    items : object
        The array-like, or a list (or `Ragged`) of clips.

    Raises
    ------
    TypeError, ValueError
        If X is one clip instead of a sequence of clips, or no sequence at all.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.validation import container_kind
    >>> container_kind(np.zeros((2, 100)))[0]
    'array'
    >>> container_kind([np.zeros(100), np.zeros(50)])[0]
    'rows'
    """
    if isinstance(X, Ragged):
        return "rows", X
    if hasattr(X, "toarray"):
        return "array", X  # sparse, which scikit-learn's validation refuses (and a kind of which is a dict)
    _refuse_single_clip(X)
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        return _frame_kind(X)
    if hasattr(X, "iloc"):
        return _list_kind(X.tolist(), X)
    if isinstance(X, np.ndarray):
        return _array_kind(X)
    if isinstance(X, (list, tuple)):
        return _list_kind(X, X)
    if hasattr(X, "__array__") or hasattr(X, "__array_interface__"):
        return "array", X
    if isinstance(X, Sequence):
        return _list_kind(list(X), X)
    raise TypeError(
        f"X must be a sequence of clips (paths, arrays, ...), got {type(X).__name__}. "
        "If it can be read only once, make a list of it: list(X)."
    )


def _refuse_single_clip(X: Any) -> None:
    single = isinstance(X, (str, bytes, bytearray, os.PathLike, dict)) or hasattr(X, "read")
    if isinstance(X, tuple) and len(X) == 2 and hasattr(X[0], "__len__") and isinstance(X[1], Real):
        single = True
    if single:
        raise ValueError(f"X is one clip ({type(X).__name__}) where a sequence of clips is wanted. Wrap it: [X].")


def _frame_kind(X: pd.DataFrame) -> tuple[Literal["array", "rows"], Any]:
    columns = list(X.columns)
    if columns == _SEGMENT_COLUMNS:
        return "rows", list(X.itertuples(index=False, name=None))
    if all(dtype.kind in "biufc" for dtype in X.dtypes):
        return "array", X
    if len(columns) == 1:
        return _list_kind(X.iloc[:, 0].tolist(), X)
    raise ValueError(
        f"a DataFrame of clips has one column, or the columns path, start, end, or only numbers; got {columns}. "
        "Pick the column of paths: X['path']."
    )


def _array_kind(X: NDArray[Any]) -> tuple[Literal["array", "rows"], Any]:
    if X.dtype.kind not in "OUS":
        return "array", X
    if X.ndim == 2 and X.shape[1] == 1 and X.size and not isinstance(X[0, 0], Number):
        X = X[:, 0]
    if X.ndim != 1 or (X.size and isinstance(X[0], Number)):
        return "array", X
    return "rows", X.tolist()


def _list_kind(rows: Sequence[Any], original: Any) -> tuple[Literal["array", "rows"], Any]:
    first = rows[0] if len(rows) else None
    if first is None or isinstance(first, Number) or (np.isscalar(first) and not isinstance(first, (str, bytes))):
        return "array", original
    if isinstance(first, (list, tuple)) and (len(first) == 0 or all(isinstance(value, Number) for value in first)):
        return "array", original
    return "rows", rows
