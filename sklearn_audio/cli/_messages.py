"""Output of the commands: results, warnings as single lines, progress, and durations in words."""

from __future__ import annotations

import io
import math
import os
import re
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from sklearn_audio._progress import can_show_progress, progress_bar

# Interval of progress lines if messages go to a file or a pipe.
_LINE_EVERY_S = 60.0

# Terms of the Python interface, and the equivalent command line options; applied in order.
_OPTIONS = (
    (r"[Uu]se load_audio_table", "name a table of paths and labels instead of the folder"),
    (r"use load_audio_folder for class folders", "name the folder itself"),
    (r", or refuse such recordings: AudioLoader\(strict=True\)", ""),
    (r"on_error=['\"]nan['\"]", "--on-error skip"),
    (r"\bgroup_pattern=", "--group-pattern "),
    (r"\bsample_rate=", "--sample-rate "),
    (r"\bgroups?=", "--groups "),
    (r"\b(label|path|root|window|hop|threshold)=", r"--\1 "),
)


def say(text: str) -> None:
    """Write a line to standard output and flush."""
    output().write(text + "\n")
    output().flush()


def output() -> TextIO:
    """Return standard output; raise if the process has none."""
    if sys.stdout is None:
        raise OSError("standard output is closed, so the results cannot be written.")
    return sys.stdout


@contextmanager
def utf8_output() -> Iterator[None]:
    """Write UTF-8 whatever the terminal's encoding, and undecodable file names as their bytes on disk."""
    stream = output()
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    encoding, errors = stream.encoding, stream.errors
    stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        stream.reconfigure(encoding=encoding, errors=errors)


def tell(line: str) -> None:
    """Write a line to standard error, if it is open."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.write(f"sklearn-audio: {line}\n")
            sys.stderr.flush()


def in_options(message: str) -> str:
    """Replace Python parameters in a message by command line options."""
    for parameter, option in _OPTIONS:
        message = re.sub(parameter, option, message)
    return re.sub(r"(--[a-z-]+) (?=[.,;:)]|$)", r"\1", message).replace("  ", " ")


def without_row(message: str) -> str:
    """Turn ``row 3: ...`` and ``row 3 ('dog.wav'): ...`` into ``...`` and ``'dog.wav': ...``."""
    return re.sub(r"row \d+(: | \((?='))(.*?'\))?", lambda match: (match[2] or "").rstrip(")"), message, count=1)


def one_line(message: object) -> str:
    """Put a message on one line."""
    return " ".join(str(message).split())


def in_words(seconds: float) -> str:
    """Format a duration in seconds."""
    if math.isnan(seconds):
        return "-"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Write each distinct warning of the body once to standard error, without its source line."""
    with warnings.catch_warnings(record=True) as caught:
        # user warnings always; other warnings follow the interpreter's filters
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        finally:
            for line in dict.fromkeys(one_line(warning.message) for warning in caught):
                tell(f"warning: {in_options(line)}")


def separate_results() -> None:
    """Redirect the output of C libraries to standard error, as libsndfile prints messages about damaged files."""
    try:
        is_plain = sys.stdout is not None and sys.stderr is not None and sys.stdout.fileno() == 1
    except (OSError, ValueError):
        is_plain = False
    if not is_plain:
        return
    results = os.dup(1)
    encoding, errors, buffering = sys.stdout.encoding, sys.stdout.errors, 1 if sys.stdout.isatty() else -1
    sys.stdout.flush()
    sys.stdout = open(results, "w", buffering, encoding=encoding, errors=errors)  # noqa: SIM115 - open until exit
    os.dup2(2, 1)


def abandon_output() -> None:
    """Discard pending standard output: the pipe is closed or the disk is full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class Progress:
    """Progress of a step: a bar on a terminal, else a line per minute."""

    def __init__(self, total: int, what: str, *, quiet: bool) -> None:
        is_terminal = can_show_progress() and sys.stderr.isatty()
        self._bar = progress_bar(total=total, unit=f" {what}", shown=is_terminal and not quiet)
        self._lines = not quiet and not is_terminal
        self._done, self._total, self._what = 0, total, what
        self._last_line = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def advance(self, n: int = 1) -> None:
        """Count units as done."""
        self._bar.update(n)
        self._done += n
        if self._lines and time.monotonic() - self._last_line >= _LINE_EVERY_S:
            self._last_line = time.monotonic()
            tell(f"{self._done:,} of {self._total:,} {self._what}")
