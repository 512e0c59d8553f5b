"""The journal of a command: which recordings it finished, and what it found in them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sklearn_audio.cli._data import path_of


class Journal:
    """A line of JSON per finished recording, with the settings of the run and the rows found.

    A line is flushed to disk before the next recording begins, so that a killed run loses only the recording that it
    was at. It may leave half a line, which the next run cuts off. A recording is the same if its path, part, size and
    time of modification are.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._settings: dict[str, str] = {}
        self._finished: dict[str, dict[str, Any]] = {}

    def begin(self, settings: dict[str, str]) -> None:
        """Forget earlier runs, and begin one with some settings."""
        self._settings, self._finished = settings, {}
        self.file.unlink(missing_ok=True)

    def resume(self, settings: dict[str, str], clips: list[Any]) -> None:
        """Read what earlier runs finished; raise if a clip was finished with other settings."""
        self._settings = settings
        self._finished = {line["recording"]: line for line in _whole_lines(self.file)}
        for clip in clips:
            line = self._finished.get(identity_of(clip))
            if line is not None:
                self._check(line["settings"])

    def rows(self, clip: Any) -> list[Any] | None:
        """Return the rows of a clip; None if it is not finished."""
        line = self._finished.get(identity_of(clip))
        return None if line is None else line["rows"]

    def add(self, clip: Any, rows: list[Any]) -> None:
        """Note that a clip is finished."""
        name = identity_of(clip)
        line = {"recording": name, "settings": self._settings, "rows": rows}
        with self.file.open("ab") as file:
            file.write((json.dumps(line) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        self._finished[name] = line

    def _check(self, earlier: dict[str, str]) -> None:
        for name, value in self._settings.items():
            if earlier.get(name) != value:
                change = "" if name == "model" else f" ({earlier.get(name)}, now {value})"
                raise ValueError(
                    f"the run to resume, of {str(self.file)!r}, had another {name}{change}; give the same, or start "
                    "anew with --force."
                )


def identity_of(clip: Any) -> str:
    """Describe a clip by its path and part, and the size and time of modification of its file."""
    path = path_of(clip)
    status = os.stat(path) if os.path.isfile(path) else None
    return json.dumps([clip, None if status is None else [status.st_size, status.st_mtime_ns]])


def _whole_lines(file: Path) -> list[dict[str, Any]]:
    """Read a journal, and cut off what follows the last whole line."""
    if not file.exists():
        return []
    found, size = [], 0
    for line in file.read_bytes().splitlines(keepends=True):
        try:
            found.append(json.loads(line if line.endswith(b"\n") else b""))
        except ValueError:
            break
        size += len(line)
    os.truncate(file, size)
    return found
