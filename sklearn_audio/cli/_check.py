"""``sklearn-audio check``: damaged, silent, clipped, duplicate and wrongly named recordings in one table."""

from __future__ import annotations

import csv
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._threads import ordered_map
from sklearn_audio.cli._data import expanded, path_of
from sklearn_audio.cli._messages import Progress, one_line, output, tell, utf8_output, without_row
from sklearn_audio.cli._survey import digest
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import AudioInfo, audio_info, open_audio

# Peaks below this, 80 dB below full scale, are silence.
_SILENT = 1e-4
# A sound is clipped where so many consecutive values are at full scale.
_FULL_SCALE, _RUN = 0.999, 3
# Formats that may bear a name, by their first word; other names are not judged.
_NAMED = {
    ".wav": {"WAV", "WAVEX", "RF64"},
    ".flac": {"FLAC"},
    ".ogg": {"OGG", "FLAC"},
    ".oga": {"OGG", "FLAC"},
    ".opus": {"OGG"},
    ".mp3": {"MP3"},
    ".aiff": {"AIFF"},
    ".aif": {"AIFF"},
}


class _Problem(NamedTuple):
    kind: str
    details: str


class _Examined(NamedTuple):
    """Problems of a recording, its header and a hash of its content."""

    problems: list[_Problem]
    info: AudioInfo | None
    digest: int


def run(options: Namespace) -> None:
    """Print a line for each problem, and count them on standard error."""
    paths = list(dict.fromkeys(path_of(clip) for clip in expanded(options.files, may_miss=True)))
    examined = []
    with Progress(len(paths), "recordings", quiet=options.quiet) as progress:
        for found in ordered_map(_examine, paths, options.jobs):
            examined.append(found)
            progress.advance()
    _add_rates(examined)
    _add_duplicates(paths, examined)
    with utf8_output():
        writer = csv.writer(output(), lineterminator="\n")
        writer.writerow(["path", "problem", "details"])
        for path, found in zip(paths, examined, strict=True):
            writer.writerows([path, *problem] for problem in found.problems)
    tell(_counted(examined))


def _counted(examined: list[_Examined]) -> str:
    n_wrong = sum(bool(found.problems) for found in examined)
    kinds = Counter(problem.kind for found in examined for problem in found.problems)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{len(examined)} recordings, {n_wrong} with problems" + (f": {listed}" if listed else "")


def _examine(path: str) -> _Examined:
    try:
        if os.path.getsize(path) == 0:
            return _Examined([_Problem("empty", "the file has no content")], None, 0)
        info = audio_info(path)
        problems = [*_misnamed(path, info), *_heard(path, info)]
    except (AudioReadError, OSError, ValueError) as error:
        return _Examined([_Problem("unreadable", without_row(one_line(error)))], None, 0)
    return _Examined(problems, info, digest(path))


def _misnamed(path: str, info: AudioInfo) -> Iterator[_Problem]:
    ending, known = Path(path).suffix.lower(), info.format.split()[0]
    if ending in _NAMED and known not in _NAMED[ending] and any(known in formats for formats in _NAMED.values()):
        yield _Problem("wrong name", f"holds {info.format}")


def _heard(path: str, info: AudioInfo) -> Iterator[_Problem]:
    """Read a recording in blocks, each channel on its own."""
    warned = dict[str, None]()
    peak, n_clipped, n_values, n_odd = 0.0, 0, 0, 0
    for channel in range(info.n_channels):
        clipping = _Clipping()
        with open_audio(path, channel=channel) as stream:
            stream.on_warning = lambda text: warned.setdefault(one_line(text))
            for block in stream.blocks():
                finite = np.isfinite(block)
                peak = max(peak, float(np.abs(block[finite]).max(initial=0.0)))
                n_odd += int(np.count_nonzero(~finite))
                n_clipped += clipping.count(block)
                n_values += len(block)
    yield from (_Problem("damaged", text) for text in warned)
    if n_values == 0:
        yield _Problem("empty", "no sound in the file")
    elif n_odd:
        yield _Problem("not finite", f"{n_odd} values are NaN or infinite")
    elif peak < _SILENT:
        yield _Problem("silent", f"peak {peak:.1g}")
    if n_clipped:
        yield _Problem("clipped", f"{100 * n_clipped / n_values:.2g} % of the values are at full scale")


class _Clipping:
    """Counts values in runs at full scale, across blocks."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, dtype=bool)

    def count(self, block: NDArray[np.float32]) -> int:
        """Count the values of runs that end in this block or go on beyond it."""
        high = np.abs(block) >= _FULL_SCALE
        # the end of the last block, up to which runs were counted
        joined = np.concatenate([self._rest, high])
        counted = int(_in_runs(joined).sum() - _in_runs(self._rest).sum())
        self._rest = joined[-_RUN:]
        return counted


def _in_runs(high: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the values of runs that are long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], high, [False]])))
    starts, ends = edges[::2], edges[1::2]
    marked = np.zeros(len(high), dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        marked[start:end] = end - start >= _RUN
    return marked


def _add_rates(examined: list[_Examined]) -> None:
    rates = Counter(found.info.sample_rate for found in examined if found.info is not None)
    if len(rates) < 2:
        return
    usual = rates.most_common(1)[0][0]
    for found in examined:
        if found.info is not None and found.info.sample_rate != usual:
            details = f"{found.info.sample_rate} Hz; most recordings have {usual} Hz"
            found.problems.append(_Problem("other rate", details))


def _add_duplicates(paths: list[str], examined: list[_Examined]) -> None:
    first = dict[int, str]()
    for path, found in zip(paths, examined, strict=True):
        if found.info is None:
            continue
        if found.digest in first:
            found.problems.append(_Problem("duplicate", f"same content as {first[found.digest]}"))
        first.setdefault(found.digest, path)
