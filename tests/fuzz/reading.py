"""Damaged recordings through `AudioLoader`: in this process, or in child processes that may die."""

from __future__ import annotations

import io
import os
import resource
import select
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sklearn_audio import AudioLoader
from tests.fuzz.mutations import damaged

__all__ = ["Report", "outcome", "run", "work"]

_MEMORY_BYTES = 2 << 30
_START = 10  # times the usual patience, for the modules of a child are read first
_GOOD = np.linspace(-0.5, 0.5, 1000, dtype=np.float32)
_NAMED = "1 clip(s) could not be used and became NaN:\n  row 0"


class Report(NamedTuple):
    """Count the outcomes of each kind, and list the faults."""

    outcomes: Counter[str]
    faults: list[str]


def outcome(data: bytes, form: int, folder: str) -> str:
    """Read one recording, given as a path, bytes or a file object; "array", "named", or what is wrong."""
    path = Path(folder, "recording.bin")
    path.write_bytes(data)
    source = [str(path), data, io.BufferedReader(io.BytesIO(data))][form % 3]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            rows = AudioLoader(on_error="nan").fit_transform([source, _GOOD])
        except Exception as error:  # the fault that is looked for
            return f"{type(error).__name__}: {error}"
    if not np.array_equal(rows[1], _GOOD):
        return "another row has changed"
    if np.isfinite(rows[0]).all():
        return "array"
    named = [text for warning in caught if (text := str(warning.message)).startswith(_NAMED)]
    return "named" if len(rows[0]) == len(named) == 1 else f"NaN, and {len(named)} warnings name the row"


def work(seed: int, first: int, last: int) -> None:
    """Read some mutations in this process, with 2 GB on top of what its modules take, and say how each ended."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # libsndfile itself prints about some damage on standard output, which is kept apart from the answers
    answers, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(first, last):
            _, data = damaged(seed, index)
            ended = outcome(data, index, folder).replace("\n", " ")
            os.write(answers, f"{index} {ended}\n".encode())


def run(
    seed: int,
    n: int,
    *,
    timeout: float = 60.0,
    per_child: int = 1000,
    progress: Callable[[int, Report], None] = lambda n_read, report: None,
) -> Report:
    """Read n mutations in child processes; one that dies or hangs is a fault, and the next goes on behind it."""
    report = Report(Counter(), [])
    first = 0
    while first < n:
        last = min(n, (first // per_child + 1) * per_child)
        command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "--work", str(seed), str(first), str(last)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            end = _listen(child, report, seed, timeout)
            child.kill()
        first = max(first, end + 1)
        if first < last:
            code = child.wait()
            why = "hung" if code == -9 else f"died with {code}"
            _note(report, seed, first, f"the process {why}")
            first += 1
        if first == last:
            progress(last, report)
    return report


def _listen(child: subprocess.Popen[bytes], report: Report, seed: int, timeout: float) -> int:
    """Note what a child says until it ends or is silent for too long; the last index it told of."""
    stream, rest, index = child.stdout.fileno(), b"", -1
    while select.select([stream], [], [], timeout if index >= 0 else _START * timeout)[0]:
        read = os.read(stream, 1 << 16)
        if not read:
            child.wait()
            break
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            told, ended = line.decode().split(" ", 1)
            index = int(told)
            _note(report, seed, index, ended)
    return index


def _note(report: Report, seed: int, index: int, ended: str) -> None:
    kind = ended if ended in ("array", "named") else "fault"
    report.outcomes[kind] += 1
    if kind == "fault":
        report.faults.append(f"seed {seed}, mutation {index} ({damaged(seed, index)[0]}): {ended}")
