"""CSV and TSV files as text: every cell stays as it is written, so that ``007`` stays ``007``."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path
from typing import Literal

import pandas as pd

# Byte order marks; UTF-32 first, as its mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file: UTF-8, unless a byte order mark says otherwise."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8-sig")


def separator_of(header: str) -> str:
    """Return the most frequent of comma, tab and semicolon; a comma if equal."""
    return max(",", "\t", ";", key=header.count)


def read_text_table(
    path: Path, *, separator: str | None = None, encoding: str | None = None, quotes: bool = True
) -> pd.DataFrame:
    """Read a CSV or TSV; every cell is text. Without `quotes`, a quotation mark is a character like any other."""
    encoding = encoding or encoding_of(path)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    try:
        with path.open(encoding=encoding, newline="") as file:
            header = file.readline()
        if "\0" in header:
            raise ValueError(f"{str(path)!r} is not a table of text; expected CSV, TSV or JSON.")
        frame: pd.DataFrame = pd.read_csv(
            path,
            sep=separator or separator_of(header),
            dtype=str,
            keep_default_na=False,
            encoding=encoding,
            low_memory=False,
            quoting=quoting,
        )
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"the table {str(path)!r} is empty.") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{str(path)!r} is not a table of text; expected CSV, TSV or JSON in UTF-8 or, with a byte order mark, "
            "UTF-16."
        ) from error
    except pd.errors.ParserError as error:
        raise ValueError(f"{str(path)!r} is not a CSV or TSV table: {error}.") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(f"{str(path)!r} is not a CSV or TSV table: its rows have more fields than its header.")
    return frame
