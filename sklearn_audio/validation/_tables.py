"""Tables and columns of clips: data frames of any library, Arrow tables, data sets and structured arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._column_names import PATH_NAMES, Span, find_column, find_span
from sklearn_audio.validation._rows import find_keys
from sklearn_audio.validation._values import end_after

_NUMBERS = ("int", "uint", "float", "bfloat", "double", "halffloat", "complex", "bool", "decimal")


def is_number_type(dtype: Any) -> bool:
    """Whether a dtype of NumPy, pandas, polars, Arrow, torch or Hugging Face is numeric."""
    kind = getattr(dtype, "kind", None)
    if isinstance(kind, str) and len(kind) == 1:
        return kind in "biufc"
    # "Int64" of polars, "double" of Arrow, "torch.float32"
    return str(dtype).rsplit(".", 1)[-1].lower().startswith(_NUMBERS)


def as_list(column: Any) -> Sequence[Any] | NDArray[Any]:
    """Return the elements of a column as a list; numbers, and arrays of one shape, as an array."""
    if _is_decoded_audio(column):
        return _unopened(column)
    if hasattr(column, "tolist"):  # NumPy, pandas
        elements: Sequence[Any] = column.tolist()
        return elements
    if hasattr(column, "__array__") and not str(getattr(column, "dtype", "")).startswith("Struct"):
        array = np.asarray(column)  # polars, Arrow: a column of lists becomes one of arrays
        return array.tolist() if array.ndim == 1 and not is_number_type(array.dtype) else array
    return list(column)  # the array of a polars Struct column would lose the field names


def _is_decoded_audio(column: Any) -> bool:
    """Whether a column of Hugging Face ``datasets`` opens a decoder per row on access."""
    feature: Any = getattr(column, "features", None)
    formatted = getattr(getattr(column, "source", None), "format", {"type": "custom"})
    return hasattr(feature, "sampling_rate") and bool(feature.decode) and formatted["type"] != "custom"


def _unopened(column: Any) -> list[Any]:
    """Return paths and bytes, or lazy decoders if the column has its own rate or number of channels."""
    feature = column.features
    if feature.sampling_rate is not None or getattr(feature, "num_channels", None) is not None:
        return [_LazyDecoder(column, row) for row in range(len(column))]
    encoded = column.source.cast_column(column.column_name, type(feature)(decode=False))
    return list(encoded[column.column_name])


@dataclass(frozen=True, slots=True)
class _LazyDecoder:
    """The decoder of one row, opened on use: thousands at once would exceed the limit of open files."""

    column: Any
    row: int

    def get_all_samples(self) -> Any:
        return self.column[self.row].get_all_samples()


def column_names(X: Any) -> list[Any] | None:
    """Return the column names of a table; None for anything else."""
    if isinstance(X, np.ndarray):
        return None if X.dtype.names is None else list(X.dtype.names)
    if _has(X, "levels"):
        return list(X.names) if find_column(X.names, PATH_NAMES) is not None else None
    for step in ("collect", "compute"):  # polars' LazyFrame, Dask
        if _has(X, "columns") and _has(X, step):
            raise TypeError(f"X is a {type(X).__name__}, whose rows are not computed yet. Compute them: X.{step}().")
    # `columns` of an Arrow table are not names
    names = X.column_names if _has(X, "column_names") else getattr(X, "columns", None)
    return None if names is None else list(names)


def _has(X: Any, attribute: str) -> bool:
    """Whether the class has an attribute; columns of a data frame are attributes of the instance."""
    return hasattr(type(X), attribute)


def is_numeric(X: Any, names: Sequence[Any]) -> bool:
    """Whether all columns of a table are numeric."""
    return all(is_number_type(dtype) for dtype in _types(X, names))


def _types(X: Any, names: Sequence[Any]) -> list[Any]:
    if isinstance(X, np.ndarray):
        return [X.dtype[name] for name in names]
    if _has(X, "features"):  # Hugging Face
        return [getattr(X.features[name], "dtype", None) for name in names]
    if _has(X, "schema") and hasattr(X.schema, "types"):  # Arrow
        return list(X.schema.types)
    return list(X.dtypes)  # pandas, a MultiIndex included, and polars


def only_column(X: Any, names: Sequence[Any]) -> Sequence[Any]:
    """Return the elements of a one-column table."""
    return _column(X, names, 0)


def _column(X: Any, names: Sequence[Any], j: int) -> Sequence[Any]:
    if _has(X, "levels"):
        return list(X.get_level_values(j))
    column = X.iloc[:, j] if hasattr(X, "iloc") else X[names[j]]
    elements = as_list(column)
    return elements.tolist() if isinstance(elements, np.ndarray) and elements.ndim == 1 else list(elements)


def table_rows(X: Any, names: Sequence[Any]) -> list[Any]:
    """Return the clips of a table: paths, (path, start, end), or dicts if it holds audio content."""
    keys = find_keys(tuple(names))
    if keys.unknown or (keys.path is None and not keys.content):
        raise _not_clips(X, names)
    columns = {name: _column(X, names, j) for j, name in enumerate(names)}
    if keys.path is None or keys.content or keys.rate is not None:
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if keys.span.end is not None and keys.span.duration is not None:
        raise ValueError(
            f"X has the columns {keys.span.end!r} and {keys.span.duration!r}; a part has an end or a duration. "
            "Drop one of them."
        )
    return _parts(columns, keys.path, keys.span)


def _parts(columns: dict[Any, Sequence[Any]], path: Any, span: Span) -> list[Any]:
    paths = columns[path]
    starts, ends, durations = (columns.get(name, [None] * len(paths)) for name in span)
    if span.duration is not None:
        lengths = zip(starts, durations, strict=True)
        ends = [end_after(start, duration, row) for row, (start, duration) in enumerate(lengths)]
    return list(zip(paths, starts, ends, strict=True))


def _not_clips(X: Any, names: Sequence[Any]) -> ValueError:
    path, span = find_column(names, PATH_NAMES), find_span(names)
    used = [name for name in (path, span.start, span.end) if name is not None]
    if path is None:
        advice = "Pick the column of paths, such as X['path']"
    else:
        advice = (
            f"Pick the column(s) of the clips: X[{used[0]!r}]" if len(used) == 1 else f"Pick the columns: X[{used!r}]"
        )
    return ValueError(
        f"a {type(X).__name__} of clips has one column, or the columns path, start and end (or others of their usual "
        f"names), or only numbers; got {list(names)}. {advice}."
    )


def check_not_labels(X: Any) -> None:
    """Raise if X is a table of labels or scores: numbers whose index names recordings."""
    levels = list(getattr(getattr(X, "index", None), "names", []))
    path, span = find_column(levels, PATH_NAMES), find_span(levels)
    if path is not None and (span.start is not None or span.end is not None or _holds_bits(X)):
        raise ValueError(
            f"X is a {type(X).__name__} of numbers whose index names recordings ({', '.join(map(repr, levels))}): "
            "labels or scores of clips, not waveforms. Give the clips as X, X.index.to_frame(index=False), and the "
            "table as y."
        )


def _holds_bits(X: Any) -> bool:
    return bool(np.isin(np.asarray(X), (0, 1)).all())
