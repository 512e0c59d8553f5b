"""Which column of a table means what: by the name the caller gives, else by the names tables usually use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._column_names import PATH_NAMES, Span, find_column, find_span
from sklearn_audio.validation._seconds import as_seconds

LABEL_NAMES = ("label", "class", "classname", "class_name", "category", "target")
# What labels are of, which count where no column has a name above and there are none of 0 and 1.
_SUBJECT_NAMES = (
    *("species", "genre", "emotion", "instrument", "command", "keyword", "word", "event_label", "scene_label", "scene"),
    "speaker",
)
LABEL_LIST_NAMES = ("labels", "tags")

# In lower case: spreadsheets write TRUE and FALSE.
_BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


@dataclass(frozen=True)
class Columns:
    """The columns of a table: of the path, the label(s), the group and the span within the file."""

    path: Any
    labels: list[Any]
    is_indicator: bool
    group: Any | None
    span: Span | None


def find_columns(
    frame: pd.DataFrame,
    *,
    where: str,
    path: str | None,
    label: str | Sequence[str] | None,
    group: str | None,
    start: str | None,
    end: str | None,
) -> Columns:
    """Resolve every role to a column of `frame`."""
    path_column = named(frame, path, where=where) if path else find_column(frame.columns, PATH_NAMES)
    if path_column is None:
        raise ValueError(f"{where} has no column {_either(PATH_NAMES)}; {_existing(frame)}. Pass path=.")
    group_column = named(frame, group, where=where) if group else find_column(frame.columns, ("group",))
    span = _span(frame, start, end, path_column, where)
    taken = {path_column, group_column, *(span or ())}
    if label is None:
        labels, is_indicator = _usual_labels(frame, taken, where)
    else:
        is_indicator = not isinstance(label, str)
        labels = [named(frame, name, where=where) for name in ([label] if isinstance(label, str) else label)]
    return Columns(path_column, labels, is_indicator, group_column, span)


def named(frame: pd.DataFrame, name: str, *, where: str) -> str:
    """Return `name` if it is a column of `frame`."""
    if name not in frame.columns:
        raise ValueError(f"{where} has no column {name!r}; {_existing(frame)}.")
    return name


def text(column: pd.Series[Any]) -> list[str]:
    """Return the cells as text without surrounding white space; a missing one is the empty text."""
    return ["" if gone else str(cell).strip() for cell, gone in zip(column, column.isna(), strict=True)]


def filled_text(frame: pd.DataFrame, name: Any, *, where: str) -> list[str]:
    """Return the cells of a column as text; refuse an empty one."""
    cells = text(frame[name])
    if "" in cells:
        raise ValueError(
            f"row {cells.index('')} of {where} has nothing in the column {name!r}; fill it or drop the row."
        )
    return cells


def bits(frame: pd.DataFrame, name: Any, *, where: str) -> NDArray[np.int64]:
    """Return a column of 0 and 1."""
    cells = text(frame[name])
    for i, cell in enumerate(cells):
        if cell.lower() not in _BITS:
            raise ValueError(
                f"row {i} of {where} has {cell!r} in the column {name!r}; a label column of several holds 0 or 1."
            )
    return np.array([_BITS[cell.lower()] for cell in cells], dtype=np.int64)


def _holds_bits(column: pd.Series[Any]) -> bool:
    return {cell.lower() for cell in text(column)} <= set(_BITS)


def seconds(frame: pd.DataFrame, name: Any, *, where: str, is_start: bool = False) -> NDArray[np.float64]:
    """Return a column of times in seconds, 0 or later; where a cell is empty, 0 for a start and NaN for an end."""
    column = frame[name]
    times = np.full(len(column), 0.0 if is_start else np.nan)
    for i, cell in enumerate(column.tolist()):
        try:
            time = as_seconds(cell)
        except (TypeError, ValueError):
            time = -1.0
        if time is not None and (time < 0 or (is_start and np.isinf(time))):
            raise ValueError(
                f"row {i} of {where} has {text(column)[i]!r} in the column {name!r}; expected seconds from the start "
                "of the file, 0 or more."
            )
        if time is not None:
            times[i] = time
    return times


def _usual_labels(frame: pd.DataFrame, taken: set[Any], where: str) -> tuple[list[Any], bool]:
    column = find_column(frame.columns, LABEL_NAMES + LABEL_LIST_NAMES)
    if column is not None:
        return [column], False
    indicators = [name for name in frame.columns if name not in taken and _holds_bits(frame[name])]
    if len(indicators) >= 2:
        return indicators, True
    column = find_column([name for name in frame.columns if name not in taken], _SUBJECT_NAMES)
    if column is None:
        raise ValueError(
            f"{where} has no column {_either(LABEL_NAMES + LABEL_LIST_NAMES)} and no two columns of 0 and 1; "
            f"{_existing(frame)}. Pass label=."
        )
    return [column], False


def _span(frame: pd.DataFrame, start: str | None, end: str | None, path_column: Any, where: str) -> Span | None:
    if (start is None) != (end is None):
        raise ValueError("start= and end= name the two ends of a clip within its file; pass both or neither.")
    if start is not None and end is not None:
        return Span(named(frame, start, where=where), named(frame, end, where=where))
    if str(path_column).strip().lower() == "slice_file_name":
        # UrbanSound8K: the times are those of the slice in the recording it was cut from, not in the file.
        return None
    span = find_span(frame.columns)
    if span.end is not None:
        span = span._replace(duration=None)  # what the end says already
    return None if span.start is None or span.end is span.duration is None else span


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}"


def _existing(frame: pd.DataFrame) -> str:
    return f"its columns are {[str(column) for column in frame.columns]}"
