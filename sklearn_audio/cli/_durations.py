"""``sklearn-audio durations``: length, sample rate and channels of recordings."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio._threads import ordered_map
from sklearn_audio.cli._data import distinct, expanded
from sklearn_audio.cli._messages import Progress, in_words, one_line, tell, without_row
from sklearn_audio.cli._table_output import TableOutput, places
from sklearn_audio.datasets._summary import Measured, measure_clip
from sklearn_audio.exceptions import AudioReadError

_CHUNK = 256
_COLUMNS = ["seconds", "sample_rate", "channels"]


def run(options: Namespace) -> None:
    """Print a row per recording, and sums on standard error."""
    table = TableOutput(options)
    skip = options.on_error == "skip"
    clips = distinct(expanded(options.files, may_miss=skip))
    has_spans = any(isinstance(clip, tuple) for clip in clips)
    found: list[Measured] = []
    with Progress(len(clips), "headers", quiet=options.quiet) as progress:
        for start in range(0, len(clips), _CHUNK):
            chunk = clips[start : start + _CHUNK]
            measured = list(ordered_map(lambda clip: _measured(clip, skip=skip), chunk, options.jobs))
            usable = [i for i, one in enumerate(measured) if one is not None]
            known: Any = [measured[i] for i in usable]
            found += known
            rows = pd.DataFrame(known, columns=_COLUMNS).round({"seconds": 6})
            table.add(pd.concat([places([chunk[i] for i in usable], has_spans=has_spans), rows], axis=1))
            progress.advance(len(chunk))
    table.finish()
    tell(_summary(found, len(clips)))


def _measured(clip: Any, *, skip: bool) -> Measured | None:
    try:
        return measure_clip(clip)
    except (AudioReadError, ValueError) as error:
        reason = without_row(one_line(error))
        if not skip:
            raise type(error)(reason) from error
        tell(f"warning: skipped: {reason}")
        return None


def _summary(found: list[Measured], n_clips: int) -> str:
    if not found:
        raise AudioReadError(f"none of the {n_clips} recordings can be used.")
    lengths = np.array([seconds for seconds, _, _ in found])
    rates = Counter(rate for _, rate, _ in found).most_common()
    channels = Counter(n for _, _, n in found).most_common()
    return (
        f"{len(found)} recordings, {in_words(lengths.sum())} in all: shortest {in_words(lengths.min())}, median "
        f"{in_words(float(np.median(lengths)))}, longest {in_words(lengths.max())}; "
        + ", ".join(f"{count} of {rate} Hz" for rate, count in rates)
        + "; "
        + ", ".join(f"{count} with {n} channel{'s' * (n > 1)}" for n, count in channels)
    )
