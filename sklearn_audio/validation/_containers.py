"""Kind of the container X, decided by its type and that of its first element, never by lengths."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Number, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged
from sklearn_audio.validation._tables import (
    as_list,
    check_not_labels,
    column_names,
    is_number_type,
    is_numeric,
    only_column,
    table_rows,
)
from sklearn_audio.validation._values import is_missing

Kind = tuple[Literal["array", "rows"], Any]


def container_kind(X: Any, *, audio: bool = False) -> Kind:
    """Decide by the type of X and of its first element, never by lengths, how to read X.

    "array" is a rectangular array of numbers, one clip per row, for scikit-learn's own validation; "rows" is a list or
    `Ragged` of clips. Any one-dimensional container without numbers is a sequence of clips, and so is a table whose
    columns have the usual names of the fields of a clip. With `audio`, numbers are waveforms, and a numeric table whose
    index names recordings raises, as it holds labels or scores.
    """
    kind = _kind_of(X)
    if audio and kind[0] == "array":
        check_not_labels(X)
    return kind


def _kind_of(X: Any) -> Kind:
    if isinstance(X, Ragged):
        return "rows", X
    if isinstance(X, list | tuple) and not _is_single_tuple(X):
        return _list_kind(X, X)
    if (names := column_names(X)) is not None:
        return _table_kind(X, names)
    if hasattr(X, "toarray"):
        return "array", X  # sparse: scikit-learn's validation raises
    _check_not_single_clip(X)
    if getattr(X, "shape", None) == (0,):
        return _list_kind([], X)
    if isinstance(X, np.ndarray):
        return _array_kind(X)
    return _column_kind(X)


def _is_single_tuple(X: Sequence[Any]) -> bool:
    """Whether X is ``(array, rate)`` or ``(path, start, end)`` instead of a sequence of such clips."""
    if len(X) == 2:
        return isinstance(X, tuple) and hasattr(X[0], "__len__") and isinstance(X[1], Real)
    is_path = len(X) == 3 and isinstance(X[0], str | os.PathLike)
    times = [value for value in X[1:] if not is_missing(value)] if is_path else []
    return bool(times) and all(isinstance(value, Real) for value in times)


def _check_not_single_clip(X: Any) -> None:
    is_scalar = isinstance(X, np.ndarray) and X.ndim == 0 and not is_number_type(X.dtype)
    single = isinstance(X, list | tuple | str | bytes | bytearray | os.PathLike | Mapping) or is_scalar
    if single or hasattr(X, "read") or hasattr(X, "get_all_samples"):
        raise ValueError(f"X is one clip ({type(X).__name__}) where a sequence of clips is expected. Wrap it: [X].")


def _table_kind(X: Any, names: Sequence[Any]) -> Kind:
    if not len(X):
        return _list_kind([], X)
    if is_numeric(X, names):
        return "array", X
    if len(names) == 1:
        return _list_kind(only_column(X, names), X)
    return "rows", table_rows(X, names)


def _array_kind(X: NDArray[Any]) -> Kind:
    if is_number_type(X.dtype) or X.ndim not in (1, 2):
        return "array", X
    if X.ndim == 1:
        return _list_kind(X.tolist(), X)
    first = X[0, 0] if X.size else None
    if X.shape[1] == 1 and not isinstance(first, Number):
        return _list_kind(X[:, 0].tolist(), X)
    if X.shape[1] == 3 and isinstance(first, str | os.PathLike):
        return "rows", [tuple(row) for row in X.tolist()]
    return "array", X


def _column_kind(X: Any) -> Kind:
    """Decide about anything else: a column of a data frame, an array of another library, or an invalid object."""
    dtype, n_dimensions = getattr(X, "dtype", None), getattr(X, "ndim", 1)
    has_array = hasattr(X, "__array__") or hasattr(X, "__array_interface__") or isinstance(X, memoryview)
    is_sequence = hasattr(X, "__len__") and hasattr(X, "__iter__") and not isinstance(X, set | frozenset)
    if has_array and (is_number_type(dtype) or n_dimensions != 1 or not is_sequence):
        return "array", X
    if not is_sequence:
        raise TypeError(
            f"X must be a sequence of clips (paths, arrays, ...), got {type(X).__name__}. "
            "If it can be read only once, make a list of it: list(X)."
        )
    items = as_list(X)
    return _array_kind(items) if isinstance(items, np.ndarray) else _list_kind(items, X)


def _list_kind(rows: Sequence[Any], original: Any) -> Kind:
    """Decide about a sequence by its first element that is not missing."""
    if len(rows) == 0:
        raise ValueError(
            f"Found array with 0 sample(s): X holds no clips, it is an empty {type(original).__name__}. Check how it "
            "was made; at least one clip is needed."
        )
    first = next((row for row in rows if not is_missing(row)), rows[0])
    if isinstance(first, Number) or (np.isscalar(first) and not isinstance(first, str | bytes)):
        return "array", original
    if isinstance(first, list | tuple) and all(isinstance(value, Number) for value in first):
        if isinstance(original, list | tuple):
            return "array", original
        return "rows", [row if is_missing(row) else np.asarray(row) for row in rows]
    return "rows", rows
