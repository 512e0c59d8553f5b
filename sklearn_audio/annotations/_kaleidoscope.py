"""Tables of Kaleidoscope, also as written by BirdNET: folder and file of the recording, offset and duration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio.annotations._schema import COLUMNS, column_of, duration_text, ends, seconds, typed
from sklearn_audio.annotations._source import Source
from sklearn_audio.annotations._tables import write_cells

_PLACE = ("INDIR", "FOLDER", "IN FILE")
_MANUAL = "manual_id"
_LABELS = (_MANUAL, "top1match", "auto_id", "common_name", "scientific_name")


def read_kaleidoscope(source: Source) -> pd.DataFrame:
    """Read a table; the label is the manual identification if present, otherwise the best match."""
    cells = source.table()
    lacking = [name for name in ("IN FILE", "OFFSET", "DURATION") if name not in cells.columns]
    if lacking:
        raise ValueError(f"{source.where} have no column {lacking[0]!r}; their columns are {list(cells.columns)}.")
    events = pd.DataFrame(
        {
            "path": _paths(cells),
            "start": seconds(cells["OFFSET"], source.where, missing=0.0),
            "end": ends(cells["OFFSET"], cells["DURATION"], source.where),
            "label": _labels(cells, source),
        }
    )
    others = cells.drop(columns=[name for name in (*_PLACE, "OFFSET", "DURATION") if name in cells.columns])
    return typed(events.join(others), keep=(*COLUMNS, *_label_columns(cells)))


def _paths(cells: pd.DataFrame) -> list[str]:
    folders = [name for name in _PLACE[:2] if name in cells.columns]
    return [_joined(*parts) for parts in cells[[*folders, _PLACE[2]]].itertuples(index=False, name=None)]


def _joined(*parts: str) -> str:
    mark = "\\" if any("\\" in part for part in parts) else "/"
    *folders, name = (part for part in parts if part)
    return "".join(folder if folder.endswith(mark) else folder + mark for folder in folders) + name


def _label_columns(table: pd.DataFrame) -> list[Any]:
    found = [column_of(table.columns, name) for name in _LABELS]
    return [name for name in found if name is not None]


def _labels(cells: pd.DataFrame, source: Source) -> list[str]:
    columns = _label_columns(cells) if source.label is None else [source.label]
    if not columns or columns[0] not in cells.columns:
        wanted = repr(source.label) if columns else "'MANUAL ID' or 'TOP1MATCH'"
        raise ValueError(
            f"{source.where} have no column {wanted}; their columns are {list(cells.columns)}. Pass label=."
        )
    return [next(filter(None, row), "") for row in cells[columns].itertuples(index=False, name=None)]


def write_kaleidoscope(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write a table; a label that is in no other column is the manual identification."""
    places = [_parted(path) for path in events["path"]]
    times = zip(events["start"], events["end"], strict=True)
    table: dict[Any, Any] = {
        "INDIR": [folder for folder, _ in places],
        "FOLDER": "",
        "IN FILE": [name for _, name in places],
        "OFFSET": events["start"],
        "DURATION": [duration_text(start, end) for start, end in times],
    }
    table |= {name: events[name] for name in events.columns if name not in COLUMNS}
    columns = _label_columns(events)
    manual = column_of(events.columns, _MANUAL)
    given = [
        next((str(cell) for cell in row if cell), "") for row in events[columns].itertuples(index=False, name=None)
    ]
    kept = [""] * len(events) if manual is None else events[manual].tolist()
    if manual is None or given != events["label"].tolist():
        rows = zip(events["label"], given, kept, strict=True)
        table[manual or "MANUAL ID"] = [cell if label == other else label for label, other, cell in rows]
    write_cells(pd.DataFrame(table, index=events.index), file, ",")


def _parted(path: str) -> tuple[str, str]:
    place = max(path.rfind("/"), path.rfind("\\"))
    return path[: place + 1], path[place + 1 :]
