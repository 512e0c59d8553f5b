"""A folder of files that are written whole, one per part of a list of recordings, and a run that can be resumed."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sklearn_audio._atomic import remove_unfinished, written_whole
from sklearn_audio.cli._journal import identity_of
from sklearn_audio.cli._model import STALE_S

_SETTINGS = "settings.json"


class PartFolder:
    """Files ``part-00000-HASH.csv``: the hash is that of names, sizes and times of modification of the recordings.

    A part whose file is there is finished. A run that was killed leaves whole parts only, and one that resumes it
    writes the others; a part whose recordings changed gets another name, and the old file is removed.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder, self._suffix = folder, suffix

    def open(self, settings: dict[str, str], options: Namespace) -> None:
        """Create the folder; raise if it holds other files, or a run that may be neither replaced nor resumed."""
        self._check(settings, options)
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self._folder, older_than=STALE_S)
        if options.force:
            self.close(0)
        with written_whole(self._folder / _SETTINGS, durable=True) as unfinished:
            unfinished.write_text(json.dumps(settings), encoding="utf-8")

    def _check(self, settings: dict[str, str], options: Namespace) -> None:
        name, file = f"--output {options.output!r}", self._folder / _SETTINGS
        if not options.output:
            raise ValueError("--output is empty; name a folder. Is a variable not set?")
        if self._folder.exists() and not self._folder.is_dir():
            raise ValueError(f"{name} is a file; name a folder.")
        if self._folder.is_dir() and any(self._folder.iterdir()) and not file.is_file():
            raise ValueError(f"{name} holds other files; name a new folder.")
        if options.force or not any(self._folder.glob("part-*")):
            return
        if not options.resume:
            raise ValueError(f"{name} exists; go on with --resume, or replace it with --force.")
        earlier = json.loads(file.read_text(encoding="utf-8"))
        for setting, value in settings.items():
            if earlier.get(setting) != value:
                raise ValueError(
                    f"the run to resume, in {options.output!r}, had another {setting} ({earlier.get(setting)}, now "
                    f"{value}); give the same, or start anew with --force."
                )

    def is_done(self, number: int, clips: list[Any]) -> bool:
        """Whether the file of a part is there."""
        return self._file(number, clips).is_file()

    @contextmanager
    def part(self, number: int, clips: list[Any]) -> Iterator[Path]:
        """Yield a path to write a part at, which gets its name at the end."""
        file = self._file(number, clips)
        with written_whole(file, durable=True) as unfinished:
            yield unfinished
        for other in self._folder.glob(f"part-{number:05d}-*"):
            if other != file:
                other.unlink()

    def _file(self, number: int, clips: list[Any]) -> Path:
        digest = blake2b("\n".join(map(identity_of, clips)).encode(), digest_size=8).hexdigest()
        return self._folder / f"part-{number:05d}-{digest}{self._suffix}"

    def close(self, n_parts: int) -> None:
        """Remove parts of a longer list of recordings."""
        for file in self._folder.glob("part-*"):
            if int(file.name.split("-")[1]) >= n_parts:
                file.unlink()
