"""``sklearn-audio train``: a tuned classifier from labelled recordings."""

from __future__ import annotations

import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from sklearn_audio._paths import local_path
from sklearn_audio.cli._compute import chunks, collected_errors
from sklearn_audio.cli._data import described, is_multilabel, labelled, likely_group
from sklearn_audio.cli._features import Candidate
from sklearn_audio.cli._folds import Splits, copies_on_both_sides, make_folds
from sklearn_audio.cli._learners import Learner
from sklearn_audio.cli._messages import Progress, in_words, say
from sklearn_audio.cli._methods import Plan, advice, plan
from sklearn_audio.cli._model import check_output, save_model
from sklearn_audio.cli._program import program
from sklearn_audio.cli._survey import Survey, clip_rows, keep_rows, report_unusable, survey
from sklearn_audio.metrics import mean_average_precision_scorer

_C = [0.01, 0.1, 1.0]


def run(options: Namespace) -> None:
    """Train, print the cross-validated score, and save."""
    path = Path(local_path(options.output))
    data = Path(local_path(options.data))
    if options.output and path.exists() and data.exists() and path.samefile(data):
        raise ValueError(f"--output {str(path)!r} is the training table and would be overwritten.")
    check_output(path, force=options.force)
    started = time.perf_counter()
    planned = plan(options)
    clips = labelled(options)
    surveyed = survey(clips, options)
    report_unusable(surveyed.errors, len(clips.data), options)
    clips, surveyed = _without(clips, surveyed, surveyed.errors)
    make_folds(clips, options.folds, options.seed)  # fail early
    learners = [(learner, learner.for_labels(clips.target)) for learner in planned.learners]
    say(described(clips, [measure for measure in surveyed.measured if measure is not None]))
    tables, errors = _tables(planned, clips, surveyed, options)
    report_unusable(errors, len(clips.data), options)
    clips, surveyed = _without(clips, surveyed, errors)
    splits = make_folds(clips, options.folds, options.seed)
    results = _tuned(planned.candidates, tables, clips, splits, options)
    results += [_validated(learner, estimator, clips, splits, options) for learner, estimator in learners]
    best = max(results, key=lambda result: result.score)
    say(_summary(clips, results, best, surveyed, splits))
    if planned.missing:
        say(f"  {advice(planned.missing)}")
    model = best.fitted()
    _describe(model, clips, surveyed)
    save_model(model, path)
    size, seconds = path.stat().st_size, time.perf_counter() - started
    say(f"saved {path} ({size / 1e3:.0f} kB), fitted on all recordings, after {in_words(seconds)}")
    if options.show_code:
        say("\n" + program(model, clips, len(splits), options))


class _Result(NamedTuple):
    """A method with its best setting, its scores by fold, and a function that fits it on all recordings."""

    method: str
    words: str
    scores: list[float]
    n_settings: int
    fitted: Callable[[], Any]

    @property
    def score(self) -> float:
        return float(np.mean(self.scores))


def _without(clips: Bunch, surveyed: Survey, errors: dict[int, str]) -> tuple[Bunch, Survey]:
    if not errors:
        return clips, surveyed
    rows = np.setdiff1d(np.arange(len(clips.data)), list(errors))
    measured = [surveyed.measured[row] for row in rows]
    return keep_rows(clips, rows), Survey(measured, surveyed.digests[rows], {})


def _tables(
    planned: Plan, clips: Bunch, surveyed: Survey, options: Namespace
) -> tuple[dict[str, NDArray[np.float32]], dict[int, str]]:
    """Compute the features of all usable clips for each source, a chunk at a time."""
    rows = clip_rows(clips.data)
    seconds = [0.0 if measure is None else measure[0] for measure in surveyed.measured]
    tables, errors = dict[str, Any](), dict[int, str]()
    with Progress(len(planned.sources) * len(rows), "recordings", quiet=options.quiet) as progress:
        for name, source in planned.sources.items():
            parts = []
            for chunk in chunks(rows, iter(seconds)):
                # the sources learn nothing, so sharing their features between folds does not leak
                with collected_errors(chunk.start, errors):
                    parts.append(source.features(rows[chunk]))
                progress.advance(len(parts[-1]))
            tables[name] = np.concatenate(parts)
    kept = np.setdiff1d(np.arange(len(rows)), list(errors))
    return {name: table[kept] for name, table in tables.items()}, errors


def _tuned(
    candidates: list[Candidate],
    tables: dict[str, NDArray[np.float32]],
    clips: Bunch,
    splits: Splits,
    options: Namespace,
) -> list[_Result]:
    """Tune a linear classifier for each candidate."""
    results = []
    n_fits = len(candidates) * len(_C) * len(splits)
    # the matrices are too small for a second BLAS thread
    with (
        threadpool_limits(1, user_api="blas"),
        _rare_labels_allowed(),
        Progress(n_fits, "fits", quiet=options.quiet) as progress,
    ):
        for candidate in candidates:
            search = _search(candidate, clips, splits, progress).fit(candidate.rows(tables), clips.target)
            results.append(_result(candidate, search, clips))
    return results


def _result(candidate: Candidate, search: GridSearchCV, clips: Bunch) -> _Result:
    scores = [float(search.cv_results_[f"split{i}_test_score"][search.best_index_]) for i in range(search.n_splits_)]
    words = f"{candidate.words}, C={next(iter(search.best_params_.values())):g}"

    def fitted() -> Pipeline:
        return Pipeline([*candidate.steps(clip_rows(clips.data)[:1]), *search.best_estimator_.steps])

    return _Result(candidate.method, words, scores, len(_C), fitted)


@contextmanager
def _rare_labels_allowed() -> Iterator[None]:
    """Ignore the warning about a label that is constant in a fold: the score excludes it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Label .* is present in all training examples", category=UserWarning)
        yield


def _search(candidate: Candidate, clips: Bunch, splits: Splits, progress: Progress) -> GridSearchCV:
    classifier: Any = LogisticRegression(class_weight="balanced", max_iter=2000)
    name, score = "classifier__C", _scorer(clips)
    if is_multilabel(clips):
        classifier, name = OneVsRestClassifier(classifier), "classifier__estimator__C"

    def counted(model: Any, X: Any, y: Any) -> float:
        progress.advance()
        return float(score(model, X, y))

    pipeline = Pipeline([("scale", candidate.scaler()), ("classifier", classifier)])
    return GridSearchCV(pipeline, {name: _C}, scoring=counted, cv=splits, error_score="raise")


def _scorer(clips: Bunch) -> Any:
    return mean_average_precision_scorer if is_multilabel(clips) else get_scorer("accuracy")


def _validated(learner: Learner, estimator: Any, clips: Bunch, splits: Splits, options: Namespace) -> _Result:
    """Cross-validate a method that is fitted anew for every fold."""
    score, scores = _scorer(clips), []

    def fit(rows: Any) -> Any:
        part = keep_rows(clips, rows)
        groups = {"groups": part.groups} if part.groups is not None and has_fit_parameter(estimator, "groups") else {}
        return clone(estimator).fit(clip_rows(part.data), part.target, **groups)

    with _rare_labels_allowed(), Progress(len(splits), "fits", quiet=options.quiet) as progress:
        for train, test in splits:
            held_out = keep_rows(clips, test)
            scores.append(float(score(fit(train), clip_rows(held_out.data), held_out.target)))
            progress.advance()
    return _Result(learner.method, learner.words, scores, 1, lambda: fit(np.arange(len(clips.data))))


def _describe(model: Any, clips: Bunch, surveyed: Survey) -> None:
    """Store the names of the labels and properties of the training set in the model."""
    model.label_names_ = [str(name) for name in clips.target_names]
    lengths = [measure[0] for measure in surveyed.measured if measure is not None]
    model.train_lengths_ = (min(lengths), max(lengths))
    model.train_digests_ = np.unique(surveyed.digests)


def _summary(clips: Bunch, results: list[_Result], best: _Result, surveyed: Survey, splits: Splits) -> str:
    several = is_multilabel(clips)
    n_settings = sum(result.n_settings for result in results)
    frequencies = np.mean(clips.target if several else clips.target[:, None] == clips.target_names, axis=0)
    grouped = "" if clips.groups is None else f" by groups: each of the {len(np.unique(clips.groups))} is in one fold"
    chosen = "" if n_settings == 1 else f"best of {n_settings} settings, so the score is slightly optimistic: "
    return (
        f"{len(best.scores)}-fold cross-validation{grouped}\n{_comparison(results)}"
        f"  {'mean average precision' if several else 'accuracy'} {best.score:.3f} on held-out recordings "
        f"(folds: {' '.join(f'{score:.3f}' for score in best.scores)})\n"
        f"  {'guessing' if several else 'always answering the most frequent class'}: "
        f"{frequencies.mean() if several else frequencies.max():.3f}\n"
        f"  {chosen}{best.words}"
        f"{_caveats(clips, surveyed, splits)}"
    )


def _comparison(results: list[_Result]) -> str:
    """Tabulate the best setting of each method, if there are several methods."""
    best = dict[str, _Result]()
    for result in sorted(results, key=lambda result: -result.score):
        best.setdefault(result.method, result)
    if len(best) == 1:
        return ""
    width = max(map(len, best))
    lines = [
        f"  {method:<{width}}  {result.score:.3f} ± {np.std(result.scores):.3f}  {result.words}"
        for method, result in best.items()
    ]
    return "\n".join(["", *lines, "", ""])


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
