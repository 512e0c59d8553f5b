"""Admission of labels: y of any container becomes an array of a plain type, and a missing label is named by its row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.validation._columns import as_list, is_number_type
from sklearn_audio.validation._missing import is_missing
from sklearn_audio.validation._tables import column_names

__all__ = ["check_labels"]


def check_labels(y: Any) -> Any:
    """Admit labels, or indicators of labels.

    Parameters
    ----------
    y : array-like of shape (n_clips,) or (n_clips, n_labels), sparse matrix or None
        Labels in a list, an array, a column or a table of any library.

    Returns
    -------
    ndarray, sparse matrix or None
        The labels: integers and booleans of nullable types as integers and booleans, text as text.

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
        return _refuse_missing(_of_table(y, names))
    if isinstance(y, list | tuple):
        _refuse_missing(y)  # an array of text would hold "nan"
    if isinstance(y, np.ndarray) and y.dtype.kind != "T":
        return _refuse_missing(y)
    if isinstance(y, list | tuple) or not hasattr(y, "__len__") or getattr(y, "ndim", 1) != 1:
        return _refuse_missing(np.asarray(y))
    return _of_column(y)


def _of_table(y: Any, names: list[Any]) -> NDArray[Any]:
    columns = [_of_column(y.iloc[:, j] if hasattr(y, "iloc") else y[name]) for j, name in enumerate(names)]
    return np.column_stack(columns)  # (n_clips, n_labels)


def _of_column(column: Any) -> NDArray[Any]:
    """Return a column as an array of Python's bool, int, float or str; an array of text stays one of objects."""
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biufO":
        plain: NDArray[Any] = _refuse_missing(np.asarray(column))
        return plain
    values = list(as_list(column))
    _refuse_missing(values)
    array = np.array(values)
    return array if array.dtype.kind != "U" else np.array(values, dtype=object)


def _refuse_missing(y: Any) -> Any:
    """Return y if no label of it is missing."""
    if isinstance(y, np.ndarray) and is_number_type(y.dtype):
        missing = np.isnan(y) if y.dtype.kind in "fc" else np.zeros(0, dtype=bool)
    elif isinstance(y, np.ndarray):
        missing = np.array([is_missing(value) for value in y.ravel().tolist()], dtype=bool).reshape(y.shape)
    else:
        missing = np.array([is_missing(value) for value in y], dtype=bool)
    if missing.any():
        place = tuple(int(i[0]) for i in np.nonzero(missing))
        value = y[place] if isinstance(y, np.ndarray) else y[place[0]]
        named = "NaN" if isinstance(value, float | np.floating) else value
        where = f"row {place[0]}" + (f" (column {place[1]})" if len(place) > 1 else "")
        raise ValueError(
            f"{where} of y is missing ({named}): labels may not be missing. Give the label, or leave the clip out."
        )
    return y
