"""Tables of recordings: one row per clip with its path, label(s), group and span within the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_audio._column_names import PATH_NAMES, Span, find_column
from sklearn_audio._paths import local_path
from sklearn_audio.annotations import read as read_annotations
from sklearn_audio.annotations._formats import format_by_content
from sklearn_audio.annotations._source import open_source
from sklearn_audio.datasets._columns import (
    LABEL_LIST_NAMES,
    Columns,
    bits,
    check_indicator,
    class_names,
    filled_text,
    find_columns,
    indicator,
    seconds,
    split_labels,
    text,
)
from sklearn_audio.datasets._recorders import recorder_columns
from sklearn_audio.datasets._table_files import read_class_labels, read_table
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import backslash_hint

_ANNOTATIONS = frozenset([".txt", ".textgrid", ".rttm"])
_CLASS_LABELS = "class_labels_indices.csv"


def load_audio_table(
    table: str | os.PathLike[str] | pd.DataFrame,
    *,
    path: str | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    start: str | None = None,
    end: str | None = None,
    root: str | os.PathLike[str] | None = None,
    separator: str | None = None,
    multilabel: bool | None = None,
    class_labels: str | os.PathLike[str] | None = None,
    check_files: bool = True,
) -> Bunch:
    """Read a table of recordings and labels: CSV, TSV, JSON or a DataFrame.

    Columns that are not given are found by common names, ignoring case. Labels and groups are always text, so ``007``
    stays ``007``. Nothing is decoded: `data` holds paths, which every estimator of this library reads.

    Parameters
    ----------
    table : str, path-like or DataFrame
        A CSV or TSV with a header (comma, tab or semicolon), the JSON of audio tagging recipes
        (``{"data": [{"wav": path, "labels": "a,b"}, ...]}``), or a DataFrame, such as from
        `sklearn_audio.annotations.read`. A label track of Audacity, a selection table of Raven, a TextGrid or an RTTM
        file is a table of its events.
    path : str, default=None
        Column of the path of the recording. None: path, filepath, file, filename, wav, audio, slice_file_name or
        fname.
    label : str or sequence of str, default=None
        Column of the label, or several indicator columns of 0 and 1. None: label, class, classname, category or target,
        then labels or tags, then all other columns that hold only 0 and 1, then species, genre, emotion, instrument,
        command, keyword, word, scene or speaker.
    group : str, default=None
        Column of the group that a split must keep together, or "site" of the names of the recordings (see ``frame``).
        None: the column group, if there is one.
    start, end : str, default=None
        Columns of the span of the clip within its file, in seconds; an empty cell means the start or end of the file.
        None: start, start_time, begin time (s) or onset, with end, end_time, end time (s), offset or duration, or
        offset with duration; ignored with slice_file_name (UrbanSound8K).
    root : str or path-like, default=None
        The folder of relative paths; ``{column}`` in it is replaced by that column of the row, as in
        ``"audio/fold{fold}"``. None: the folder of the table; for a DataFrame, the working directory.
    separator : str, default=None
        Separator of the labels in one cell. None: ``;`` or ``|`` if one occurs, else a comma.
    multilabel : bool, default=None
        Whether a cell holds any number of labels. None: True for a column named labels or tags, or with `separator`.
    class_labels : str or path-like, default=None
        A CSV of index, mid, display_name: the columns of the target in order and the names of the label ids. None: for
        a JSON, the file ``class_labels_indices.csv`` in the same folder, if there is one.
    check_files : bool, default=True
        Whether to check that every recording exists.

    Returns
    -------
    Bunch
        ``data`` : ndarray of object (str), shape (n_clips,), or, with spans, a DataFrame of path, start, end;
        ``target`` : ndarray of str, shape (n_clips,), or indicator matrix of int64, shape (n_clips, n_labels);
        ``target_names`` : ndarray of str; ``groups`` : ndarray of str or None; ``filenames`` : ndarray of object
        (str); ``frame`` : DataFrame, the whole table with the paths resolved and, from names that AudioMoth or Song
        Meter gave, recorded_at (the recorder's clock) and site (the prefix), unless it has such columns; ``DESCR`` :
        str.

    Raises
    ------
    ValueError
        If the table cannot be read, is empty, lacks a column, a label, a group or a path, has an unknown label, a span
        that ends before it starts, or fewer than two classes.
    AudioReadError
        If recordings are missing; the first three are named.

    See Also
    --------
    load_audio_folder : Class folders instead of a table.
    summarize_clips : Rates, channels and durations of the clips, and unreadable files.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.datasets import load_audio_table
    >>> table = pd.DataFrame(
    ...     {
    ...         "file": ["a.wav", "b.wav", "c.wav"],
    ...         "labels": ["dog;rain", "", "rain"],
    ...     }
    ... )
    >>> clips = load_audio_table(table, check_files=False)
    >>> clips.target_names.tolist()
    ['dog', 'rain']
    >>> clips.target.tolist()
    [[1, 1], [0, 0], [0, 1]]
    """
    frame, where, folder = _open(table, root)
    named = _from_names(frame, path)
    of_name = group if group in named else None
    columns = find_columns(
        frame, where=where, path=path, label=label, group=None if of_name else group, start=start, end=end
    )
    data = _paths(
        frame, columns.path, folder if root is None else local_path(root), has_fields=root is not None, where=where
    )
    if check_files:
        _check_files(data, where)
    names = _names(table, class_labels)
    target, target_names = _target(frame, columns, where, separator, multilabel, names)
    of_group = columns.group if of_name is None else of_name
    groups = None if of_group is None else np.array(filled_text(named if of_name else frame, of_group, where=where))
    return Bunch(
        data=data if columns.span is None else _spans(frame, data, columns.span, where),
        filenames=data,
        target=target,
        target_names=target_names,
        groups=groups,
        frame=_finished(frame, columns, data, is_text=not isinstance(table, pd.DataFrame)).assign(
            **{str(name): column.to_numpy() for name, column in named.items()}
        ),
        DESCR=f"{len(data)} clips with {len(target_names)} labels from {where}.",
    )


def _open(
    table: str | os.PathLike[str] | pd.DataFrame, root: str | os.PathLike[str] | None
) -> tuple[pd.DataFrame, str, str]:
    if isinstance(table, pd.DataFrame):
        frame, where, folder = table, "the table", ""
    else:
        file = Path(local_path(table))
        frame, where, folder = _read(file, root), f"the table {str(file)!r}", str(file.parent)
    if len(frame) == 0:
        raise ValueError(f"{where} is empty: it has no rows.")
    return frame, where, folder


def _from_names(frame: pd.DataFrame, path: str | None) -> pd.DataFrame:
    """Return columns that the names of the recordings give, and that the table has not."""
    column = find_column(frame.columns, PATH_NAMES) if path is None else path
    found = recorder_columns(text(frame[column])) if column in frame.columns else {}
    return pd.DataFrame({name: values for name, values in found.items() if name not in frame.columns})


def _read(file: Path, root: str | os.PathLike[str] | None) -> pd.DataFrame:
    """Read a table, or the events of another format of annotations."""
    if file.suffix.lower() not in _ANNOTATIONS or not file.is_file():
        return read_table(file)
    source = open_source(file, None, None)
    if format_by_content(source) == "csv":
        return read_table(file)
    return read_annotations(source.file, root=os.path.abspath(file.parent if root is None else local_path(root)))


def _paths(frame: pd.DataFrame, column: Any, root: str, *, has_fields: bool, where: str) -> NDArray[np.object_]:
    relative = filled_text(frame, column, where=where)
    folders = [root] * len(relative)
    for name in frame.columns if has_fields else ():
        field = f"{{{name}}}"
        if field in root:
            folders = [folder.replace(field, cell) for folder, cell in zip(folders, text(frame[name]), strict=True)]
    joined = [os.path.join(folder, local_path(name)) for folder, name in zip(folders, relative, strict=True)]
    return np.array(joined, dtype=object)


def _check_files(data: NDArray[np.object_], where: str) -> None:
    missing = [name for name in dict.fromkeys(data) if not os.path.isfile(name)]
    if missing:
        more = ", ..." if len(missing) > 3 else ""
        raise AudioReadError(
            f"{len(missing)} recording(s) of {where} do not exist: {', '.join(map(repr, missing[:3]))}{more}. "
            "Relative paths start from the folder of the table; pass root= if they start elsewhere."
            + backslash_hint(missing[0])
        )


def _names(table: object, class_labels: str | os.PathLike[str] | None) -> dict[str, str] | None:
    if class_labels is not None:
        return read_class_labels(Path(local_path(class_labels)))
    if isinstance(table, str | os.PathLike) and Path(table).suffix.lower() == ".json":
        beside = Path(local_path(table)).parent / _CLASS_LABELS
        return read_class_labels(beside) if beside.is_file() else None
    return None


def _target(
    frame: pd.DataFrame,
    columns: Columns,
    where: str,
    separator: str | None,
    multilabel: bool | None,
    names: dict[str, str] | None,
) -> tuple[NDArray[Any], NDArray[np.str_]]:
    if columns.is_indicator:
        target = np.column_stack([bits(frame, name, where=where) for name in columns.labels])
        check_indicator(target, where=where)
        return target, np.array([str(name) for name in columns.labels])
    (column,) = columns.labels
    if multilabel is None:
        multilabel = separator is not None or str(column).strip().lower() in LABEL_LIST_NAMES
    if not multilabel:
        if names is not None:
            raise ValueError("class_labels= names the columns of a multi-label target; pass multilabel=True as well.")
        labels = np.array(filled_text(frame, column, where=where))
        return labels, class_names(labels, where=where)
    lists = split_labels(text(frame[column]), separator)
    target, found = indicator(lists, None if names is None else list(names), where=where)
    check_indicator(target, where=where)
    return target, np.array(found if names is None else list(names.values()))


def _spans(frame: pd.DataFrame, data: NDArray[np.object_], span: Span, where: str) -> pd.DataFrame:
    start = seconds(frame, span.start, where=where, is_start=True)
    last = span.duration if span.end is None else span.end
    end = seconds(frame, last, where=where)  # NaN: to the end of the file
    if span.end is None:
        end = start + end
    backward = np.flatnonzero(start >= end)
    if len(backward):
        i = backward[0]
        raise ValueError(
            f"row {i} of {where} starts at {start[i]:g} s and ends at {end[i]:g} s; the end must be later."
        )
    return pd.DataFrame({"path": data, "start": start, "end": end})


def _finished(frame: pd.DataFrame, columns: Columns, data: NDArray[np.object_], *, is_text: bool) -> pd.DataFrame:
    """Return the table with resolved paths and, if it was read as text, numeric columns converted."""
    finished = frame.copy()
    finished[columns.path] = data
    kept = {columns.path, columns.group, *(() if columns.is_indicator else columns.labels)}
    for name in finished.columns if is_text else ():
        if name not in kept:
            finished[name] = _numbers(finished[name])
    return finished


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column
