"""Atomic writing of annotations: one file, or one per recording."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral, Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio._atomic import written_whole
from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio.annotations._check import check_events
from sklearn_audio.annotations._formats import FORMATS, Format, format_by_name
from sklearn_audio.annotations._schema import COLUMNS, FREQUENCIES, as_events

_WHERE = "the annotations"


def write(
    table: Any,
    path: str | os.PathLike[str],
    format: str | None = None,  # as in pandas and matplotlib
    *,
    recordings: Sequence[str | os.PathLike[str]] | None = None,
    lossy: bool = False,
) -> None:
    """Write annotations, for `read`.

    Files are written atomically and replace existing ones.

    Parameters
    ----------
    table : DataFrame
        One row per event, with the columns path, start, end and label, or other common names for these; or a pandas
        object with the segmented index of audformat. Further columns are written if the format has them.
    path : str or path-like
        The file. For formats with one recording per file ("audacity", "raven", "textgrid"), also a folder, which is
        created if missing, for one file per recording, named after it.
    format : str, default=None
        One of the formats of `read`. None: from the suffix of `path`: .csv, .tsv, .TextGrid, .rttm, .json (Label
        Studio) or .selections.txt (Raven).
    recordings : sequence of str or path-like, default=None
        Recordings for which a file or a task is written even if they have no events, in this order. If the table has
        "clip" and no path, as returned by `find_events`, the recordings that it refers to by row.
    lossy : bool, default=False
        Whether to drop columns that the format cannot hold. By default, they raise, except for a column "clip" next to
        the path.

    Raises
    ------
    ValueError
        If the table lacks a column, has an invalid event, or a value that the format cannot hold; the message names the
        row or the columns.
    FileNotFoundError
        If the folder of the file does not exist.
    TypeError
        If `table` is not a table.

    See Also
    --------
    read : Read annotations.
    to_segments : The segmented index of audformat as a pandas object.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> from sklearn_audio import annotations
    >>> table = pd.DataFrame(
    ...     {"path": ["a.wav"], "start": [0.5], "end": [2.0], "label": ["dog"]}
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     annotations.write(table, pathlib.Path(folder, "a.rttm"))
    ...     print(pathlib.Path(folder, "a.rttm").read_text())
    SPEAKER a.wav 1 0.500 1.5 <NA> <NA> dog <NA> <NA>
    """
    target = Path(local_path(path))
    name = _format_name(target, format)
    events = as_events(_with_paths(table, recordings), _WHERE)
    check_events(events, _WHERE)
    written = _held(events, name, lossy=lossy)
    paths = list(dict.fromkeys([*(os.fspath(one) for one in recordings or ()), *events["path"]]))
    if not FORMATS[name].one_recording or not _is_folder(target):
        if FORMATS[name].one_recording and len(paths) > 1:
            raise ValueError(
                f"{name!r} holds one recording per file, and the table has {len(paths)}; give a folder as path, for "
                "one file each."
            )
        _write_file(written, paths, target, name)
        return
    files = _files(target, paths, FORMATS[name])
    target.mkdir(parents=True, exist_ok=True)
    parts = dict(tuple(written.groupby("path", sort=False)))
    for one, file in files.items():
        _write_file(parts.get(one, written.iloc[:0]), [one], file, name)


def _format_name(target: Path, format: str | None) -> str:
    if format is not None:
        check_name("format", format, FORMATS)
        return format
    name = format_by_name(target)
    if name is None:
        raise ValueError(f"{str(target)!r} may have several formats; pass format=, one of {list(FORMATS)}.")
    return name


def _is_folder(target: Path) -> bool:
    return target.is_dir() or not target.suffix


def _with_paths(table: Any, recordings: Sequence[str | os.PathLike[str]] | None) -> Any:
    """Add the paths of the recordings to events that name only rows."""
    if (
        recordings is None
        or not isinstance(table, pd.DataFrame)
        or "clip" not in table.columns
        or "path" in table.columns
    ):
        return table
    rows = table["clip"].tolist()
    for i, row in enumerate(rows):
        if not isinstance(row, Integral) or not 0 <= int(row) < len(recordings):
            raise ValueError(f"row {i} of {_WHERE} has the clip {row!r}, but there are {len(recordings)} recordings.")
    return table.assign(path=[os.fspath(recordings[int(row)]) for row in rows]).drop(columns="clip")


def _held(events: pd.DataFrame, name: str, *, lossy: bool) -> pd.DataFrame:
    """Return the columns that the format can hold; raise if there are others."""
    form = FORMATS[name]
    others = [column for column in events.columns if column not in COLUMNS]
    lost = [] if form.columns is None else [column for column in others if column not in form.columns]
    refused = [column for column in lost if column != "clip" and not lossy]
    if refused:
        raise ValueError(
            f"{name!r} cannot hold the column(s) {', '.join(map(repr, refused))}. Drop them, pass lossy=True to leave "
            "them out, or write another format, such as 'csv'."
        )
    if not form.open_end and events["end"].isna().any():
        row = int(events["end"].isna().to_numpy().argmax())
        raise ValueError(f"row {row} of {_WHERE} has no end, which {name!r} needs; give the length of the recording.")
    kept = events.drop(columns=lost)
    _check_cells(kept, name, form)
    return kept


def _check_cells(events: pd.DataFrame, name: str, form: Format) -> None:
    for column in events.columns:
        cells = events[column]
        if column in FREQUENCIES and cells.dtype.kind not in "fiu":
            events[column] = pd.to_numeric(cells)
        for row, cell in enumerate(cells.tolist() if cells.dtype.kind not in "biufmM" else ()):
            if isinstance(cell, list | tuple | dict | set | np.ndarray):
                raise ValueError(
                    f"row {row} of {_WHERE} has {type(cell).__name__} in the column {column!r}; {name!r} holds text "
                    "and numbers."
                )
            marks = [] if isinstance(cell, Number) else [mark for mark in form.forbidden if mark in str(cell)]
            if marks:
                raise ValueError(
                    f"row {row} of {_WHERE} has {cell!r} in the column {column!r}; {name!r} cannot hold {marks[0]!r}, "
                    "which separates its fields."
                )


def _files(folder: Path, paths: list[str], form: Format) -> dict[str, Path]:
    """Return the file of each recording, named after it."""
    found: dict[str, str] = {}
    for path in paths:
        stem = Path(path.replace("\\", "/")).stem
        if stem in found:
            raise ValueError(
                f"the recordings {found[stem]!r} and {path!r} would have the same file {stem + form.suffix!r}; write "
                "them to different folders."
            )
        found[stem] = path
    return {path: folder / f"{stem}{form.suffix}" for stem, path in found.items()}


def _write_file(events: pd.DataFrame, paths: list[str], file: Path, name: str) -> None:
    if not file.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(file.parent)!r}; create it first.")
    with written_whole(file) as unfinished:
        FORMATS[name].write(events, paths, unfinished)
