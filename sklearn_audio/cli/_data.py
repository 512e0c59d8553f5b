"""Recordings named on the command line: labelled ones in a folder or table, or any files, folders, tables and lists."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio._column_names import PATH_NAMES, find_column, find_span
from sklearn_audio._paths import local_path
from sklearn_audio.cli._messages import in_words
from sklearn_audio.datasets import load_audio_folder, load_audio_table
from sklearn_audio.datasets._columns import seconds
from sklearn_audio.datasets._recorders import SITE_PATTERN
from sklearn_audio.datasets._summary import Measured, summarize_measured
from sklearn_audio.datasets._table_files import read_table
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips

# More classes than this are not listed.
_N_SHOWN = 50
_ALL = "\nall"  # not a possible class name
_COLUMNS = {"n_clips": "recordings", "total_s": "total", "min_s": "shortest", "median_s": "median", "max_s": "longest"}
_LAYOUTS = {1: "mono", 2: "stereo"}
# Columns that may tell which recordings belong together.
_GROUP_NAMES = ("group", "speaker", "site", "session", "recordist", "recorder", "individual", "location", "station")
_FOR_TABLES = {"label": "--label", "path": "--path", "root": "--root", "groups": "--groups"}


def labelled(options: Namespace) -> Bunch:
    """Load the labelled recordings of FOLDER_OR_TABLE."""
    if not options.data:
        raise ValueError("the name of the folder or table is empty. Is a variable not set?")
    path = Path(local_path(options.data))
    if path.is_dir() or not (path.suffix or path.is_file()):
        refused = [flag for name, flag in _FOR_TABLES.items() if getattr(options, name) is not None]
        if refused:
            raise ValueError(f"{refused[0]} is for tables, but {options.data!r} is a folder or missing.")
        return Bunch(**load_audio_folder(path, group_pattern=options.group_pattern), is_folder=True)
    if options.group_pattern is not None:
        raise ValueError(f"--group-pattern is for folders, but {options.data!r} is a table; use --groups COLUMN.")
    label = options.label.split(",") if options.label and "," in options.label else options.label
    return load_audio_table(path, path=options.path, root=options.root, label=label, group=options.groups)


def is_multilabel(bunch: Bunch) -> bool:
    """Whether the target is an indicator matrix."""
    return np.ndim(bunch.target) == 2


def likely_group(clips: Bunch) -> str | None:
    """Return the option for a column, or for sites in names, that may group the recordings."""
    if clips.get("is_folder", False):
        return f"--group-pattern '{SITE_PATTERN}'" if _groups_rows(clips.frame, "site") else None
    columns = {str(column).strip().lower(): column for column in clips.frame.columns}
    for name in _GROUP_NAMES:
        if name in columns and _groups_rows(clips.frame, columns[name]):
            return f"--groups {columns[name]}"
    return None


def _groups_rows(frame: pd.DataFrame, name: Any) -> bool:
    return name in frame and bool(frame[name].notna().all()) and 1 < frame[name].nunique() < len(frame)


def described(clips: Bunch, measured: list[Measured]) -> str:
    """Describe number and duration of the recordings, in total and per class."""
    table = _summary(clips, measured)
    everything: Any = table.loc[_ALL]
    kind = "labels" if is_multilabel(clips) else "classes"
    rates = " and ".join(map(str, everything["sample_rates"]))
    layouts = " and ".join(_LAYOUTS.get(n, f"{n} channels") for n in everything["channels"])
    head = (
        f"{everything['n_clips']} recordings, {in_words(everything['total_s'])} in all, {rates} Hz, {layouts}; "
        f"{len(clips.target_names)} {kind}"
    )
    if len(clips.target_names) > _N_SHOWN:
        return f"{head} (sklearn_audio.datasets.summarize_clips lists them)"
    shown = table.drop(index=_ALL)[list(_COLUMNS)].rename(columns=_COLUMNS)
    return f"{head}\n\n{shown.to_string(formatters=dict.fromkeys(shown.columns[1:], in_words))}\n"


def _summary(clips: Bunch, measured: list[Measured]) -> pd.DataFrame:
    """Summarize each class, and all recordings as one more class."""
    members = clips.target if is_multilabel(clips) else clips.target[:, None] == clips.target_names
    members = np.column_stack([members, np.ones(len(clips.data), dtype=bool)])
    return summarize_measured(measured, members, [*clips.target_names, _ALL]).set_index("class").rename_axis(None)


_TABLES = (".csv", ".tsv", ".json")


def expanded(names: list[str], *, may_miss: bool) -> list[Any]:
    """Expand the arguments to clips."""
    clips = [clip for name in names for clip in _expanded(name)]
    _check(clips, may_miss=may_miss)
    return clips


def distinct(clips: list[Any]) -> list[Any]:
    """Return each clip once, also if it is named in several ways."""
    found: dict[Any, Any] = {}
    for clip in clips:
        found.setdefault((os.path.abspath(path_of(clip)), clip[1:] if isinstance(clip, tuple) else None), clip)
    return list(found.values())


def path_of(clip: Any) -> str:
    """Path of a clip, which may be (path, start, end)."""
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
    """List the clips of a table, with paths relative to its folder."""
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
