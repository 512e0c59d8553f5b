"""Row labels and feature names of a `Ragged`, like those of a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_N_SHOWN = 5


def row_index(X: Any) -> pd.Index | None:
    """Return the row labels of X."""
    # a list also has an attribute `index`
    return X.index if isinstance(X, Labels) or hasattr(X, "iloc") else None


class Labels:
    """Row labels and feature names; None unless given."""

    # for pickles of versions without labels
    _index: pd.Index | None = None
    _feature_names: NDArray[np.object_] | None = None

    @property
    def index(self) -> pd.Index | None:
        """Row labels, a pandas Index of length n_rows, or None."""
        return self._index

    @property
    def feature_names(self) -> NDArray[np.object_] | None:
        """Names along the last axis of an item, such as bands of a frame, or None."""
        return self._feature_names

    def _set_labels(self, index: Any, feature_names: Any, n_rows: int, item_shape: tuple[int, ...]) -> None:
        self._index = None if index is None else _checked_index(index, n_rows)
        self._feature_names = (
            None if feature_names is None else _checked_names(feature_names, item_shape[-1] if item_shape else 1)
        )


def _checked_index(index: Any, n_rows: int) -> pd.Index:
    import pandas as pd

    labels = index if isinstance(index, pd.Index) else pd.Index(index)
    if len(labels) != n_rows:
        raise ValueError(f"index has {len(labels)} labels for {n_rows} rows; give one per row, or None.")
    return labels


def _checked_names(feature_names: Any, wanted: int) -> NDArray[np.object_]:
    names = np.array(list(feature_names), dtype=object)
    if names.shape != (wanted,):
        raise ValueError(
            f"feature_names has {len(names)} names for items of {wanted} values along the last axis; give one per "
            "value, or None."
        )
    names.flags.writeable = False  # shared by all parts of a `Ragged`
    return names


def same_names(first: NDArray[Any] | None, second: NDArray[Any] | None) -> bool:
    if first is None or second is None:
        return first is second
    return list(first) == list(second)


def check_same_names(seen: NDArray[Any] | None, names: NDArray[Any] | None) -> None:
    """Raise if feature names differ from those seen in `fit`; missing names pass."""
    if seen is not None and names is not None and not same_names(seen, names):
        raise ValueError(
            "The feature names should match those that were passed during fit: X has "
            f"{_first_differences(seen, names)}. Compute the frames as they were computed for fit."
        )


def _first_differences(first: NDArray[Any], second: NDArray[Any]) -> str:
    """Describe the first few names that differ."""
    places = [i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b][:_N_SHOWN]
    return ", ".join(f"{second[i]!r} where {first[i]!r} is expected" for i in places)


def joined_index(parts: Iterable[Labels]) -> pd.Index | None:
    """Return the row labels of all parts, or None if a part has none."""
    indexes = [part.index for part in parts]
    present = [index for index in indexes if index is not None]
    if not indexes or len(present) < len(indexes):
        return None
    return present[0].append(present[1:])


def joined_names(parts: Iterable[Labels]) -> NDArray[np.object_] | None:
    """Return the feature names of all parts, or None if a part has none; raise if they differ."""
    names = [part.feature_names for part in parts]
    first = next((known for known in names if known is not None), None)
    for i, other in enumerate(names):
        if first is not None and other is not None and not same_names(first, other):
            raise ValueError(
                f"part {i} has other features than the previous parts: {_first_differences(first, other)}. Join rows "
                "of the same features only."
            )
    return None if any(known is None for known in names) else first
