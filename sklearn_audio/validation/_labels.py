"""Validation of labels: y of any container becomes an array of a plain type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.validation._tables import as_list, column_names, is_number_type
from sklearn_audio.validation._values import is_missing


def check_labels(y: Any) -> Any:
    """Validate labels or indicator matrices.

    Parameters
    ----------
    y : array-like of shape (n_clips,) or (n_clips, n_labels), sparse matrix or None
        Labels in a list, an array, a column or a table of any library.

    Returns
    -------
    ndarray, sparse matrix or None
        The labels; nullable integers and booleans become plain ones, text stays text.

    Raises
    ------
    ValueError
        If a label is missing (None, NaN, NaT or NA); the message names its row.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.validation import check_labels
    >>> check_labels(pd.Series([3, 1], dtype="Int64"))
    array([3, 1])
    """
    if y is None or hasattr(y, "toarray"):
        return y
    names = column_names(y)
    if names is not None:
        return _check_not_missing(_of_table(y, names))
    if isinstance(y, list | tuple):
        _check_not_missing(y)  # before conversion, which could turn NaN into the text "nan"
    if isinstance(y, np.ndarray) and y.dtype.kind != "T":
        return _check_not_missing(y)
    if isinstance(y, list | tuple) or not hasattr(y, "__len__") or getattr(y, "ndim", 1) != 1:
        return _check_not_missing(np.asarray(y))
    return _of_column(y)


def _of_table(y: Any, names: list[Any]) -> NDArray[Any]:
    columns = [_of_column(y.iloc[:, j] if hasattr(y, "iloc") else y[name]) for j, name in enumerate(names)]
    return np.column_stack(columns)  # (n_clips, n_labels)


def _of_column(column: Any) -> NDArray[Any]:
    """Return a column as an array of bool, int, float or str (text as objects)."""
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biufO":
        plain: NDArray[Any] = _check_not_missing(np.asarray(column))
        return plain
    values = list(as_list(column))
    _check_not_missing(values)
    array = np.array(values)
    return array if array.dtype.kind != "U" else np.array(values, dtype=object)


def _check_not_missing(y: Any) -> Any:
    """Return y; raise if a label is missing."""
    if isinstance(y, np.ndarray) and is_number_type(y.dtype):
        missing = np.isnan(y) if y.dtype.kind in "fc" else np.zeros(0, dtype=bool)
    elif isinstance(y, np.ndarray):
        missing = np.array([is_missing(value) for value in y.ravel().tolist()], dtype=bool).reshape(y.shape)
    else:
        missing = np.array([is_missing(value) for value in y], dtype=bool)
    if missing.any():
        position = tuple(int(i[0]) for i in np.nonzero(missing))
        value = y[position] if isinstance(y, np.ndarray) else y[position[0]]
        named = "NaN" if isinstance(value, float | np.floating) else value
        where = f"row {position[0]}" + (f" (column {position[1]})" if len(position) > 1 else "")
        raise ValueError(
            f"{where} of y is missing ({named}): every clip needs a label. Give the label, or remove the clip."
        )
    return y
