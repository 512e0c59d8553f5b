"""Recordings as predict names them: files, folders, tables, and lists of paths."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_audio._column_names import PATH_NAMES, find_column, find_span
from sklearn_audio._paths import local_path
from sklearn_audio.datasets._columns import seconds
from sklearn_audio.datasets._table_files import read_table
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips

__all__ = ["expanded", "path_of"]

_TABLES = (".csv", ".tsv", ".json")


def expanded(names: list[str], *, may_miss: bool) -> list[Any]:
    """Turn the arguments into clips."""
    clips = [clip for name in names for clip in _expanded(name)]
    _check(clips, may_miss=may_miss)
    return clips


def path_of(clip: Any) -> str:
    """Path of a clip that may be a part of its file."""
    return str(clip[0] if isinstance(clip, tuple) else clip)


def _expanded(name: str) -> list[Any]:
    if not name:
        raise ValueError("a recording has an empty name; name a file. Is a variable not set?")
    if name == "-":
        return _lines(sys.stdin.read())
    if name.startswith("@") and not os.path.exists(name):
        return _lines(_list_file(name[1:]))
    path = Path(local_path(name))
    if path.is_dir():
        return [str(clip) for clip in list_clips(path)]
    return _of_table(path) if path.suffix.lower() in _TABLES else [local_path(name)]


def _lines(text: str) -> list[str]:
    return [local_path(line) for line in text.splitlines() if line]


def _list_file(name: str) -> str:
    try:
        return Path(local_path(name)).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise OSError(f"the list of recordings {name!r} cannot be read: {error.strerror}.") from error


def _of_table(path: Path) -> list[Any]:
    """List the clips of a table: relative paths start from its folder; an empty start or end is that of the file."""
    frame = read_table(path)
    column, span = find_column(frame.columns, PATH_NAMES), find_span(frame.columns)
    if column is None:
        raise ValueError(f"the table {str(path)!r} has no column of paths; its columns are {list(frame.columns)}.")
    paths = [
        os.path.join(path.parent, local_path(str(name).strip())) if str(name).strip() else "" for name in frame[column]
    ]
    if span == (None, None, None):
        return paths
    where = f"the table {str(path)!r}"
    starts = np.zeros(len(paths)) if span.start is None else seconds(frame, span.start, where=where, is_start=True)
    last = span.duration if span.end is None else span.end
    ends = np.full(len(paths), np.inf) if last is None else seconds(frame, last, where=where)
    if last is not span.end:
        ends = starts + ends
    return list(zip(paths, starts.tolist(), np.where(np.isnan(ends), np.inf, ends).tolist(), strict=True))


def _check(clips: list[Any], *, may_miss: bool) -> None:
    paths = [path_of(clip) for clip in clips]
    for path in paths:
        if not path:
            raise ValueError("a recording has an empty name; name a file. Is a variable not set?")
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise AudioReadError(f"{path!r} is a pipe or a device, not a file; write its content to a file first.")
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing and not may_miss:
        raise FileNotFoundError(f"no file at {missing[0]!r} ({len(missing)} of {len(paths)} files are missing).")
