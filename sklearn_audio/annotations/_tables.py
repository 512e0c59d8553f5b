"""Annotations in CSV and TSV files with a header, including those of audformat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio.annotations._schema import COLUMNS, as_events, typed
from sklearn_audio.annotations._source import Source


def read_table(source: Source) -> pd.DataFrame:
    """Read a table with the columns of the schema, under any common names."""
    return _read(source, whole_files=False)


def read_segments(source: Source) -> pd.DataFrame:
    """Read a table of audformat, segmented or of whole files."""
    return _read(source, whole_files=True)


def _read(source: Source, *, whole_files: bool) -> pd.DataFrame:
    cells = source.table()
    events = as_events(cells, source.where, label=source.label, needs_path=False, whole_files=whole_files)
    return typed(events, keep=COLUMNS)


def write_separated(separator: str) -> Callable[[pd.DataFrame, list[str], Path], None]:
    """Return a writer of tables with a header."""

    def write(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
        write_cells(events, file, separator)

    return write


def write_cells(table: pd.DataFrame, file: Path, separator: str, **options: Any) -> None:
    """Write a table with a header; numbers are written as the shortest text that reads back as the same number."""
    table.to_csv(file, sep=separator, index=False, lineterminator="\n", encoding="utf-8", **options)


def write_segments(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write a table of audformat with a segmented index."""
    segments = to_segments(events).reset_index()
    # audformat writes durations like pandas, and a missing end as an empty cell
    segments[["start", "end"]] = segments[["start", "end"]].astype(str).replace("NaT", "")
    write_cells(segments, file, ",")


def to_segments(table: Any) -> pd.DataFrame:
    """Return annotations with the segmented index of audformat: file, start and end, the times as Timedelta.

    Parameters
    ----------
    table : DataFrame
        Annotations, with the columns path, start, end and label, or other common names for these.

    Returns
    -------
    DataFrame
        The other columns, label first. Times are rounded to nanoseconds; NaT is the end of an event that lasts to the
        end of its file. `read` accepts this table.

    Raises
    ------
    ValueError
        If a column is missing.
    TypeError
        If `table` is not a table.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio import annotations
    >>> table = pd.DataFrame(
    ...     {"path": ["a.wav"], "start": [0.5], "end": [2.0], "label": ["dog"]}
    ... )
    >>> annotations.to_segments(table).index[0]
    ('a.wav', Timedelta('0 days 00:00:00.500000'), Timedelta('0 days 00:00:02'))
    """
    events = as_events(table, "the annotations")
    index = pd.MultiIndex.from_arrays(
        [pd.Index(events["path"], dtype="string"), _durations(events["start"]), _durations(events["end"])],
        names=["file", "start", "end"],
    )
    return events.drop(columns=COLUMNS[:3]).set_index(index)


def _durations(seconds: pd.Series[Any]) -> Any:
    times = seconds.to_numpy(np.float64)
    nanoseconds = np.round(np.nan_to_num(times) * 1e9).astype("timedelta64[ns]")
    return pd.to_timedelta(np.where(np.isnan(times), np.timedelta64("NaT", "ns"), nanoseconds))
