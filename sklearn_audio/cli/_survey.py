"""Survey of the recordings: durations from their headers, and hashes to detect copies."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_audio._threads import ordered_map
from sklearn_audio.cli._messages import Progress, one_line, tell, without_row
from sklearn_audio.datasets._summary import Measured, measure_clip
from sklearn_audio.exceptions import AudioReadError

_PIECE = 1 << 20
_N_LISTED = 100  # the count includes all


class Survey(NamedTuple):
    """Result per row: a measurement or None, a hash or 0, and an error if the recording is unusable."""

    measured: list[Measured | None]
    digests: NDArray[np.uint64]
    errors: dict[int, str]


def clip_rows(data: Any) -> list[Any]:
    """List the clips of a loaded data set: paths, or tuples of path, start and end."""
    if isinstance(data, pd.DataFrame):
        return list(data.itertuples(index=False, name=None))
    return list(data)


def survey(clips: Bunch, options: Namespace) -> Survey:
    """Read the header and the bytes of every recording, in threads."""
    rows = clip_rows(clips.data)
    measured: list[Measured | None] = []
    digests = np.zeros(len(rows), dtype=np.uint64)
    errors: dict[int, str] = {}
    with Progress(len(rows), "headers", quiet=options.quiet) as progress:
        for row, found in enumerate(ordered_map(_survey_clip, rows, options.jobs)):
            progress.advance()
            measure, digests[row], error = found
            measured.append(measure)
            if error is not None:
                errors[row] = error
    return Survey(measured, digests, errors)


def _survey_clip(clip: Any) -> tuple[Measured | None, int, str | None]:
    try:
        return measure_clip(clip), digest(clip), None
    except OSError as error:
        return None, 0, without_row(one_line(error))


def digest(clip: Any) -> int:
    """Hash the content of a recording and its span, but not its name."""
    path, *part = clip if isinstance(clip, tuple) else (clip,)
    hasher = blake2b(repr([float(second) for second in part]).encode(), digest_size=8)
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return int.from_bytes(hasher.digest(), "little")


def length_of(clip: Any) -> float:
    """Duration in seconds from the header; 0 if unreadable, which is reported when the clip is read."""
    try:
        return measure_clip(clip)[0]
    except (OSError, ValueError):
        return 0.0


def keep_rows(clips: Bunch, rows: NDArray[np.int64]) -> Bunch:
    """Select rows of a loaded data set."""
    kept = Bunch(**clips)
    kept["data"] = clips.data.iloc[rows] if isinstance(clips.data, pd.DataFrame) else clips.data[rows]
    kept["target"] = clips.target[rows]
    kept["groups"] = None if clips.groups is None else clips.groups[rows]
    if kept["target"].ndim == 1:
        kept["target_names"] = np.array([name for name in clips.target_names if name in set(kept["target"])])
    return kept


def report_unusable(errors: dict[int, str], n_clips: int, options: Namespace) -> None:
    """Report all unusable recordings, and raise unless they may be skipped."""
    if not errors:
        return
    if options.on_error == "raise" and len(errors) == 1:
        raise AudioReadError(f"{_ended(next(iter(errors.values())))} Repair it, or skip it with --on-error skip.")
    for message in _listed(list(errors.values())):
        tell(f"{'warning: skipped' if options.on_error == 'skip' else 'unusable'}: {message}")
    if len(errors) == n_clips:
        raise AudioReadError(f"none of the {n_clips} recordings can be used.")
    if options.on_error == "raise":
        raise AudioReadError(
            f"{len(errors)} of {n_clips} recordings cannot be used. Repair them, or skip them with --on-error skip."
        )


def _listed(messages: list[str]) -> Iterator[str]:
    yield from messages[:_N_LISTED]
    if len(messages) > _N_LISTED:
        yield f"... and {len(messages) - _N_LISTED} more"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
