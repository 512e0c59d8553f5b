"""``sklearn-audio train``: a tuned classifier from labelled recordings."""

from __future__ import annotations

import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from sklearn_audio._paths import local_path
from sklearn_audio._sklearn import safe_indexing
from sklearn_audio.cli._bandwidth import lost_sound
from sklearn_audio.cli._compute import chunks, collected_errors
from sklearn_audio.cli._data import described, is_multilabel, labelled, likely_group
from sklearn_audio.cli._experiment import Experiment, check_log, facts_of, write_log
from sklearn_audio.cli._features import Candidate
from sklearn_audio.cli._folds import Splits, copies_on_both_sides, make_folds
from sklearn_audio.cli._learners import Learner
from sklearn_audio.cli._messages import Progress, in_words, say
from sklearn_audio.cli._methods import Plan, advice, plan, rate_of
from sklearn_audio.cli._model import check_output, save_model
from sklearn_audio.cli._program import program
from sklearn_audio.cli._recipe import steps_that_fit, used_config
from sklearn_audio.cli._survey import Survey, clip_rows, keep_rows, report_unusable, survey
from sklearn_audio.engine import reading_of
from sklearn_audio.metrics import mean_average_precision_scorer
from sklearn_audio.model_selection._comparison import shared_steps

_C = [0.01, 0.1, 1.0]


def run(options: Namespace) -> None:
    """Train, print the cross-validated score, and save."""
    path = Path(local_path(options.output))
    data = Path(local_path(options.data))
    if options.output and path.exists() and data.exists() and path.samefile(data):
        raise ValueError(f"--output {str(path)!r} is the training table and would be overwritten.")
    check_output(path, force=options.force)
    log = None if options.log is None else Path(local_path(options.log))
    if log is not None:
        check_log(log, force=options.force)
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
    with steps_that_fit(options):
        results += [_validated(learner, estimator, clips, splits, options) for learner, estimator in learners]
    best = max(results, key=lambda result: result.score)
    say(_summary(clips, results, best, surveyed, splits))
    if planned.missing:
        say(f"  {advice(planned.missing)}")
    model = best.fitted()
    _describe(model, clips, surveyed, options)
    if lost := _lost(model, best.method, clips, surveyed, options):
        say(f"  {lost}")
    save_model(model, path)
    size, seconds = path.stat().st_size, time.perf_counter() - started
    say(f"saved {path} ({size / 1e3:.0f} kB), fitted on all recordings, after {in_words(seconds)}")
    code = program(model, clips, len(splits), options) if options.show_code or log else ""
    if log is not None:
        facts = facts_of(clips, surveyed.digests, options) | _found(best, clips, surveyed, splits)
        write_log(log, Experiment(facts, _score_table(results, options), best.of_groups(), code, model))
        say(f"wrote {log}")
    if options.show_code:
        say("\n" + code)


class _Result(NamedTuple):
    """A method with its best setting, its scores by fold, and a function that fits it on all recordings."""

    method: str
    words: str
    scores: list[float]
    n_settings: int
    fitted: Callable[[], Any]
    of_groups: Callable[[], pd.DataFrame | None]

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
            results.append(_result(candidate, search, tables, clips, splits))
    return results


def _result(
    candidate: Candidate, search: GridSearchCV, tables: dict[str, NDArray[np.float32]], clips: Bunch, splits: Splits
) -> _Result:
    scores = [float(search.cv_results_[f"split{i}_test_score"][search.best_index_]) for i in range(search.n_splits_)]
    words = f"{candidate.words}, C={next(iter(search.best_params_.values())):g}"

    def fitted() -> Pipeline:
        return Pipeline([*candidate.steps(clip_rows(clips.data)[:1]), *search.best_estimator_.steps])

    def of_groups() -> pd.DataFrame | None:
        rows = candidate.rows(tables)
        found = [_fold_scores(search.best_estimator_, rows, clips, split) for split in splits]
        return _group_table([part for _, parts in found for part in parts])

    return _Result(candidate.method, words, scores, len(_C), fitted, of_groups)


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
    """Cross-validate a method that is fitted anew for every fold, for each setting of its grid."""
    settings = list(ParameterGrid(dict(learner.grid)))
    rows = clip_rows(clips.data)
    n_first, first = shared_steps(_untuned(estimator, learner.grid), rows, {})
    found: list[list[tuple[float, list[dict[str, Any]]]]] = []
    with _rare_labels_allowed(), Progress(len(settings) * len(splits), "fits", quiet=options.quiet) as progress:
        for setting in settings:
            chosen = clone(estimator).set_params(**setting)
            rest = Pipeline(chosen.steps[n_first:]) if n_first else chosen
            found.append([])
            for split in splits:
                found[-1].append(_fold_scores(rest, first.rows, clips, split))
                progress.advance()
    scores = [[score for score, _ in folds] for folds in found]
    best = int(np.argmax(np.mean(scores, axis=1)))
    words = ", ".join([learner.words, *(f"{name}={value}" for name, value in settings[best].items())])
    chosen = clone(estimator).set_params(**settings[best])
    groups = _group_table([part for _, parts in found[best] for part in parts])
    return _Result(
        learner.method, words, scores[best], len(settings), lambda: _fit(chosen, rows, clips), lambda: groups
    )


def _untuned(estimator: Any, grid: Mapping[str, Any]) -> Any:
    """Return a pipeline without the steps that the settings of a grid change, but with the last one."""
    tuned = {name.partition("__")[0] for name in grid}
    n_first = next((i for i, (name, _) in enumerate(getattr(estimator, "steps", [])) if name in tuned), None)
    return estimator if n_first is None else Pipeline([*estimator.steps[:n_first], estimator.steps[-1]])


def _fold_scores(
    estimator: Any, X: Any, clips: Bunch, split: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[float, list[dict[str, Any]]]:
    """Fit on the training clips, and score the others: together, and by group."""
    score, (train, test) = _scorer(clips), split
    fitted = _fit(estimator, safe_indexing(X, train), keep_rows(clips, train))
    of_test = np.array([]) if clips.groups is None else clips.groups[test]
    groups = []
    for group in np.unique(of_test):
        rows = test[of_test == group]
        if is_multilabel(clips) and not clips.target[rows].any():
            continue  # without labels there is no average precision
        value = float(score(fitted, safe_indexing(X, rows), clips.target[rows]))
        groups.append({"group": group, "score": value, "n_recordings": len(rows)})
    return float(score(fitted, safe_indexing(X, test), clips.target[test])), groups


def _group_table(groups: list[dict[str, Any]]) -> pd.DataFrame | None:
    return pd.DataFrame(groups).sort_values("group", kind="stable") if groups else None


def _fit(estimator: Any, X: Any, clips: Bunch) -> Any:
    takes_groups = clips.groups is not None and has_fit_parameter(estimator, "groups")
    return clone(estimator).fit(X, clips.target, **({"groups": clips.groups} if takes_groups else {}))


def _lost(model: Any, method: str, clips: Bunch, surveyed: Survey, options: Namespace) -> str:
    rate = reading_of(model).rate or (rate_of(options) if method == "statistics" else None)
    measured = [measure for measure in surveyed.measured if measure is not None]
    return "" if rate is None else lost_sound(clip_rows(clips.data), measured, int(rate), options)


def _found(best: _Result, clips: Bunch, surveyed: Survey, splits: Splits) -> dict[str, Any]:
    return {
        "method": best.method,
        "model": best.words,
        "metric": "mean_average_precision" if is_multilabel(clips) else "accuracy",
        "score": best.score,
        "score_std": float(np.std(best.scores)),
        "n_settings": best.n_settings,
        "folds": "random" if clips.groups is None else "by groups",
        "copies_across_folds": copies_on_both_sides(surveyed.digests, splits),
    }


def _score_table(results: list[_Result], options: Namespace) -> pd.DataFrame:
    """Return a row per method, model and fold; the seed is that of the folds and networks."""
    rows = [
        {"method": result.method, "model": result.words, "seed": options.seed, "fold": fold, "score": score}
        for result in results
        for fold, score in enumerate(result.scores)
    ]
    return pd.DataFrame(rows)


def _describe(model: Any, clips: Bunch, surveyed: Survey, options: Namespace) -> None:
    """Store the names of the labels, properties of the training set and the options in the model."""
    model.train_config_ = used_config(options)
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
        proposed = likely_group(clips) or "--groups COLUMN or --group-pattern REGEX"
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
