"""An annotation file: its text, and errors that name its lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sklearn_audio._text_tables import encoding_of, read_text_table


class Source(NamedTuple):
    """An annotation file with the options for reading it."""

    file: Path
    encoding: str
    label: str | None

    @property
    def where(self) -> str:
        """Name of the file in messages."""
        return f"the annotations {str(self.file)!r}"

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield number and text of each line, without line breaks and without loading the whole file."""
        try:
            with self.file.open(encoding=self.encoding) as stream:
                for number, line in enumerate(stream, 1):
                    yield number, line.removesuffix("\n")
        except UnicodeError as error:
            raise self._not_text() from error

    def text(self) -> str:
        """Return the whole text."""
        try:
            return self.file.read_text(encoding=self.encoding)
        except UnicodeError as error:
            raise self._not_text() from error

    def head(self) -> str:
        """Return the beginning of the text."""
        try:
            with self.file.open(encoding=self.encoding) as stream:
                return stream.read(8192)
        except UnicodeError as error:
            raise self._not_text() from error

    def table(self, *, separator: str | None = None, quotes: bool = True) -> pd.DataFrame:
        """Return a CSV or TSV as text; missing cells are empty."""
        return read_text_table(self.file, separator=separator, encoding=self.encoding, quotes=quotes).fillna("")

    def error(self, line: int, problem: str) -> ValueError:
        """Return an error that names the line."""
        return ValueError(f"line {line} of {self.where} {problem}")

    def _not_text(self) -> ValueError:
        return ValueError(
            f"{self.where} are not text in {self.encoding.removesuffix('-sig')}. Pass encoding=, such as 'cp1252', or "
            "save the file as UTF-8."
        )


def open_source(file: Path, encoding: str | None, label: str | None) -> Source:
    """Return the source of a file; the encoding is UTF-8 unless given by a byte order mark or the caller."""
    return Source(file, encoding or encoding_of(file), label)
