"""Validation of sequences of frames or tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged, row_index
from sklearn_audio.validation._containers import container_kind


def check_sequences(
    X: Any, *, item_ndim: int = 1, dtype: Any = np.float32, ensure_finite: bool = True, allow_failed: bool = False
) -> Ragged:
    """Validate sequences of frames or tokens.

    Parameters
    ----------
    X : Ragged, list or object array of arrays, or array of 2 or 3 dimensions
        One sequence per clip. A 3-D array holds (n_clips, n_frames, n_features); in a 2-D array each row is a sequence
        of tokens, or of frames with one feature.
    item_ndim : {0, 1}, default=1
        1 for frames, 0 for tokens.
    dtype : dtype, default=numpy.float32
        Type of the output.
    ensure_finite : bool, default=True
        Raise for NaN and infinity.
    allow_failed : bool, default=False
        Nevertheless accept rows with a single frame of NaN, which ``on_error="nan"`` returns for an unusable clip.

    Returns
    -------
    Ragged
        Items of shape (n_features,) for frames, () for tokens; with the index of X, if it has one.

    Raises
    ------
    TypeError, ValueError
        If X is not a sequence of sequences, rows differ in their number of features, or a row is empty, complex or not
        finite; the message names the row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.validation import check_sequences
    >>> check_sequences([np.zeros((5, 2)), np.zeros((3, 2))])
    Ragged(n_rows=2, lengths=3..5, item_shape=(2,), dtype=float32)
    """
    ragged = X if isinstance(X, Ragged) else _stack_sequences(X, item_ndim, dtype)
    if item_ndim == 1 and ragged.item_shape == ():
        column = ragged.with_values(ragged.values[:, None])  # (n_total,) -> (n_total, 1)
        ragged = column.with_labels(index=ragged.index, feature_names=ragged.feature_names)
    if len(ragged.item_shape) != item_ndim:
        wanted = "frames of shape (n_frames, n_features)" if item_ndim else "tokens of shape (n_tokens,)"
        raise ValueError(f"each row must hold {wanted}; got items of shape {ragged.item_shape}.")
    if len(ragged) == 0:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required: X has no rows.")
    empty = np.flatnonzero(ragged.lengths == 0)
    if len(empty):
        raise ValueError(f"row {empty[0]} has no {'frames' if item_ndim else 'tokens'}. Leave it out.")
    if ragged.dtype != dtype:
        cast = ragged.with_values(_cast(ragged.values, dtype))
        ragged = cast.with_labels(index=ragged.index, feature_names=ragged.feature_names)
    if ensure_finite:
        _check_finite_rows(ragged, allow_failed)
    return ragged.with_labels(index=row_index(X), feature_names=ragged.feature_names)


def _stack_sequences(X: Any, item_ndim: int, dtype: Any) -> Ragged:
    kind, items = container_kind(X) if not _is_dense_nd(X) else ("array", X)
    if kind == "array":
        array = np.asarray(items)
        if array.ndim not in (2, 3) or (array.ndim == 3 and item_ndim == 0):
            raise ValueError(f"an array of sequences has 2 or 3 dimensions, got shape {array.shape}.")
        lengths = np.full(len(array), array.shape[1])
        # (n_clips, n_frames, ...) -> (n_clips * n_frames, ...)
        return Ragged.from_lengths(_cast(array, dtype).reshape(-1, *array.shape[2:]), lengths)
    rows = [np.asarray(row) for row in items]
    for i, row in enumerate(rows):
        if row.ndim not in (1, 2) or row.dtype.kind not in "biufc":
            raise TypeError(
                f"row {i}: expected an array of frames (n_frames, n_features), got {type(items[i]).__name__} "
                f"of shape {row.shape}. Turn recordings into frames first, for instance with MelSpectrogramTransformer."
            )
        if row.shape[1:] != rows[0].shape[1:]:
            raise ValueError(f"row {i} has {row.shape[1:]} features per frame, row 0 has {rows[0].shape[1:]}.")
    return Ragged.from_list((_cast(row, dtype) for row in rows), dtype=dtype)


def _is_dense_nd(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.ndim == 3 and X.dtype.kind in "biufc"


def _cast(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported; frames are real.")
    return array.astype(dtype, copy=False)


def _check_finite_rows(ragged: Ragged, allow_failed: bool) -> None:
    if np.isfinite(ragged.values.sum(dtype=np.float64)):
        return
    for i, row in enumerate(ragged):
        failed = allow_failed and len(row) == 1 and bool(np.isnan(row).all())
        if not failed and not np.isfinite(row).all():
            raise ValueError(f"row {i} contains NaN or infinity. Repair it or leave it out.")


def holds_tokens(items: Any) -> bool:
    """Return whether clips are integers in one dimension each."""
    if isinstance(items, Ragged):
        return items.item_shape == () and items.dtype.kind in "iu"
    if isinstance(items, np.ndarray) and items.dtype != object:
        return items.ndim == 2 and items.dtype.kind in "iu"
    first = np.asarray(items[0])
    return first.ndim == 1 and first.dtype.kind in "iu"
