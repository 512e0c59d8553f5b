"""Rich Transcription Time Marked files (RTTM): ten fields per line, for speakers over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio.annotations._schema import COLUMNS, duration_text, end_after, number_text, typed
from sklearn_audio.annotations._source import Source

_METADATA = ("NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "SU", "IP", "CB", "A/P")
TYPES = frozenset(["SPEAKER", "SEGMENT", "SPKR-INFO", *_METADATA])
# Columns in addition to the schema, with their values if absent.
OTHERS = {
    "type": "SPEAKER",
    "channel": "1",
    "orthography": "<NA>",
    "subtype": "<NA>",
    "score": "<NA>",
    "lookahead": "<NA>",
}
_NOTHING = "<NA>"


def read_rttm(source: Source) -> pd.DataFrame:
    """Read events; skip comments, and lines with information about a speaker."""
    rows = []
    for number, line in source.lines():
        fields = line.split()
        if fields and not fields[0].startswith(";;") and fields[0] != "SPKR-INFO":
            rows.append(_event(source, number, fields))
    events = typed(pd.DataFrame(rows, columns=[*COLUMNS, *OTHERS]), keep=(*COLUMNS, "type", "orthography", "subtype"))
    usual = [name for name, value in OTHERS.items() if (events[name].astype(str) == value).all()]
    events = events.drop(columns=usual)
    for name in ("score", "lookahead"):
        if name in events.columns:
            events = events.assign(**{name: events[name].replace(_NOTHING, "")})
    return typed(events, keep=(*COLUMNS, "type", "orthography", "subtype"))


def _event(source: Source, number: int, fields: list[str]) -> dict[str, Any]:
    if len(fields) not in (9, 10) or fields[0] not in TYPES:
        raise source.error(
            number,
            f"is not an RTTM event, which has ten fields, the first such as 'SPEAKER': {' '.join(fields)!r}.",
        )
    kind, path, channel, begin, length, orthography, subtype, label, score, *lookahead = fields
    try:
        start, end = float(begin), end_after(begin, length)
    except ValueError:
        raise source.error(number, f"has the start {begin!r} and the duration {length!r}; expected seconds.") from None
    return {
        "path": path,
        "start": start,
        "end": end,
        "label": "" if label == _NOTHING else label,
        "type": kind,
        "channel": channel,
        "orthography": orthography,
        "subtype": subtype,
        "score": score,
        "lookahead": lookahead[0] if lookahead else _NOTHING,
    }


def write_rttm(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write events; missing columns have the empty values of the format."""
    taken = np.flatnonzero(events["label"] == _NOTHING)
    if len(taken):
        raise ValueError(
            f"row {taken[0]} of the annotations has the label {_NOTHING!r}, which means no label in RTTM; rename it."
        )
    columns = [_fields(events, name, value) for name, value in OTHERS.items()]
    schema = (events[name] for name in COLUMNS)
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for path, start, end, label, kind, channel, *others in zip(*schema, *columns, strict=True):
            orthography, subtype, score, lookahead = others
            times = f"{number_text(start, 3)} {duration_text(start, end)}"
            stream.write(
                f"{kind} {path} {channel} {times} {orthography} {subtype} {label or _NOTHING} {score} {lookahead}\n"
            )


def _fields(events: pd.DataFrame, name: str, usual: str) -> list[str]:
    if name not in events.columns:
        return [usual] * len(events)
    cells = zip(events[name].tolist(), events[name].isna(), strict=True)
    return [usual if gone or cell == "" else str(cell) for cell, gone in cells]
