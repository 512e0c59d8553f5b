"""A table on standard output, as its rows are found, or in a file that is written whole at the end."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio._atomic import written_whole
from sklearn_audio._paths import local_path
from sklearn_audio.cli._data import path_of
from sklearn_audio.cli._event_outputs import json_lines, print_rows
from sklearn_audio.cli._messages import output, utf8_output
from sklearn_audio.cli._model import check_writable, recording_kind
from sklearn_audio.optional import require

FORMATS = ("csv", "jsonl", "parquet")


class TableOutput:
    """The destination of a table that --output, --format and --force choose."""

    def __init__(self, options: Namespace) -> None:
        self._path = None if options.output is None else Path(local_path(options.output))
        self._form: str = options.format or self._named() or "csv"
        self._parts: list[pd.DataFrame] = []
        self._is_first = True
        self._check(options)

    def _named(self) -> str | None:
        """Return the format that the name of the file ends with."""
        ending = "" if self._path is None else self._path.suffix.lower().removeprefix(".")
        return ending if ending in FORMATS else None

    def _check(self, options: Namespace) -> None:
        """Raise, before any work is done, for an output that cannot or must not be written."""
        if self._path is None:
            is_for_model = getattr(options, "learn", None) is not None
            if self._form == "parquet" or (options.force and not is_for_model):
                raise ValueError(f"{'--format parquet' if self._form == 'parquet' else '--force'} needs --output FILE.")
            output()
            return
        if self._form == "parquet":
            require("pyarrow", needed_by="--format parquet", extra="parquet")
        check_writable(self._path, "the table", "table.csv")
        if kind := recording_kind(self._path):
            raise ValueError(f"--output {options.output!r} is {kind}, which a table must not replace.")
        if options.format is None and self._named() is None:
            ends = ", ".join(f".{form}" for form in FORMATS)
            raise ValueError(
                f"the name --output {options.output!r} has no known format; give --format, or end it with {ends}."
            )
        if self._path.exists() and not options.force:
            raise ValueError(f"--output {options.output!r} exists; name another file, or replace it with --force.")

    def add(self, rows: pd.DataFrame) -> None:
        """Print rows, or keep them for the file."""
        if self._path is not None:
            self._parts.append(rows)
            return
        with utf8_output():
            print_rows(rows, self._form, has_header=self._is_first)
        self._is_first = False

    def finish(self) -> None:
        """Write the file."""
        if self._path is None:
            return
        table = pd.concat(self._parts, ignore_index=True)
        with written_whole(self._path, durable=True) as unfinished:
            if self._form == "csv":
                table.to_csv(unfinished, index=False, lineterminator="\n")
            elif self._form == "jsonl":
                unfinished.write_text(json_lines(table), encoding="utf-8", newline="\n")
            else:
                table.to_parquet(unfinished, engine="pyarrow", index=False)

    @property
    def is_text(self) -> bool:
        """Whether a cell can only be a number or text."""
        return self._form == "csv"


def places(clips: list[Any], *, has_spans: bool) -> pd.DataFrame:
    """Return the paths of clips and, where some are parts, their starts and ends in seconds; None: of the recording."""
    spans = [clip[1:] if isinstance(clip, tuple) else (None, None) for clip in clips]
    known = [[None if time is None or not np.isfinite(time) else time for time in span] for span in spans]
    table = pd.DataFrame(known, columns=["start", "end"], dtype=object)
    table.insert(0, "path", pd.Series(list(map(path_of, clips)), dtype=object))
    return table if has_spans else table[["path"]]
