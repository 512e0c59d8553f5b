"""Outputs of `detect`: standard output, one file, or a file per recording."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio._atomic import remove_unfinished, written_whole
from sklearn_audio._paths import local_path
from sklearn_audio.annotations import write
from sklearn_audio.annotations._schema import COLUMNS
from sklearn_audio.cli._data import path_of
from sklearn_audio.cli._journal import Journal
from sklearn_audio.cli._messages import output
from sklearn_audio.cli._model import STALE_S, check_writable, recording_kind
from sklearn_audio.optional import require

# Format by the end of a file name; the first that fits.
SUFFIXES = {
    "csv": ".csv",
    "jsonl": ".jsonl",
    "parquet": ".parquet",
    "raven": ".selections.txt",
    "audacity": ".txt",
}
_ONE_RECORDING = ("raven", "audacity")
_STREAMED = ("csv", "jsonl")
_EVENTS = [*COLUMNS, "score"]


class Printed:
    """Events on standard output, after each recording."""

    def __init__(self, form: str, options: Namespace) -> None:
        if form not in _STREAMED:
            raise ValueError(f"--format {form} needs a file; give --output, --output-dir or --beside.")
        if options.resume or options.force:
            raise ValueError(f"--{'resume' if options.resume else 'force'} needs a file; give --output.")
        self._form = form
        self._is_first = True
        output()

    def begin(self, settings: dict[str, str]) -> None:
        """Begin; nothing is written before the first recording was read."""

    def is_done(self, clip: Any) -> bool:
        """Whether an earlier run finished a recording."""
        return False

    def add(self, clip: Any, events: pd.DataFrame) -> None:
        """Print the events of a recording."""
        print_rows(events, self._form, has_header=self._is_first)
        self._is_first = False

    def finish(self) -> None:
        """Everything was printed."""


class OneFile:
    """Events of all recordings in one file, written at the end from a journal of the finished recordings."""

    def __init__(self, form: str, clips: list[Any], options: Namespace) -> None:
        path = Path(local_path(options.output))
        check_writable(path, "the events", "events.csv")
        if kind := recording_kind(path):
            raise ValueError(f"--output {options.output!r} is {kind}, which events must not replace.")
        n_paths = len(set(map(path_of, clips)))
        if form in _ONE_RECORDING and n_paths > 1:
            raise ValueError(
                f"--format {form} holds one recording per file, and there are {n_paths}; give --output-dir or --beside "
                "for a file each."
            )
        self._form, self._clips, self._resumes = form, clips, options.resume
        self._target = Path(os.path.realpath(path))
        self._journal = Journal(self._target.with_name(f".{self._target.name}.journal"))
        self._check_earlier(options)

    def _check_earlier(self, options: Namespace) -> None:
        """Raise if there is an output, or a journal, that may be neither replaced nor continued."""
        has_output, has_journal, name = (
            self._target.exists(),
            self._journal.file.exists(),
            f"--output {options.output!r}",
        )
        if options.force or (options.resume and (has_journal or not has_output)):
            return
        if options.resume:
            raise ValueError(f"{name} exists, but not its journal, so no run can be resumed; replace it with --force.")
        if has_output:
            raise ValueError(
                f"{name} exists; name another file, resume its run with --resume, or replace it with --force."
            )
        if has_journal:
            raise ValueError(
                f"an earlier run has not finished {name}, and left {self._journal.file.name!r}; continue it with "
                "--resume, or start anew with --force."
            )

    def begin(self, settings: dict[str, str]) -> None:
        """Begin or resume a run."""
        if self._resumes:
            self._journal.resume(settings, self._clips)
        else:
            self._journal.begin(settings)

    def is_done(self, clip: Any) -> bool:
        """Whether an earlier run finished a recording."""
        return self._journal.rows(clip) is not None

    def add(self, clip: Any, events: pd.DataFrame) -> None:
        """Put the events of a recording into the journal."""
        self._journal.add(clip, events.to_numpy(dtype=object).tolist())

    def finish(self) -> None:
        """Write the file, in the order of the recordings."""
        rows = [row for clip in self._clips for row in self._journal.rows(clip) or ()]
        paths = list(dict.fromkeys(map(path_of, self._clips)))
        remove_unfinished(self._target.parent, self._target.name, older_than=STALE_S)
        _write(pd.DataFrame(rows, columns=_EVENTS), paths, self._target, self._form)


class FilePerRecording:
    """A file per recording, in a folder or beside it; a journal in each folder lists the finished recordings."""

    def __init__(self, form: str, clips: list[Any], options: Namespace) -> None:
        if any(isinstance(clip, tuple) for clip in clips):
            raise ValueError("a table gives parts of recordings; their events go to one file, named by --output.")
        self._form, self._clips, self._resumes = form, clips, options.resume
        self._files = self._named(options.output_dir)
        for folder in {file.parent for file in self._files.values()}:
            if options.output_dir is not None:
                folder.mkdir(parents=True, exist_ok=True)
            check_writable(folder / "events", "the events", "events.csv")
        there = [str(file) for file in self._files.values() if file.exists()]
        if there and not (options.resume or options.force):
            raise ValueError(
                f"{there[0]!r} exists ({len(there)} of {len(clips)} files do); skip finished recordings with --resume, "
                "or replace them with --force."
            )
        self._journals = {file.parent: Journal(file.parent / ".events.journal") for file in self._files.values()}

    def _named(self, folder: str | None) -> dict[Any, Path]:
        """Return the file of each recording, named after it."""
        found: dict[Path, Any] = {}
        for clip in self._clips:
            parent = Path(clip).parent if folder is None else Path(local_path(folder))
            file = parent / f"{Path(clip).stem}.events{SUFFIXES[self._form]}"
            if file in found:
                raise ValueError(
                    f"the recordings {found[file]!r} and {clip!r} would have the same file {str(file)!r}; write one "
                    "file with --output, or rename one."
                )
            found[file] = clip
        return {clip: file for file, clip in found.items()}

    def begin(self, settings: dict[str, str]) -> None:
        """Begin or resume a run."""
        for folder, journal in self._journals.items():
            clips = [clip for clip, file in self._files.items() if file.parent == folder]
            if self._resumes:
                journal.resume(settings, clips)
            else:
                journal.begin(settings)

    def is_done(self, clip: Any) -> bool:
        """Whether an earlier run finished a recording."""
        file = self._files[clip]
        return file.exists() and self._journals[file.parent].rows(clip) is not None

    def add(self, clip: Any, events: pd.DataFrame) -> None:
        """Write the file of a recording."""
        file = self._files[clip]
        _write(events, [clip], file, self._form)
        self._journals[file.parent].add(clip, [])

    def finish(self) -> None:
        """Everything was written."""


def print_rows(table: pd.DataFrame, form: str, *, has_header: bool) -> None:
    """Print rows of a table as CSV or JSON Lines."""
    if form == "jsonl":
        output().write(json_lines(table))
    else:
        table.to_csv(output(), header=has_header, index=False, lineterminator="\n")
    output().flush()


def planned_output(clips: list[Any], options: Namespace) -> Printed | OneFile | FilePerRecording:
    """Return the output that the options ask for; raise if it cannot or must not be written."""
    form = _format(options)
    if options.output is None and options.output_dir is None and not options.beside:
        return Printed(form, options)
    for path in map(path_of, clips):
        if any("\udc80" <= letter <= "\udcff" for letter in path):  # bytes that are not UTF-8
            raise ValueError(f"the name {path!r} is not valid text, so it cannot be written to a file; rename it.")
    return (FilePerRecording if options.output is None else OneFile)(form, clips, options)


def _format(options: Namespace) -> str:
    """Return the chosen format, or that of the name of the output."""
    named = [form for form, suffix in SUFFIXES.items() if (options.output or "").lower().endswith(suffix)]
    if options.format is None and options.output and not named:
        raise ValueError(
            f"the name --output {options.output!r} has no known format; give --format, or end it with "
            f"{', '.join(SUFFIXES.values())}."
        )
    form: str = options.format or (named[0] if named else "csv")
    if form == "parquet":
        require("pyarrow", needed_by="--format parquet", extra="parquet")
    return form


def json_lines(events: pd.DataFrame) -> str:
    """Write rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in events.to_dict("records"))


def _write(events: pd.DataFrame, paths: list[str], target: Path, form: str) -> None:
    """Write a file atomically; a label track has no scores."""
    if form in ("csv", *_ONE_RECORDING):
        write(events, target, form, recordings=paths, lossy=True)
        return
    with written_whole(target) as unfinished:
        if form == "jsonl":
            unfinished.write_text(json_lines(events), encoding="utf-8", newline="\n")
        else:
            events.astype({"path": str, "start": float, "end": float, "label": str, "score": float}).to_parquet(
                unfinished, engine="pyarrow", index=False
            )
