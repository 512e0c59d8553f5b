"""``sklearn-audio detect``: events in long recordings, recording by recording."""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio._version import __version__
from sklearn_audio.annotations._schema import COLUMNS
from sklearn_audio.classification import SoundEventDetector
from sklearn_audio.cli._compute import set_reading, skipped_clips
from sklearn_audio.cli._data import distinct, expanded, path_of
from sklearn_audio.cli._event_outputs import planned_output
from sklearn_audio.cli._messages import Progress, utf8_output
from sklearn_audio.cli._model import load_object

_WINDOW = 1.0  # seconds, for a classifier of clips
_RULES = ("window", "hop", "threshold", "low_threshold", "median", "min_duration", "merge_gap")
_DECIMALS = 6  # of seconds and scores


def run(options: Namespace) -> None:
    """Write the events of each recording before the next one is read.

    Each recording is predicted on its own, so that its events are the same to the bit whether a run is resumed or not.
    """
    skip = options.on_error == "skip"
    clips = distinct(expanded(options.files, may_miss=skip))
    model = Path(local_path(options.model))
    output = planned_output(clips, options)
    detector, names = _detector(model, options)
    output.begin(_settings(detector, model))
    short: list[str] = []
    with utf8_output(), Progress(len(clips), "recordings", quiet=options.quiet) as progress:
        for clip in clips:
            if not output.is_done(clip):
                events = _events(detector, clip, short)
                if events is not None:
                    events["label"] = [names[label] for label in events["label"].tolist()]
                    output.add(clip, events)
            progress.advance()
        output.finish()
    if short:
        more = f" (and {len(short) - 1} more such recordings)" if len(short) > 1 else ""
        warnings.warn(short[0] + more, stacklevel=1)


def _detector(path: Path, options: Namespace) -> tuple[SoundEventDetector, dict[Any, str]]:
    """Return the detector of a model file, with the rules of the command line, and the names of its labels."""
    detector = load_object(path)
    if isinstance(detector, SoundEventDetector) and hasattr(detector, "classes_"):
        names = {label: str(label) for label in detector.classes_.tolist()}
    else:
        classifier = detector.estimator if isinstance(detector, SoundEventDetector) else detector
        names = _label_names(classifier, path)
        if not isinstance(detector, SoundEventDetector):
            detector = _wrapped(classifier, options)
        names = {label: name for label, name in names.items() if name != detector.background}
    chosen = {rule: getattr(options, rule) for rule in _RULES if getattr(options, rule, None) is not None}
    if options.threshold:
        chosen["threshold"] = _thresholds(options.threshold, names)
    detector.set_params(**chosen, n_jobs=options.jobs, verbose=0)
    detector.set_params(on_error="nan" if options.on_error == "skip" else "raise")
    set_reading(getattr(detector, "estimator_", detector.estimator), options.jobs, "raise")
    return detector, names


def _label_names(classifier: Any, path: Path) -> dict[Any, str]:
    classes = getattr(classifier, "classes_", None)
    if classes is None or not any(hasattr(classifier, name) for name in ("predict_proba", "decision_function")):
        raise ValueError(
            f"{str(path)!r} holds a {type(classifier).__name__}, which is neither a SoundEventDetector nor a fitted "
            "classifier with probabilities or decisions; give one that joblib.dump saved."
        )
    labels = list(range(len(classes))) if isinstance(classes, list) else classes.tolist()
    return dict(zip(labels, map(str, getattr(classifier, "label_names_", labels)), strict=True))


def _wrapped(classifier: Any, options: Namespace) -> SoundEventDetector:
    """Make a detector of a fitted classifier of clips."""
    window = options.window or _WINDOW
    threshold = 0.5 if hasattr(classifier, "predict_proba") else 0.0
    return SoundEventDetector(classifier, prefit=True, window=window, hop=window / 2, threshold=threshold)


def _thresholds(given: list[tuple[str | None, float]], names: dict[Any, str]) -> float | dict[Any, float]:
    """Return the threshold of all labels, or a dict of those to find."""
    numbers = dict(given)
    overall = numbers.pop(None, None)
    for name in numbers:
        check_name("label", name, names.values())
    if not numbers and overall is not None:
        return overall
    found = {label: numbers.get(name, overall) for label, name in names.items()}
    return {label: number for label, number in found.items() if number is not None}


def _settings(detector: SoundEventDetector, model: Path) -> dict[str, str]:
    """Describe all that decides about the events; a run is resumed only with the same."""
    with model.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    rules = {name: detector.get_params(deep=False)[name] for name in _RULES}
    shown = {name: f"{value:g}" if isinstance(value, Real) else str(value) for name, value in rules.items()}
    return {"sklearn-audio": __version__, "model": digest, **shown}


def _events(detector: SoundEventDetector, clip: Any, short: list[str]) -> pd.DataFrame | None:
    """Find the events of a recording, in the order of time; None if it is skipped."""
    errors: dict[int, str] = {}
    with _without_short(short), skipped_clips(errors):
        events = detector.predict([clip])
    if errors:
        return None
    events = events.round({"start": _DECIMALS, "end": _DECIMALS, "score": _DECIMALS})
    events = events.sort_values(["start", "end"], kind="stable", ignore_index=True).assign(path=path_of(clip))
    return events[[*COLUMNS, "score"]]


@contextmanager
def _without_short(short: list[str]) -> Iterator[None]:
    """Collect the warnings of recordings that are shorter than a window; other warnings are passed on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        if "shorter than window=" in str(warning.message):
            short.append(str(warning.message))
        else:
            warnings.warn(warning.message, warning.category, stacklevel=2)
