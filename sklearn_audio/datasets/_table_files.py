"""Tables on disk: CSV, TSV and the JSON of audio tagging recipes, read as text so that labels stay unchanged."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pandas as pd

# Byte order marks; UTF-32 first, as its mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table; every cell of a CSV or TSV is text."""
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder, not a table; use load_audio_folder for class folders.")
    if not path.is_file():
        raise ValueError(f"the table {str(path)!r} does not exist.")
    return _read_json(path) if path.suffix.lower() == ".json" else _read_csv(path)


def read_class_labels(path: Path) -> dict[str, str]:
    """Read ``index, mid, display_name`` into the display name of each label id, in the order of the index."""
    frame = _read_csv(path)
    missing = [name for name in ("index", "mid", "display_name") if name not in frame.columns]
    if missing:
        raise ValueError(
            f"the class labels {str(path)!r} have no column {missing[0]!r}; expected index, mid and display_name, "
            f"found {list(frame.columns)}."
        )
    index = pd.to_numeric(frame["index"], errors="coerce")
    if index.isna().any():
        row = int(index.isna().to_numpy().argmax())
        raise ValueError(
            f"row {row} of the class labels {str(path)!r} has {frame['index'].iloc[row]!r} in the column 'index'; "
            "expected a number."
        )
    ordered = frame.iloc[index.argsort()]
    return dict(zip(ordered["mid"], ordered["display_name"], strict=True))


def _encoding(path: Path) -> str:
    """Return the encoding of a table: UTF-8, unless a byte order mark says otherwise."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8-sig")


def _read_csv(path: Path) -> pd.DataFrame:
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            header = file.readline()
        if "\0" in header:
            raise ValueError(f"{str(path)!r} is not a table of text; expected CSV, TSV or JSON.")
        delimiter = max(",", "\t", ";", key=header.count)  # a comma if equal
        frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, encoding=encoding, low_memory=False)
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


def _read_json(path: Path) -> pd.DataFrame:
    try:
        document: Any = json.loads(path.read_text(encoding=_encoding(path)))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{str(path)!r} is not JSON: {error}.") from error
    records = document.get("data") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError(f"""{str(path)!r} is not of the form {{"data": [{{"wav": path, "labels": "a,b"}}, ...]}}.""")
    return pd.DataFrame(records)
