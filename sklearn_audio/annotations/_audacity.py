"""Label tracks of Audacity: start, end and text between tabs; a line with a backslash has the frequency limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio.annotations._schema import FREQUENCIES, number_text
from sklearn_audio.annotations._source import Source

_COMMA = re.compile(r"-?\d+,\d{4,}")  # decimals as some languages write them
_BACKSLASH = "\\"
_UNDEFINED = -1.0  # a frequency that is not set


def as_number(text: str) -> float | None:
    """Return a number of a label track; None for other text."""
    try:
        return float(text.replace(",", ".") if _COMMA.fullmatch(text.strip()) else text)
    except ValueError:
        return None


def read_audacity(source: Source) -> pd.DataFrame:
    """Read a label track; a label without an end is a point."""
    rows: list[dict[str, Any]] = []
    for number, line in source.lines():
        fields = line.split("\t")
        if not line.strip():
            continue
        if fields[0].strip() == _BACKSLASH:
            if not rows:
                raise source.error(number, "has frequencies, but no label before it.")
            rows[-1] |= dict(zip(FREQUENCIES, _frequencies(source, number, fields), strict=True))
        else:
            rows.append(_label(source, number, fields))
    table = pd.DataFrame(rows, columns=["start", "end", "label", *FREQUENCIES])
    return table if any(FREQUENCIES[0] in row for row in rows) else table.drop(columns=FREQUENCIES)


def _label(source: Source, number: int, fields: list[str]) -> dict[str, Any]:
    times = [as_number(field) for field in fields[:2]]
    if times[0] is None:
        raise source.error(number, f"starts with {fields[0]!r}; expected start, end and label with tabs between them.")
    if len(times) < 2 or times[1] is None:
        return {"start": times[0], "end": times[0], "label": "\t".join(fields[1:])}
    return {"start": times[0], "end": times[1], "label": "\t".join(fields[2:])}


def _frequencies(source: Source, number: int, fields: list[str]) -> list[float]:
    limits = [as_number(field) for field in fields[1:3]]
    if len(limits) < 2 or None in limits:
        raise source.error(number, "lacks two frequencies after the backslash.")
    return [np.nan if limit is None or limit < 0 else limit for limit in limits]


def write_audacity(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write a label track; times have at least six decimals, as in Audacity."""
    limits = [events[name] if name in events else np.full(len(events), np.nan) for name in FREQUENCIES]
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for start, end, label, low, high in zip(events["start"], events["end"], events["label"], *limits, strict=True):
            stream.write(f"{number_text(start, 6)}\t{number_text(end, 6)}\t{label}\n")
            if not (np.isnan(low) and np.isnan(high)):
                pair = [number_text(_UNDEFINED if np.isnan(limit) else limit, 6) for limit in (low, high)]
                stream.write("\t".join([_BACKSLASH, *pair]) + "\n")
