"""``sklearn-audio train``: a tuned classifier from labelled recordings."""

from __future__ import annotations

import time
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_audio._paths import local_path
from sklearn_audio.cli._compute import chunks, collected_errors
from sklearn_audio.cli._data import described, is_multilabel, labelled, likely_group
from sklearn_audio.cli._folds import Splits, copies_on_both_sides, make_folds
from sklearn_audio.cli._messages import Progress, in_words, say
from sklearn_audio.cli._model import check_output, save_model
from sklearn_audio.cli._survey import Survey, clip_rows, keep_rows, report_unusable, survey
from sklearn_audio.metrics import mean_average_precision_scorer
from sklearn_audio.preprocessing import AcousticFeatures, MelSpectrogramTransformer, MFCCTransformer, SequencePooling
from sklearn_audio.preprocessing._pooled_frames import pooled_frames

_STATISTICS = ("mean", "std", "min", "max")
_CHOICES = (_STATISTICS[:2], _STATISTICS)
_C = [0.01, 0.1, 1.0]
# Candidate features: one kind of frames, or the statistics of two concatenated.
_WORDS = {
    ("mel",): "log-mel frames",
    ("mfcc",): "MFCC with derivatives",
    ("acoustic", "mfcc"): "short-term features and MFCC with derivatives",
}


def run(options: Namespace) -> None:
    """Train, print the cross-validated score, and save."""
    path = Path(local_path(options.output))
    data = Path(local_path(options.data))
    if options.output and path.exists() and data.exists() and path.samefile(data):
        raise ValueError(f"--output {str(path)!r} is the training table and would be overwritten.")
    check_output(path, force=options.force)
    started = time.perf_counter()
    clips = labelled(options)
    surveyed = survey(clips, options)
    report_unusable(surveyed.errors, len(clips.data), options)
    clips, surveyed = _without(clips, surveyed, surveyed.errors)
    make_folds(clips, options.folds, options.seed)  # fail early
    say(described(clips, [measure for measure in surveyed.measured if measure is not None]))
    front_ends = _front_ends(options)
    tables, errors = _tables(front_ends, clips, surveyed, options)
    report_unusable(errors, len(clips.data), options)
    clips, surveyed = _without(clips, surveyed, errors)
    splits = make_folds(clips, options.folds, options.seed)
    candidates = _tuned(tables, clips, splits, options)
    best = max(candidates, key=lambda candidate: candidate.search.best_score_)
    say(_result(clips, candidates, best, surveyed, splits))
    save_model(_assembled(best, front_ends, clips, surveyed), path)
    size, seconds = path.stat().st_size, time.perf_counter() - started
    say(f"saved {path} ({size / 1e3:.0f} kB), fitted on all recordings, after {in_words(seconds)}")


class _Candidate(NamedTuple):
    description: tuple[str, ...]
    statistics: tuple[str, ...]
    search: GridSearchCV


def _front_ends(options: Namespace) -> dict[str, Any]:
    """Create the candidates: log-mel frames suit environmental sounds, MFCC and short-term features suit speech."""
    rate, shared = options.sample_rate, {"n_jobs": options.jobs, "on_error": "nan"}
    n_fft, hop_length = round(rate * 0.032), round(rate * 0.01)
    mel = MelSpectrogramTransformer(rate, n_mels=64, n_fft=n_fft, hop_length=hop_length, **shared)
    mfcc = MFCCTransformer(rate, n_mfcc=13, deltas=1, n_mels=40, n_fft=n_fft, hop_length=hop_length, **shared)
    return {"mel": mel, "mfcc": mfcc, "acoustic": AcousticFeatures(rate, **shared)}


def _without(clips: Bunch, surveyed: Survey, errors: dict[int, str]) -> tuple[Bunch, Survey]:
    if not errors:
        return clips, surveyed
    rows = np.setdiff1d(np.arange(len(clips.data)), list(errors))
    measured = [surveyed.measured[row] for row in rows]
    return keep_rows(clips, rows), Survey(measured, surveyed.digests[rows], {})


def _tables(
    front_ends: dict[str, Any], clips: Bunch, surveyed: Survey, options: Namespace
) -> tuple[dict[str, NDArray[np.float32]], dict[int, str]]:
    """Compute the statistics of all usable clips for each front end, holding the frames of one chunk at a time."""
    rows = clip_rows(clips.data)
    seconds = [0.0 if measure is None else measure[0] for measure in surveyed.measured]
    tables, errors, pooling = dict[str, Any](), dict[int, str](), SequencePooling(_STATISTICS)
    with Progress(len(front_ends) * len(rows), "recordings", quiet=options.quiet) as progress:
        for name, front_end in front_ends.items():
            parts = []
            for chunk in chunks(rows, iter(seconds)):
                # the front ends learn nothing, so sharing the frames between folds does not leak
                with collected_errors(chunk.start, errors):
                    parts.append(pooled_frames(front_end.fit(rows[chunk]), pooling, rows[chunk]))
                progress.advance(len(parts[-1]))
            tables[name] = np.concatenate(parts)
    kept = np.setdiff1d(np.arange(len(rows)), list(errors))
    return {name: table[kept] for name, table in tables.items()}, errors


def _tuned(
    tables: dict[str, NDArray[np.float32]], clips: Bunch, splits: Splits, options: Namespace
) -> list[_Candidate]:
    candidates = []
    n_fits = len(_WORDS) * len(_CHOICES) * len(_C) * len(splits)
    # the matrices are too small for a second BLAS thread
    with (
        threadpool_limits(1, user_api="blas"),
        _rare_labels_allowed(),
        Progress(n_fits, "fits", quiet=options.quiet) as progress,
    ):
        for description, statistics in product(_WORDS, _CHOICES):
            # columns are ordered by statistic, and each choice is a prefix
            columns = [tables[name][:, : tables[name].shape[1] * len(statistics) // 4] for name in description]
            search = _search(clips, splits, progress).fit(np.hstack(columns), clips.target)
            candidates.append(_Candidate(description, statistics, search))
    return candidates


@contextmanager
def _rare_labels_allowed() -> Iterator[None]:
    """Ignore the warning about a label that is constant in a fold: the score excludes it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Label .* is present in all training examples", category=UserWarning)
        yield


def _search(clips: Bunch, splits: Splits, progress: Progress) -> GridSearchCV:
    classifier: Any = LogisticRegression(class_weight="balanced", max_iter=2000)
    name, score = "classifier__C", get_scorer("accuracy")
    if is_multilabel(clips):
        classifier, name = OneVsRestClassifier(classifier), "classifier__estimator__C"
        score = mean_average_precision_scorer

    def counted(model: Any, X: Any, y: Any) -> float:
        progress.advance()
        return float(score(model, X, y))

    pipeline = Pipeline([("scale", StandardScaler()), ("classifier", classifier)])
    return GridSearchCV(pipeline, {name: _C}, scoring=counted, cv=splits, error_score="raise")


def _assembled(chosen: _Candidate, front_ends: dict[str, Any], clips: Bunch, surveyed: Survey) -> Pipeline:
    first = clip_rows(clips.data)[:1]
    readers = []
    for name in chosen.description:
        reader = front_ends[name].set_params(on_error="raise")
        readers.append([(name, reader), ("pool", SequencePooling(chosen.statistics).fit(reader.transform(first)))])
    steps: list[Any] = readers[0]
    if len(readers) > 1:
        union = FeatureUnion([(name, Pipeline(parts)) for name, parts in zip(chosen.description, readers, strict=True)])
        steps = [("features", union)]
    model = Pipeline([*steps, *chosen.search.best_estimator_.steps])
    model.label_names_ = [str(name) for name in clips.target_names]
    lengths = [measure[0] for measure in surveyed.measured if measure is not None]
    model.train_lengths_ = (min(lengths), max(lengths))
    model.train_digests_ = np.unique(surveyed.digests)
    return model


def _result(clips: Bunch, candidates: list[_Candidate], best: _Candidate, surveyed: Survey, splits: Splits) -> str:
    search, several = best.search, is_multilabel(clips)
    scores = [search.cv_results_[f"split{i}_test_score"][search.best_index_] for i in range(search.n_splits_)]
    n_settings = sum(len(candidate.search.cv_results_["params"]) for candidate in candidates)
    frequencies = np.mean(clips.target if several else clips.target[:, None] == clips.target_names, axis=0)
    grouped = "" if clips.groups is None else f" by groups: each of the {len(np.unique(clips.groups))} is in one fold"
    return (
        f"{len(scores)}-fold cross-validation{grouped}\n"
        f"  {'mean average precision' if several else 'accuracy'} {search.best_score_:.3f} on held-out recordings "
        f"(folds: {' '.join(f'{score:.3f}' for score in scores)})\n"
        f"  {'guessing' if several else 'always answering the most frequent class'}: "
        f"{frequencies.mean() if several else frequencies.max():.3f}\n"
        f"  best of {n_settings} settings, so the score is slightly optimistic: {_WORDS[best.description]}, "
        f"{'+'.join(best.statistics)} over time, C={next(iter(search.best_params_.values())):g}"
        f"{_caveats(clips, surveyed, splits)}"
    )


def _caveats(clips: Bunch, surveyed: Survey, splits: Splits) -> str:
    """List reasons why the score may be too high for new recordings."""
    lines = []
    if clips.groups is None:
        column = likely_group(clips)
        proposed = "--groups COLUMN or --group-pattern REGEX" if column is None else f"--groups {column}"
        lines.append(
            "the folds are random: recordings of one speaker, site or session may be in training and test; "
            f"{proposed} keeps them together"
        )
    n_copies = copies_on_both_sides(surveyed.digests, splits)
    if n_copies:
        lines.append(
            f"{n_copies} of {len(clips.data)} held-out recordings are exact copies of training recordings; remove the "
            "copies"
        )
    return "".join(f"\n  {line}" for line in lines)
