"""``sklearn-audio tag``: the highest scores of a pretrained tagger for each recording."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pandas as pd

from sklearn_audio._paths import local_path
from sklearn_audio.classification import AudioTagger
from sklearn_audio.cli._compute import chunks, skipped_clips
from sklearn_audio.cli._data import expanded, path_of
from sklearn_audio.cli._event_outputs import print_rows
from sklearn_audio.cli._messages import Progress, output, utf8_output
from sklearn_audio.cli._survey import length_of


def run(options: Namespace) -> None:
    """Print a line per recording and label, the highest score first."""
    output()
    skip = options.on_error == "skip"
    clips = expanded(options.files, may_miss=skip)
    tagger = AudioTagger(
        options.model,
        top_k=options.top,
        weights="pretrained" if options.weights is None else local_path(options.weights),
        device=options.device,
        n_jobs=options.jobs,
        on_error="nan" if skip else "raise",
    )
    has_spans, is_first = any(isinstance(clip, tuple) for clip in clips), True
    with utf8_output(), Progress(len(clips), "recordings", quiet=options.quiet) as progress:
        for part in chunks(clips, map(length_of, clips)):
            print_rows(_tags(tagger, clips[part], has_spans=has_spans), options.format, has_header=is_first)
            is_first = False
            progress.advance(part.stop - part.start)


def _tags(tagger: AudioTagger, clips: list[Any], *, has_spans: bool) -> pd.DataFrame:
    """Return path, start and end of parts, label and score."""
    with skipped_clips({}):
        found = tagger.tag(clips)
    places = [(path_of(clip), *(clip[1:] if isinstance(clip, tuple) else ("", ""))) for clip in clips]
    table = pd.DataFrame([places[row] for row in found["clip"]], columns=["path", "start", "end"], dtype=object)
    table = table.assign(label=found["label"].to_numpy(), score=found["score"].to_numpy(float).round(6))
    return table if has_spans else table.drop(columns=["start", "end"])
