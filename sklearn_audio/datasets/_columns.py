"""Columns of a table by role: path, labels, group and span; and targets made of label texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._column_names import PATH_NAMES, Span, find_column, find_span
from sklearn_audio.validation._values import as_seconds

LABEL_NAMES = ("label", "class", "classname", "class_name", "category", "target")
# Subjects of labels, used if no column has a name above and there are no indicator columns.
_SUBJECT_NAMES = (
    *("species", "genre", "emotion", "instrument", "command", "keyword", "word", "event_label", "scene_label", "scene"),
    "speaker",
)
LABEL_LIST_NAMES = ("labels", "tags")

# In lower case: spreadsheets write TRUE and FALSE.
_BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


@dataclass(frozen=True)
class Columns:
    """The columns with the path, the label(s), the group and the span within the file."""

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
    path_column = _named(frame, path, where=where) if path else find_column(frame.columns, PATH_NAMES)
    if path_column is None:
        raise ValueError(f"{where} has no column {_either(PATH_NAMES)}; {_existing(frame)}. Pass path=.")
    group_column = _named(frame, group, where=where) if group else find_column(frame.columns, ("group",))
    span = _span(frame, start, end, path_column, where)
    taken = {path_column, group_column, *(span or ())}
    if label is None:
        labels, is_indicator = _usual_labels(frame, taken, where)
    else:
        is_indicator = not isinstance(label, str)
        labels = [_named(frame, name, where=where) for name in ([label] if isinstance(label, str) else label)]
    return Columns(path_column, labels, is_indicator, group_column, span)


def _named(frame: pd.DataFrame, name: str, *, where: str) -> str:
    """Return `name` if it is a column of `frame`."""
    if name not in frame.columns:
        raise ValueError(f"{where} has no column {name!r}; {_existing(frame)}.")
    return name


def text(column: pd.Series[Any]) -> list[str]:
    """Return the cells as stripped text; a missing cell is empty."""
    return ["" if gone else str(cell).strip() for cell, gone in zip(column, column.isna(), strict=True)]


def filled_text(frame: pd.DataFrame, name: Any, *, where: str) -> list[str]:
    """Return the cells of a column as text; raise if one is empty."""
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
    """Return a column of times in seconds, at least 0; an empty cell is 0 for a start, NaN for an end."""
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
        return Span(_named(frame, start, where=where), _named(frame, end, where=where))
    if str(path_column).strip().lower() == "slice_file_name":
        # UrbanSound8K: the times refer to the original recording, not to the file.
        return None
    span = find_span(frame.columns)
    if span.end is not None:
        span = span._replace(duration=None)  # redundant with the end
    return None if span.start is None or span.end is span.duration is None else span


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}"


def _existing(frame: pd.DataFrame) -> str:
    return f"its columns are {[str(column) for column in frame.columns]}"


def class_names(target: NDArray[np.str_], *, where: str) -> NDArray[np.str_]:
    """Return the sorted classes of a single-label target; raise if there is only one."""
    names = np.unique(target)
    if len(names) < 2:
        raise ValueError(
            f"{where} holds one class, {str(names[0])!r}; a classifier needs at least two. "
            "Add recordings of another class."
        )
    return names


def split_labels(cells: Sequence[str], separator: str | None) -> list[list[str]]:
    """Split each cell into its labels; an empty cell is a clip without labels."""
    mark = separator or _find_separator(cells)
    return [[label for part in cell.split(mark) if (label := part.strip())] for cell in cells]


def _find_separator(cells: Sequence[str]) -> str:
    # Many AudioSet names contain a comma ("Male speech, man speaking"): a comma separates only if nothing else does.
    found = [mark for mark in ";|" if any(mark in cell for cell in cells)]
    if len(found) > 1:
        raise ValueError("the labels hold both ';' and '|'; pass separator= to say which one parts them.")
    return found[0] if found else ","


def indicator(
    label_lists: Sequence[Sequence[str]], names: Sequence[str] | None, *, where: str
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the 0/1 matrix of shape (n_clips, n_labels) and its columns: `names`, or the sorted labels that occur."""
    columns = sorted({label for labels in label_lists for label in labels}) if names is None else list(names)
    column = {label: j for j, label in enumerate(columns)}
    target = np.zeros((len(label_lists), len(columns)), dtype=np.int64)
    for i, labels in enumerate(label_lists):
        for label in labels:
            if label not in column:
                raise ValueError(f"row {i} of {where}: the label {label!r} is not in the list of class labels.")
            target[i, column[label]] = 1
    return target, columns


def check_indicator(target: NDArray[np.int64], *, where: str) -> None:
    """Raise unless at least two labels occur."""
    n_used = int(np.count_nonzero(target.any(axis=0)))
    if n_used < 2:
        raise ValueError(
            f"{where} holds {n_used} label(s) that occur; a multi-label classifier needs at least two. "
            "Add recordings that carry others."
        )
