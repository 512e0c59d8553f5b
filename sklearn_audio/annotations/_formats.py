"""The formats by name, their columns, and detection of the format of a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sklearn_audio._text_tables import separator_of
from sklearn_audio.annotations._audacity import as_number, read_audacity, write_audacity
from sklearn_audio.annotations._kaleidoscope import read_kaleidoscope, write_kaleidoscope
from sklearn_audio.annotations._label_studio import read_label_studio, write_label_studio
from sklearn_audio.annotations._raven import read_raven, write_raven
from sklearn_audio.annotations._rttm import OTHERS, TYPES, read_rttm, write_rttm
from sklearn_audio.annotations._schema import FREQUENCIES
from sklearn_audio.annotations._source import Source
from sklearn_audio.annotations._tables import read_segments, read_table, write_segments, write_separated
from sklearn_audio.annotations._textgrid import read_textgrid, write_textgrid

_LINE_MARKS = "\t\n\r"


class Format(NamedTuple):
    """Reader and writer of a format, and its columns in addition to the schema."""

    suffix: str
    read: Callable[[Source], pd.DataFrame]
    write: Callable[[pd.DataFrame, list[str], Path], None]
    columns: frozenset[str] | None  # None: any
    one_recording: bool = False  # one recording per file
    open_end: bool = False  # an event may have no end
    empty_recordings: bool = False  # recordings without events are written
    forbidden: str = ""  # characters that separate fields


FORMATS = {
    "csv": Format(".csv", read_table, write_separated(","), None, open_end=True),
    "tsv": Format(".tsv", read_table, write_separated("\t"), None, open_end=True),
    "audacity": Format(
        ".txt",
        read_audacity,
        write_audacity,
        frozenset(FREQUENCIES),
        True,
        empty_recordings=True,
        forbidden=_LINE_MARKS,
    ),
    "raven": Format(
        ".Table.1.selections.txt", read_raven, write_raven, None, True, empty_recordings=True, forbidden=_LINE_MARKS
    ),
    "kaleidoscope": Format(".csv", read_kaleidoscope, write_kaleidoscope, None),
    "textgrid": Format(".TextGrid", read_textgrid, write_textgrid, frozenset(["tier"]), True, empty_recordings=True),
    "rttm": Format(".rttm", read_rttm, write_rttm, frozenset(OTHERS), forbidden=_LINE_MARKS + " \v\f"),
    "audformat": Format(".csv", read_segments, write_segments, None, open_end=True),
    "label_studio": Format(
        ".json", read_label_studio, write_label_studio, frozenset(["channel", "score", "region"]), empty_recordings=True
    ),
}
# Suffixes that determine the format for writing.
_BY_SUFFIX = {".csv": "csv", ".tsv": "tsv", ".textgrid": "textgrid", ".rttm": "rttm", ".json": "label_studio"}
SUFFIXES = frozenset([*_BY_SUFFIX, ".txt"])
_SELECTIONS = re.compile(r".+\.(selections?|selection\.table)\.txt", re.IGNORECASE)
_FOLLOWS_RECORDING = re.compile(
    r"(\.Table\.\d+|\.events)?\.selections?(\.table)?\.txt$|\.BirdNET\.(selection\.table|results)\.\w+$"
    r"|(\.events)?\.[^.]+$",
    re.IGNORECASE,
)


def format_by_name(file: Path) -> str | None:
    """Return the format of a file name; None if there are several."""
    return "raven" if _SELECTIONS.fullmatch(file.name) else _BY_SUFFIX.get(file.suffix.lower())


def recording_name(file: Path) -> str:
    """Return the name of an annotation file without its suffix, which is that of the recording."""
    return _FOLLOWS_RECORDING.sub("", file.name)


def format_by_content(source: Source) -> str:
    """Detect the format of a file by its first lines."""
    head = source.head()
    text = head.lstrip()
    if not text:
        by_name = {".txt": "audacity", ".rttm": "rttm"}.get(source.file.suffix.lower())
        if by_name is None:
            raise ValueError(f"{source.where} are empty.")
        return by_name
    if text.startswith(("[", "{")):
        return "label_studio"
    if text.startswith(("File type", '"ooTextFile', "ooBinaryFile", '"Praat chronological')):
        return "textgrid"
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith(";;"))
    return _of_line(next(lines, ";;"))


def _of_line(line: str) -> str:
    fields = line.split()
    if line == ";;" or (fields[0] in TYPES and len(fields) > 1):
        return "rttm"
    cells = [cell.strip().strip('"') for cell in line.split(separator_of(line))]
    if "\t" in line and as_number(cells[0]) is not None:
        return "audacity"
    if "Begin Time (s)" in cells and "\t" in line:
        return "raven"
    return "kaleidoscope" if {"IN FILE", "OFFSET"} <= set(cells) else "csv"
