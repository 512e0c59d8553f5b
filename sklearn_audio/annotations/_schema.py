"""The schema of annotations: path, start, end and label, followed by other columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._column_names import EVENT_LABEL_NAMES, PATH_NAMES, find_column, find_span, plain_name
from sklearn_audio.validation._values import as_seconds, is_missing

COLUMNS = ["path", "start", "end", "label"]
FREQUENCIES = ["low_frequency", "high_frequency"]  # Hz

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?|nan|-?inf")
_BOOLEANS = {"True": True, "False": False}


def as_events(
    table: Any, where: str, *, label: str | None = None, needs_path: bool = True, whole_files: bool = False
) -> pd.DataFrame:
    """Return a table with the columns of the schema first, found by common names; others keep their names.

    A pandas index of file, start and end counts as columns. With `whole_files`, a table without times is valid, for
    whole recordings.
    """
    frame = _flat(table, where)
    span = find_span(frame.columns)
    path = find_column(frame.columns, PATH_NAMES)
    labels = _label_column(frame, label, {path, *span}, where)
    if span.start is None and whole_files:
        frame = frame.assign(start=0.0, end=np.nan)
        span = find_span(("start", "end"))
    for role, name in (("path", path if needs_path else ""), ("start", span.start), ("label", labels)):
        if name is None:
            raise ValueError(
                f"{where} have no column {role!r}; their columns are {list(map(str, frame.columns))}."
                f"{_hint(role, frame)}"
            )
    if span.end is None and span.duration is None:
        raise ValueError(f"{where} have no column 'end'; their columns are {list(map(str, frame.columns))}.")
    roles: dict[str, Any] = (
        {} if path is None else {"path": ["" if is_missing(cell) else str(cell) for cell in frame[path].tolist()]}
    )
    roles |= _times(frame, span, where)
    roles["label"] = _texts(frame[labels], where)
    used = {path, span.start, labels, span.duration if span.end is None else span.end}
    others = {_free_name(name): frame[name] for name in frame.columns if name not in used}
    return pd.DataFrame({**roles, **others}, index=frame.index).reset_index(drop=True)


def _free_name(name: Any) -> Any:
    """Return a new name for a column outside the schema, if its name is in the schema."""
    return f"{name}_other" if name in COLUMNS else name


def _flat(table: Any, where: str) -> pd.DataFrame:
    if isinstance(table, pd.MultiIndex):
        return table.to_frame(index=False).assign(label="")
    frame = table.to_frame("label" if table.name is None else table.name) if isinstance(table, pd.Series) else table
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"{where} must be a DataFrame, or a pandas index of file, start and end; got {type(table).__name__}."
        )
    levels = [name for name in frame.index.names if name is not None]
    if find_column(levels, PATH_NAMES) is not None:
        frame = frame.reset_index()
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ValueError(f"{where} have two columns {twice[0]!r}; drop or rename one.")
    return frame


def _label_column(frame: pd.DataFrame, label: str | None, used: set[Any], where: str) -> Any:
    if label is None:
        others = [name for name in frame.columns if name not in used]
        found = find_column(others, EVENT_LABEL_NAMES)
        return others[0] if found is None and len(others) == 1 else found
    if label not in frame.columns:
        raise ValueError(f"{where} have no column {label!r}; their columns are {list(map(str, frame.columns))}.")
    return label


def _hint(role: str, frame: pd.DataFrame) -> str:
    if role == "label":
        return " Pass label=."
    if role == "path" and "clip" in frame.columns:
        return " The column 'clip' holds rows of X; pass recordings=X, the paths."
    return ""


def _times(frame: pd.DataFrame, span: Any, where: str) -> dict[str, NDArray[np.float64]]:
    start = seconds(frame[span.start], where, missing=0.0)
    if span.end is not None:
        return {"start": start, "end": seconds(frame[span.end], where)}
    return {"start": start, "end": ends(frame[span.start], frame[span.duration], where)}


def ends(start: pd.Series[Any], duration: pd.Series[Any], where: str) -> NDArray[np.float64]:
    """Return the ends of events with a start and a duration, both numbers or numeric text."""
    checked = (seconds(start, where, missing=0.0), seconds(duration, where))
    cells = zip(*(_plain(*both) for both in zip((start, duration), checked, strict=True)), strict=True)
    return np.array([end_after(a, b) for a, b in cells], dtype=np.float64)


def _plain(column: pd.Series[Any], numbers: NDArray[np.float64]) -> list[Any]:
    """Return the text of numbers, which may have more digits than a float; for other cells, the number."""
    return [
        cell if isinstance(cell, str) and _NUMBER.fullmatch(cell) else number
        for cell, number in zip(column.tolist(), numbers.tolist(), strict=True)
    ]


def end_after(start: float | str, duration: float | str) -> float:
    """Add two times as decimal fractions: 0.1 + 0.2 is 0.3."""
    if not np.isfinite([float(start), float(duration)]).all():
        return float(start) + float(duration)
    return float(Decimal(str(start)) + Decimal(str(duration)))


def duration_text(start: float, end: float) -> str:
    """Return the exact difference of two times as decimal fractions, the inverse of `end_after`."""
    return format(Decimal(str(end)) - Decimal(str(start)), "f")


def number_text(number: float, decimals: int = 0) -> str:
    """Return the shortest decimal fraction that reads back as the same number, with a minimum number of decimals."""
    return np.format_float_positional(number, trim="-" if decimals == 0 else "k", min_digits=decimals)


def seconds(column: pd.Series[Any], where: str, *, missing: float = np.nan) -> NDArray[np.float64]:
    """Return a column of times in seconds: numbers, numeric text, or pandas durations."""
    if column.dtype.kind == "m":
        times = column.to_numpy("timedelta64[ns]")
        return np.where(np.isnat(times), missing, times.astype(np.int64) / 1e9)
    found = np.empty(len(column))
    for row, cell in enumerate(column.tolist()):
        time = _second(cell)
        if time is not None and time != time:
            raise ValueError(f"row {row} of {where} has {cell!r} in the column {column.name!r}; expected seconds.")
        found[row] = missing if time is None else time
    return found


def _second(cell: Any) -> float | None:
    """Return seconds; None if missing, NaN if invalid."""
    if isinstance(cell, pd.Timedelta):
        return float(cell.as_unit("ns").value / 1e9)
    try:
        return as_seconds(cell)
    except (TypeError, ValueError):
        pass
    if not isinstance(cell, str) or not (":" in cell or "day" in cell):
        return np.nan
    try:
        return float(pd.Timedelta(cell).as_unit("ns").value / 1e9)
    except ValueError:
        return np.nan


def _texts(column: pd.Series[Any], where: str) -> list[str]:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise ValueError(f"row {missing[0]} of {where} has no label; fill it or drop the row.")
    return [str(cell) for cell in column]


def typed(table: pd.DataFrame, *, keep: Iterable[str] = ()) -> pd.DataFrame:
    """Convert text columns of numbers, or of True and False; ``007`` remains text."""
    kept = set(keep)
    return pd.DataFrame(
        {name: table[name] if name in kept else _typed(table[name]) for name in table.columns}, index=table.index
    )


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    cells = column.tolist()
    if not cells or not all(isinstance(cell, str) for cell in cells):
        return column
    if all(cell in _BOOLEANS for cell in cells):
        return column.map(_BOOLEANS).astype(bool)
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return column.map(int).astype(np.int64)
    if any(cells) and all(not cell or _NUMBER.fullmatch(cell) for cell in cells):
        return column.map(lambda cell: float(cell or "nan")).astype(np.float64)
    return column


def column_of(columns: Iterable[Any], *names: str) -> Any | None:
    """Find a column by its plain names, ignoring a star after a name."""
    spelled = {plain_name(str(column).rstrip("*")): column for column in reversed(list(columns))}
    return next((spelled[name] for name in names if name in spelled), None)
