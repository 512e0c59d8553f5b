"""``sklearn-audio tokenize``: the tokens of recordings, by a saved vocabulary or one that is learned from them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from sklearn_audio._paths import local_path
from sklearn_audio.cli._compute import chunks, set_reading, skipped_clips
from sklearn_audio.cli._data import distinct, expanded
from sklearn_audio.cli._learners import log_mel_frames
from sklearn_audio.cli._messages import Progress, tell
from sklearn_audio.cli._model import check_output, load_object, save_model
from sklearn_audio.cli._survey import length_of
from sklearn_audio.cli._table_output import TableOutput, places
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.ragged import Ragged
from sklearn_audio.tokenization import KMeansAudioTokenizer, vocabulary_report

_OF_LEARNING = ("sample_rate", "seed")


def run(options: Namespace) -> None:
    """Print a row per recording."""
    _check(options)
    table = TableOutput(options)
    path = Path(local_path(options.model))
    skip = options.on_error == "skip"
    clips = distinct(expanded(options.files, may_miss=skip))
    if options.learn is None:
        model = _with_tokenizer(load_object(path), path)
    else:
        check_output(path, force=options.force, name="MODEL")
        model = _learned(clips, options)
        save_model(model, path)
    set_reading(model, options.jobs, "nan" if skip else "raise")
    has_spans = any(isinstance(clip, tuple) for clip in clips)
    counts = np.zeros(len(model[-1].cluster_centers_), dtype=np.int64)
    with Progress(len(clips), "recordings", quiet=options.quiet) as progress:
        for part in chunks(clips, map(length_of, clips)):
            rows, tokens = _tokens(model, clips[part])
            found = places([clips[part][row] for row in rows], has_spans=has_spans)
            written = [" ".join(map(str, one)) if table.is_text else one.tolist() for one in tokens]
            table.add(found.assign(tokens=pd.Series(written, dtype=object)))
            counts += np.bincount(np.concatenate([np.empty(0, np.int64), *tokens]), minlength=len(counts))
            progress.advance(part.stop - part.start)
    if not counts.any():
        raise AudioReadError(f"none of the {len(clips)} recordings can be used.")
    table.finish()
    tell(f"{counts.sum()} tokens; {np.count_nonzero(counts)} of the {len(counts)} in the vocabulary occur")


def _check(options: Namespace) -> None:
    given = [name for name in _OF_LEARNING if getattr(options, name) is not None]
    if options.learn is None and given:
        raise ValueError(f"--{given[0].replace('_', '-')} is for --learn N; leave it out.")


def _with_tokenizer(loaded: Any, path: Path) -> Pipeline:
    """Return the steps up to the tokenizer."""
    steps = loaded.steps if isinstance(loaded, Pipeline) else []
    last = next((i for i, (_, step) in enumerate(steps) if isinstance(step, KMeansAudioTokenizer)), 0)
    if not last:
        raise ValueError(
            f"{str(path)!r} holds a {type(loaded).__name__} without a KMeansAudioTokenizer after its first step, so it "
            "has no tokens; learn a vocabulary with --learn N, or train a model with: sklearn-audio train --method "
            "tokens."
        )
    return loaded[: last + 1]


def _learned(clips: list[Any], options: Namespace) -> Pipeline:
    """Learn a vocabulary, a chunk of recordings in random order at a time."""
    seed = options.seed or 0
    frames = log_mel_frames(options.sample_rate, options.jobs)
    tokenizer = KMeansAudioTokenizer(options.learn, random_state=seed)
    model = Pipeline([("mel", frames.fit(clips[:1])), ("tokens", tokenizer)])
    set_reading(model, options.jobs, "nan" if options.on_error == "skip" else "raise")
    shuffled = [clips[row] for row in np.random.default_rng(seed).permutation(len(clips))]
    with Progress(len(clips), "recordings", quiet=options.quiet) as progress:
        for part in _joined(chunks(shuffled, map(length_of, shuffled))):
            tokenizer.partial_fit(_frames(frames, shuffled[part], told=False)[1])
            progress.advance(part.stop - part.start)
    report = vocabulary_report(tokenizer).iloc[0]
    tell(
        f"learned {options.learn} tokens from {report['n_frames']:.0f} frames: perplexity {report['perplexity']:.0f}, "
        f"{report['mass_tokens']:.0f} tokens are 80 % of the frames"
    )
    frames.set_params(on_error="raise")
    return model


def _joined(parts: Iterator[slice]) -> Iterator[slice]:
    """Join the first chunk, which is one clip, with the second: a vocabulary begins with a mixture."""
    first = next(parts)
    second = next(parts, slice(first.stop, first.stop))
    yield slice(first.start, second.stop)
    yield from parts


def _frames(reader: Any, clips: list[Any], *, told: bool = True) -> tuple[list[int], Ragged]:
    """Return the frames of the usable clips, and their rows."""
    with skipped_clips({}, told=told):
        frames = reader.transform(clips)
    rows = [row for row, values in enumerate(frames) if np.isfinite(values).all()]
    return rows, frames if len(rows) == len(clips) else frames[np.array(rows, dtype=np.int64)]


def _tokens(model: Pipeline, clips: list[Any]) -> tuple[list[int], list[Any]]:
    rows, frames = _frames(model[0], clips)
    return rows, list(model[1:].transform(frames)) if rows else []
