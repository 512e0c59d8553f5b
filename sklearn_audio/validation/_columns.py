"""Columns of any library as Python lists: pandas, polars, Arrow, Hugging Face datasets, NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_list", "is_number_type"]

_NUMBERS = ("int", "uint", "float", "bfloat", "double", "halffloat", "complex", "bool", "decimal")


def is_number_type(dtype: Any) -> bool:
    """Whether a type of NumPy, pandas, polars, Arrow, torch or Hugging Face is that of numbers."""
    kind = getattr(dtype, "kind", None)
    if isinstance(kind, str) and len(kind) == 1:
        return kind in "biufc"
    # "Int64" of polars, "double" of Arrow, "torch.float32"
    return str(dtype).rsplit(".", 1)[-1].lower().startswith(_NUMBERS)


def as_list(column: Any) -> Sequence[Any] | NDArray[Any]:
    """Return the elements of a column as Python objects; numbers, and arrays of one shape, as an array."""
    if _is_decoded_audio(column):
        return _unopened(column)
    if hasattr(column, "tolist"):  # NumPy, pandas
        elements: Sequence[Any] = column.tolist()
        return elements
    if hasattr(column, "__array__") and not str(getattr(column, "dtype", "")).startswith("Struct"):
        array = np.asarray(column)  # polars, Arrow: a column of lists becomes one of arrays
        return array.tolist() if array.ndim == 1 and not is_number_type(array.dtype) else array
    return list(column)  # as the array of a polars column of structures drops the names of the fields


def _is_decoded_audio(column: Any) -> bool:
    """Whether a column of Hugging Face ``datasets`` opens a decoder for each row that is asked for."""
    feature: Any = getattr(column, "features", None)
    formatted = getattr(getattr(column, "source", None), "format", {"type": "custom"})
    return hasattr(feature, "sampling_rate") and bool(feature.decode) and formatted["type"] != "custom"


def _unopened(column: Any) -> list[Any]:
    """Return paths and bytes; where the column is to be read at a rate of its own, decoders that open when read."""
    feature = column.features
    if feature.sampling_rate is not None or getattr(feature, "num_channels", None) is not None:
        return [_LazyDecoder(column, row) for row in range(len(column))]
    encoded = column.source.cast_column(column.column_name, type(feature)(decode=False))
    return list(encoded[column.column_name])


@dataclass(frozen=True, slots=True)
class _LazyDecoder:
    """The decoder of one row; thousands that are open at once would be more files than a process may open."""

    column: Any
    row: int

    def get_all_samples(self) -> Any:
        return self.column[self.row].get_all_samples()
