"""Selection tables of Raven, also as written by BirdNET: tabs, a header, and unquoted text."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio._column_names import EVENT_LABEL_NAMES
from sklearn_audio.annotations._schema import COLUMNS, FREQUENCIES, column_of, end_after, seconds, typed
from sklearn_audio.annotations._source import Source
from sklearn_audio.annotations._tables import write_cells

_LABELS = (*EVENT_LABEL_NAMES, "call_type", "type", "species_code")
_FREQUENCY_HEADERS = ["Low Freq (Hz)", "High Freq (Hz)"]
_BEGIN, _END, _OFFSET = "Begin Time (s)", "End Time (s)", "File Offset (s)"
_VIEWS = ("Spectrogram 1", "Waveform 1")


def read_raven(source: Source) -> pd.DataFrame:
    """Read a selection table; of a selection in several views, use the row of the spectrogram."""
    cells = source.table(separator="\t", quotes=False)
    found = {header: column_of(cells.columns, name) for header, name in ((_BEGIN, "begin_time"), (_END, "end_time"))}
    lacking = [header for header, name in found.items() if name is None]
    if lacking:
        raise ValueError(f"{source.where} have no column {lacking[0]!r}; their columns are {list(cells.columns)}.")
    begin, end = found.values()
    label = _label_column(cells, source)
    cells = _one_view(cells, begin, end)
    path = column_of(cells.columns, "begin_path") or column_of(cells.columns, "begin_file")
    offset = column_of(cells.columns, "file_offset")
    events = {} if path is None else {"path": cells[path].tolist()}
    events |= _times(cells, source, begin, end, offset)
    events["label"] = cells[label].tolist()
    for name, header in zip(FREQUENCIES, ("low_freq_(hz)", "high_freq_(hz)"), strict=True):
        column = column_of(cells.columns, header)
        if column is not None:
            limits = seconds(cells.pop(column), source.where)
            events |= {} if np.isnan(limits).all() else {name: limits}
    if path is not None and offset is None and len(set(events["path"])) > 1:
        raise ValueError(
            f"{source.where} have selections of {len(set(events['path']))} recordings, but no column {_OFFSET!r}: the "
            "times are relative to the first recording. Add that measurement in Raven and save again."
        )
    place = [column_of(cells.columns, name) for name in ("begin_path", "begin_file")]
    others = cells.drop(columns=[name for name in (*place, offset, begin, end, label) if name is not None])
    channel = column_of(others.columns, "channel")
    others = others if channel is None else others.rename(columns={channel: "channel"})
    return typed(pd.DataFrame(events, index=cells.index).join(others), keep=COLUMNS).reset_index(drop=True)


def _label_column(cells: pd.DataFrame, source: Source) -> Any:
    found = column_of(cells.columns, *_LABELS) if source.label is None else source.label
    if found is None or found not in cells.columns:
        wanted = "of labels, such as 'Annotation'" if found is None else repr(found)
        raise ValueError(
            f"{source.where} have no column {wanted}; their columns are {list(cells.columns)}. Pass label=."
        )
    return found


def _one_view(cells: pd.DataFrame, begin: Any, end: Any) -> pd.DataFrame:
    selection, view = column_of(cells.columns, "selection"), column_of(cells.columns, "view")
    if selection is None or view is None:
        return cells
    spectrogram = cells[view].str.startswith("Spectrogram")
    keys = pd.MultiIndex.from_frame(cells[[selection, begin, end]])
    kept: pd.DataFrame = cells[spectrogram | ~keys.isin(keys[spectrogram])]
    return kept


def _times(cells: pd.DataFrame, source: Source, begin: Any, end: Any, offset: Any) -> dict[str, Any]:
    """Return start and end within the file, by "File Offset (s)" if present: other times start at the first file."""
    starts, ends = (seconds(cells[name], source.where) for name in (begin, end))
    if offset is None:
        return {"start": starts, "end": ends}
    within = seconds(cells[offset], source.where)
    lasts = [b if o == a else end_after(end_after(o, b), -a) for a, b, o in zip(starts, ends, within, strict=True)]
    return {"start": within, "end": lasts}


def write_raven(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write the selections of one recording; one without frequency limits is in the view of the waveform."""
    n = len(events)
    limits = {name: events.get(name, pd.Series(np.nan, index=events.index)) for name in FREQUENCIES}
    full_band = np.isnan(np.column_stack([column.to_numpy(np.float64) for column in limits.values()])).any(axis=1)
    table = {
        "Selection": events.get("Selection", np.arange(1, n + 1)),
        "View": events.get("View", np.array(_VIEWS)[full_band.astype(int)]),
        "Channel": events.get("channel", np.ones(n, dtype=np.int64)),
        _BEGIN: events["start"],
        _END: events["end"],
        **dict(zip(_FREQUENCY_HEADERS, limits.values(), strict=True)),  # readers expect these columns, even if empty
        "Begin Path": events["path"],
        "Begin File": [path.replace("\\", "/").rsplit("/", 1)[-1] for path in events["path"]],
        _OFFSET: events["start"],
        "Label" if "Annotation" in events.columns else "Annotation": events["label"],
    }
    used = {*COLUMNS, *FREQUENCIES, "channel", *table}
    table |= {name: events[name] for name in events.columns if name not in used}
    write_cells(pd.DataFrame(table), file, "\t", quoting=csv.QUOTE_NONE, quotechar=None)
