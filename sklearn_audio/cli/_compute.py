"""Prediction in chunks of bounded duration, which bounds the memory."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion, Pipeline

from sklearn_audio.cli._data import path_of
from sklearn_audio.cli._messages import in_words, one_line, tell, without_row
from sklearn_audio.cli._model import Model
from sklearn_audio.cli._survey import length_of
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.metrics._scorers import stack_scores
from sklearn_audio.preprocessing._pooled_frames import can_pool, pooled_frames
from sklearn_audio.ragged import Ragged

# Limits of a chunk: number of recordings and total duration.
_MAX_CLIPS = 256
_MAX_SECONDS = 600.0
# First line of the warning about unusable rows; each further line gives a row and a reason.
_UNUSED = re.compile(r"\d+ clip\(s\) could not be used")
_ROW = re.compile(r"\s*row (\d+)")
# Warn of a recording this many times longer than the longest in the training set, or shorter than the shortest.
_FAR = 10.0


class Prediction(NamedTuple):
    """Result for one recording."""

    labels: list[str] | None  # None if the recording is unusable
    probabilities: list[float]  # empty if the model has none


def chunks(clips: Sequence[Any], seconds: Iterator[float]) -> Iterator[slice]:
    """Split a list of clips into chunks that fit in memory; the first is one clip, so that output starts early."""
    start, total = 0, 0.0
    for row in range(len(clips)):
        total += next(seconds)
        if row == 0 or row + 1 - start >= _MAX_CLIPS or total >= _MAX_SECONDS or row + 1 == len(clips):
            yield slice(start, row + 1)
            start, total = row + 1, 0.0


def set_reading(estimator: Any, n_jobs: int, on_error: str) -> bool:
    """Set the reading parameters of a model, if it has them; returns whether its first step reads recordings."""
    first = estimator[0] if isinstance(estimator, Pipeline) else estimator
    on_error = on_error if isinstance(estimator, Pipeline) else "raise"  # a classifier has no answer for a failed clip
    known = first.get_params()
    # steps with on_error read recordings; n_jobs of other steps means processes and is left unchanged
    readers = [name.removesuffix("on_error") for name in known if name.split("__")[-1] == "on_error"]
    chosen = {"n_jobs": n_jobs, "verbose": 0, "on_error": on_error}
    for reader in readers:
        first.set_params(**{reader + name: value for name, value in chosen.items() if reader + name in known})
    return isinstance(estimator, Pipeline) and bool(readers)


@contextmanager
def collected_errors(first_row: int, errors: dict[int, str]) -> Iterator[None]:
    """Collect the unusable rows from the warning of the body; other warnings are passed on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        head, *lines = str(warning.message).split("\n")
        if not _UNUSED.match(head):
            warnings.warn(without_row(str(warning.message)), warning.category, stacklevel=2)
        for line in lines:
            row = _ROW.match(line)
            if row is not None:
                # the first reason: later steps report what an earlier one returned
                errors.setdefault(first_row + int(row[1]), one_line(without_row(line)))


@contextmanager
def skipped_clips(errors: dict[int, str], *, told: bool = True) -> Iterator[None]:
    """Collect the unusable clips and report them; an error of the body names the file, not the row."""
    try:
        with collected_errors(0, errors):
            yield
    except (AudioReadError, ValueError) as error:
        kind = AudioReadError if isinstance(error, AudioReadError) else ValueError
        raise kind(without_row(str(error))) from error
    for reason in errors.values() if told else ():
        tell(f"warning: skipped: {reason}")


def predictions(
    model: Model, clips: Sequence[Any], *, n_jobs: int, skip: bool
) -> Iterator[tuple[slice, list[Prediction]]]:
    """Predict chunk by chunk."""
    is_stepwise = set_reading(model.estimator, n_jobs, "nan" if skip else "raise")
    known: list[float] = []  # read once, for the chunks and for the warning

    def seconds() -> Iterator[float]:
        for clip in clips:
            known.append(length_of(clip))
            yield known[-1]

    warned = warned_of_short = False
    for rows in chunks(clips, seconds()):
        warned = warned or warn_of_length(model, clips[rows], known[rows])
        answers = _answers(model, list(clips[rows]), is_stepwise=is_stepwise, skip=skip)
        warned_of_short = warned_of_short or _warn_of_short(model, clips[rows], known[rows], answers)
        yield rows, answers


def warn_of_length(model: Model, clips: Sequence[Any], seconds: Sequence[float]) -> bool:
    """Warn if a recording is much longer than those of the training set; returns whether it did."""
    longest = model.lengths[1] if model.lengths else np.inf
    for clip, length in zip(clips, seconds, strict=True):
        if length > _FAR * longest:
            tell(
                f"warning: {path_of(clip)!r} lasts {in_words(length)}, but the longest recording in the training set "
                f"lasts {in_words(longest)}; one label for all of it says little. Cut it into segments of that length, "
                "or give their starts and ends in a table. Other long recordings are not reported."
            )
            return True
    return False


def _warn_of_short(model: Model, clips: Sequence[Any], seconds: Sequence[float], answers: list[Prediction]) -> bool:
    """Warn if a recording that has an answer is much shorter than those of the training set; returns whether it did."""
    shortest = model.lengths[0] if model.lengths else 0.0
    for clip, length, answer in zip(clips, seconds, answers, strict=True):
        if answer.labels is not None and _FAR * length < shortest:
            tell(
                f"warning: {path_of(clip)!r} lasts {length:.3g} s, but the shortest recording in the training set "
                f"lasts {in_words(shortest)}; its label may say little. Other short recordings are not reported."
            )
            return True
    return False


def _answers(model: Model, chunk: list[Any], *, is_stepwise: bool, skip: bool) -> list[Prediction]:
    if skip and not is_stepwise:
        return [answer for clip in chunk for answer in _one_or_none(model, clip)]
    errors: dict[int, str] = {}
    try:
        with collected_errors(0, errors):
            answers = _through_steps(model, chunk) if is_stepwise else _of_estimator(model, model.estimator, chunk)
    except OSError as error:
        raise AudioReadError(without_row(str(error))) from error
    except ValueError as error:
        raise ValueError(without_row(str(error))) from error
    for reason in errors.values():
        tell(f"warning: skipped: {reason}")
    return answers


def _one_or_none(model: Model, clip: Any) -> list[Prediction]:
    try:
        return _of_estimator(model, model.estimator, [clip])
    except (OSError, ValueError) as error:
        tell(f"warning: skipped: {one_line(without_row(str(error)))}")
        return [Prediction(None, [])]


def _through_steps(model: Model, chunk: list[Any]) -> list[Prediction]:
    """Apply the reading steps, then predict the usable clips with the remaining steps."""
    n_steps, read = _reading(model.estimator)
    first = read(chunk)
    usable = np.array([bool(np.isfinite(row).all()) for row in _rows(first)])
    kept = first if usable.all() else first[usable]  # indexing copies
    found = iter(_of_estimator(model, model.estimator[n_steps:], kept) if usable.any() else ())
    return [next(found) if is_usable else Prediction(None, []) for is_usable in usable]


def _reading(estimator: Pipeline) -> tuple[int, Callable[[Any], Any]]:
    """Return the number of reading steps and their function, which holds the frames of only one clip if pooled."""
    first = estimator[0]
    if len(estimator) > 2 and can_pool(first, estimator[1]):
        return 2, partial(pooled_frames, first, estimator[1])
    if isinstance(first, FeatureUnion) and not first.transformer_weights:
        parts = [part for _, part in first.transformer_list]
        pooled = [isinstance(part, Pipeline) and len(part) == 2 and can_pool(part[0], part[1]) for part in parts]
        if any(pooled):
            return 1, lambda clips: np.hstack(
                [
                    pooled_frames(part[0], part[1], clips) if poolable else part.transform(clips)
                    for part, poolable in zip(parts, pooled, strict=True)
                ]
            )
    return 1, first.transform


def _rows(output: Any) -> Iterator[NDArray[Any]]:
    return iter(output if isinstance(output, Ragged) else np.asarray(output))


def _of_estimator(model: Model, estimator: Any, X: Any) -> list[Prediction]:
    names = np.asarray(model.names)
    probabilities: Any = [()] * len(X)
    if model.has_probabilities:
        found = estimator.predict_proba(X)
        probabilities = stack_scores(found, estimator.classes_) if isinstance(found, list) else np.asarray(found)
    if not model.needs_predict:
        chosen = [row > 0.5 if model.several else [row.argmax()] for row in probabilities]
    elif model.several:
        chosen = list(np.asarray(estimator.predict(X)) > 0)
    else:
        chosen = [estimator.classes_ == label for label in estimator.predict(X)]
    rows = np.asarray(probabilities).tolist()
    return [Prediction(names[labels].tolist(), row) for labels, row in zip(chosen, rows, strict=True)]
