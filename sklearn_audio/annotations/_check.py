"""Checks of annotations: times, labels, overlaps, and recordings."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio._paths import local_path
from sklearn_audio.annotations._schema import FREQUENCIES, as_events
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info

_SLACK = 1e-3  # seconds; exceeds the rounding of the formats
_ESTIMATE = 0.5  # seconds; for headers with an approximate length


def check(
    table: pd.DataFrame,
    *,
    root: str | os.PathLike[str] | None = None,
    check_audio: bool = True,
    allow_overlap: bool = True,
) -> None:
    """Raise if annotations are inconsistent, or do not match their recordings.

    Times must be seconds from 0 on, no event may end before it starts, and its lower frequency may not exceed the
    higher one.

    Parameters
    ----------
    table : DataFrame
        Annotations, with the columns path, start, end and label, or other common names for these.
    root : str or path-like, default=None
        The folder of relative paths. None: the working directory.
    check_audio : bool, default=True
        Whether every recording must exist and no event may end after it, with a tolerance of a millisecond for
        rounding, or of half a second if the header gives an estimate of the length. Nothing is decoded.
    allow_overlap : bool, default=True
        Whether events of one label may overlap in a recording.

    Raises
    ------
    ValueError
        If a column is missing or an event is invalid; the message names the row.
    AudioReadError
        If a recording does not exist or cannot be read.
    TypeError
        If `table` is not a table.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio import annotations
    >>> table = pd.DataFrame(
    ...     {
    ...         "path": "a.wav",
    ...         "start": [0.0, 2.0],
    ...         "end": [1.0, 1.5],
    ...         "label": ["dog", "cat"],
    ...     }
    ... )
    >>> annotations.check(table, check_audio=False)
    Traceback (most recent call last):
        ...
    ValueError: row 1 of the annotations ends before it starts: 2.0 to 1.5 s. Swap or repair the times.
    """
    events = as_events(
        table,
        "the annotations",
    )
    check_events(events, "the annotations")
    if not allow_overlap:
        check_overlap(events, "the annotations")
    if check_audio:
        check_recordings(events, "the annotations", root)


def check_events(events: pd.DataFrame, where: str) -> None:
    """Raise for the first event with impossible times or frequencies."""
    if "path" in events.columns:
        _raise_for_first((events["path"] == "").to_numpy(), where, lambda i: "names no recording; fill in the path.")
    start, end = (events[name].to_numpy(np.float64) for name in ("start", "end"))
    _raise_for_first(
        ~((start >= 0) & (start < np.inf)), where, lambda i: f"starts at {start[i]} s; expected seconds, at least 0."
    )
    _raise_for_first(end == np.inf, where, lambda i: "ends at inf s; leave the end empty for the end of the recording.")
    _raise_for_first(
        end < start,
        where,
        lambda i: f"ends before it starts: {start[i]} to {end[i]} s. Swap or repair the times.",
    )
    if set(FREQUENCIES) <= set(events.columns):
        low, high = (pd.to_numeric(events[name], errors="coerce").to_numpy(np.float64) for name in FREQUENCIES)
        _raise_for_first(
            low > high, where, lambda i: f"has the frequency limits {low[i]} and {high[i]} Hz; swap or repair them."
        )


def _raise_for_first(wrong: Any, where: str, problem: Any) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        more = f" ({len(rows) - 1} more such rows.)" if len(rows) > 1 else ""
        raise ValueError(f"row {rows[0]} of {where} {problem(rows[0])}{more}")


def check_overlap(
    events: pd.DataFrame, where: str, by: tuple[str, ...] = ("path", "label"), advice: str = "Merge them."
) -> None:
    """Raise for two overlapping events with equal values in some columns."""
    for _, group in events.groupby(list(by), sort=False):
        ordered = group.sort_values(["start", "end"], kind="stable")
        start, end = (ordered[name].to_numpy(np.float64) for name in ("start", "end"))
        latest = np.maximum.accumulate(np.where(np.isnan(end), np.inf, end))
        late = np.flatnonzero(start[1:] < latest[:-1])
        if len(late):
            second = late[0] + 1
            first = int(np.argmax(np.where(np.isnan(end[:second]), np.inf, end[:second])))
            raise ValueError(
                f"rows {ordered.index[first]} and {ordered.index[second]} of {where} overlap: "
                f"{', '.join(repr(ordered[name].iloc[second]) for name in by)}, {start[first]} to {end[first]} s and "
                f"{start[second]} to {end[second]} s. {advice}"
            )


def check_recordings(events: pd.DataFrame, where: str, root: str | os.PathLike[str] | None) -> None:
    """Raise for the first missing recording, and for the first event that ends after its recording."""
    folder = "" if root is None else local_path(root)
    for path, group in events.groupby("path", sort=False):
        file = os.path.join(folder, local_path(str(path)))
        if not os.path.isfile(file):
            raise AudioReadError(
                f"row {group.index[0]} of {where} names the recording {file!r}, which does not exist. Repair the "
                "path, or pass root= if relative paths start elsewhere."
            )
        info = audio_info(file)
        length = info.n_timepoints / info.sample_rate
        allowed = length + (_SLACK if info.is_exact else _ESTIMATE) if info.n_timepoints else np.inf
        beyond = group[(group["end"] > allowed) | (group["start"] > allowed)]
        if len(beyond):
            row = beyond.iloc[0]
            raise ValueError(
                f"row {beyond.index[0]} of {where} runs from {row['start']} to {row['end']} s, beyond the end of "
                f"{file!r} at {length:g} s. Repair the times, or check that the recording is the right one."
            )
