"""``sklearn-audio similar``: the items of an index that are nearest to each query."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio._paths import local_path
from sklearn_audio.cli._compute import chunks, skipped_clips
from sklearn_audio.cli._data import expanded, path_of
from sklearn_audio.cli._embed import chosen_embedder
from sklearn_audio.cli._event_outputs import print_rows
from sklearn_audio.cli._index import EMBEDDER_FILE
from sklearn_audio.cli._messages import Progress, output, utf8_output
from sklearn_audio.cli._survey import length_of
from sklearn_audio.retrieval import AudioIndex

_COLUMNS = ["query", "query_start", "query_end", "rank", "path", "start", "end", "distance"]
_DECIMALS = 6


def run(options: Namespace) -> None:
    """Print a line per query and item, the nearest first."""
    output()
    skip = options.on_error == "skip"
    index = _loaded(Path(local_path(options.index)), options)
    clips = expanded(options.files, may_miss=skip)
    is_first = True
    with utf8_output(), Progress(len(clips), "queries", quiet=options.quiet) as progress:
        for part in chunks(clips, map(length_of, clips)):
            print_rows(_nearest(index, clips[part], options), options.format, has_header=is_first)
            is_first = False
            progress.advance(part.stop - part.start)


def _loaded(folder: Path, options: Namespace) -> AudioIndex:
    """Read an index with its embedder."""
    AudioIndex.load(folder)  # says what is wrong with the folder
    file = folder / EMBEDDER_FILE
    if not file.is_file():
        raise ValueError(
            f"{options.index!r} was not written by sklearn-audio index, so its embedder is unknown; search it from "
            "Python, with AudioIndex.load(folder, embedder)."
        )
    chosen = json.loads(file.read_text(encoding="utf-8"))
    if options.weights is not None:
        chosen["weights"] = options.weights
    _, embedder = chosen_embedder(Namespace(**chosen, jobs=options.jobs, device=options.device))
    return AudioIndex.load(folder, embedder.set_params(on_error="nan" if options.on_error == "skip" else "raise"))


def _nearest(index: AudioIndex, clips: list[Any], options: Namespace) -> pd.DataFrame:
    with skipped_clips({}):
        found = index.query(clips, options.top)
    found["query"] = [path_of(clips[row]) for row in found["query"]]
    return found[_COLUMNS].round(_DECIMALS)
