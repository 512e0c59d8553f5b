"""Tables on disk: CSV, TSV and the JSON of audio tagging recipes, read as text so that labels stay unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio._text_tables import encoding_of, read_text_table


def read_table(path: Path) -> pd.DataFrame:
    """Read a table; every cell of a CSV or TSV is text."""
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder, not a table; use load_audio_folder for class folders.")
    if not path.is_file():
        raise ValueError(f"the table {str(path)!r} does not exist.")
    return _read_json(path) if path.suffix.lower() == ".json" else read_text_table(path)


def read_class_labels(path: Path) -> dict[str, str]:
    """Read ``index, mid, display_name`` into the display name of each label id, in the order of the index."""
    frame = read_text_table(path)
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


def _read_json(path: Path) -> pd.DataFrame:
    try:
        document: Any = json.loads(path.read_text(encoding=encoding_of(path)))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{str(path)!r} is not JSON: {error}.") from error
    records = document.get("data") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError(f"""{str(path)!r} is not of the form {{"data": [{{"wav": path, "labels": "a,b"}}, ...]}}.""")
    return pd.DataFrame(records)
