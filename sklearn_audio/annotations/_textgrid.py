"""TextGrids of Praat, in long and short text format: tiers of intervals and of points."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio._paths import local_path
from sklearn_audio.annotations._check import check_overlap
from sklearn_audio.annotations._schema import number_text
from sklearn_audio.annotations._source import Source
from sklearn_audio.files import audio_info

_TIER = "tier"
# As in Praat: quoted text, separate numbers, and flags; everything else is a comment.
_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|(?<!\S)(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)%?(?!\S)|<(exists|absent)>|(?<!\S)!.*', re.ASCII
)


def read_textgrid(source: Source) -> pd.DataFrame:
    """Read the intervals with a label, and all points, tier by tier."""
    text = source.text()
    for mark in ("ooBinaryFile", "Praat chronological TextGrid"):
        if text.startswith((mark, f'"{mark}')):
            raise ValueError(f"{source.where} are a TextGrid in another format; save it as a text file in Praat.")
    tokens = _Tokens(source, text)
    if tokens.take(str) not in ("ooTextFile", "ooTextFile short") or tokens.take(str) != "TextGrid":
        raise ValueError(f"{source.where} are not a TextGrid.")
    tokens.take(float), tokens.take(float)
    rows: list[dict[str, Any]] = []
    if tokens.take(bool):
        for _ in range(tokens.count()):
            rows += _tier(tokens)
    return pd.DataFrame(rows, columns=["start", "end", "label", _TIER])


def _tier(tokens: _Tokens) -> Iterator[dict[str, Any]]:
    kind = tokens.take(str)
    if kind not in ("IntervalTier", "TextTier"):
        raise tokens.error(f"a tier of the class {kind!r}; expected 'IntervalTier' or 'TextTier'")
    name = tokens.take(str)
    tokens.take(float), tokens.take(float)
    for _ in range(tokens.count()):
        start = tokens.take(float)
        end = tokens.take(float) if kind == "IntervalTier" else start
        label = tokens.take(str)
        if label or kind == "TextTier":
            yield {"start": start, "end": end, "label": label, _TIER: name}


class _Tokens:
    """The sequence of values in a text file of Praat."""

    def __init__(self, source: Source, text: str) -> None:
        self._source, self._text = source, text
        self._found = (found for found in _TOKEN.finditer(text) if found.lastindex is not None)
        self._place = 0

    def take(self, kind: type) -> Any:
        """Return the next value; raise unless it has the given type: text, number or flag."""
        found = next(self._found, None)
        if found is None:
            raise self.error("nothing; the file is truncated")
        self._place = found.start()
        if found.lastindex != {str: 1, float: 2, bool: 3}[kind]:
            raise self.error(f"{found[0]!r}; expected { ({str: 'text', float: 'a number', bool: '<exists>'}[kind]) }")
        if kind is str:
            return found[1].replace('""', '"')
        return float(found[2]) if kind is float else found[3] == "exists"

    def count(self) -> int:
        """Return the next value, a number of tiers or of intervals."""
        return int(self.take(float))

    def error(self, problem: str) -> ValueError:
        """Return an error that names the line."""
        return self._source.error(self._text.count("\n", 0, self._place) + 1, f"has {problem}.")


def write_textgrid(events: pd.DataFrame, recordings: list[str], file: Path) -> None:
    """Write one recording in the long format; intervals without a label fill the gaps."""
    tiers = _tiers(events)
    last = max([_length(recordings), *events["end"]])
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
        stream.write(f"xmin = 0 \nxmax = {number_text(last)} \ntiers? <exists> \nsize = {len(tiers)} \nitem []: \n")
        for number, (name, points, rows) in enumerate(tiers, 1):
            entries = _points(rows) if points else _intervals(rows, last)
            kind, title = ("TextTier", "points") if points else ("IntervalTier", "intervals")
            stream.write(f'    item [{number}]:\n        class = "{kind}" \n        name = {_quoted(name)} \n')
            stream.write(
                f"        xmin = 0 \n        xmax = {number_text(last)} \n        {title}: size = {len(entries)} \n"
            )
            for i, entry in enumerate(entries, 1):
                stream.write(
                    f"        {title} [{i}]:\n" + "".join(f"            {key} = {value} \n" for key, value in entry)
                )


def _tiers(events: pd.DataFrame) -> list[tuple[str, bool, pd.DataFrame]]:
    names = events[_TIER].astype(str) if _TIER in events.columns else pd.Series("labels", index=events.index)
    points = events["start"] == events["end"]
    rows = events.assign(**{_TIER: names})
    intervals = rows[~points]
    empty = intervals.index[intervals["label"] == ""]
    if len(empty):
        raise ValueError(
            f"row {empty[0]} of the annotations has an empty label, which means no event in a TextGrid. Name it, or "
            "drop the row."
        )
    check_overlap(
        intervals,
        "the annotations",
        by=("path", _TIER),
        advice="A tier of a TextGrid holds one at a time: give a column 'tier' with different names.",
    )
    keys = dict.fromkeys(zip(names, points, strict=True)) or {("labels", False): None}
    return [
        (name, is_point, rows[(names == name) & (points == is_point)].sort_values("start", kind="stable"))
        for name, is_point in keys
    ]


def _length(recordings: list[str]) -> float:
    """Return the length of the recording; 0 if it is missing."""
    file = local_path(recordings[0]) if recordings else ""
    if not os.path.isfile(file):
        return 0.0
    info = audio_info(file)
    return info.n_timepoints / info.sample_rate


def _intervals(rows: pd.DataFrame, last: float) -> list[list[tuple[str, str]]]:
    entries, before = [], 0.0
    for start, end, label in zip(rows["start"], rows["end"], rows["label"], strict=True):
        if start > before:
            entries.append((before, start, ""))
        entries.append((start, end, label))
        before = end
    if last > before or not entries:
        entries.append((before, last, ""))
    return [[("xmin", number_text(a)), ("xmax", number_text(b)), ("text", _quoted(label))] for a, b, label in entries]


def _points(rows: pd.DataFrame) -> list[list[tuple[str, str]]]:
    pairs = zip(rows["start"], rows["label"], strict=True)
    return [[("number", number_text(time)), ("mark", _quoted(label))] for time, label in pairs]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
