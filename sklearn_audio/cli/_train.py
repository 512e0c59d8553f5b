"""``sklearn-audio train``: a tuned classifier from labelled recordings."""

from __future__ import annotations

import time
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_audio.cli._data import described, is_multilabel, labelled
from sklearn_audio.cli._folds import Splits, make_folds
from sklearn_audio.cli._messages import in_words, say, shows_progress
from sklearn_audio.cli._model import check_writable, save_model
from sklearn_audio.cli._scores import score_average_precision
from sklearn_audio.preprocessing import MelSpectrogramTransformer, MFCCTransformer, SequencePooling

__all__ = ["run"]


def run(options: Namespace) -> None:
    """Train, say how well it went, save.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.
    """
    output, data = Path(options.output), Path(options.data)
    check_writable(output)
    if output.exists() and data.exists() and output.samefile(data):
        raise ValueError(f"--output {str(output)!r} is the table to train on, and would be overwritten.")
    started = time.perf_counter()
    clips = labelled(options)
    splits = make_folds(clips, options.folds, options.seed)
    say(described(clips, options.jobs))
    candidates = [_tuned(front_end, clips, splits) for front_end in _front_ends(options)]
    best = max(candidates, key=lambda candidate: candidate.search.best_score_)
    say(_result(clips, candidates, best))
    save_model(_assembled(best, clips), output)
    size, seconds = output.stat().st_size, time.perf_counter() - started
    say(f"saved {output} ({size / 1e3:.0f} kB), fitted on all recordings, after {in_words(seconds)}")


class _Candidate(NamedTuple):
    front_end: Any
    search: GridSearchCV


def _front_ends(options: Namespace) -> list[Any]:
    """Log-mel statistics suit sounds of the surroundings, cepstra with their changes suit speech; the folds decide."""
    rate, shared = options.sample_rate, {"n_jobs": options.jobs, "verbose": shows_progress(options.quiet)}
    n_fft, hop_length = round(rate * 0.032), round(rate * 0.01)
    mel = MelSpectrogramTransformer(rate, n_mels=64, n_fft=n_fft, hop_length=hop_length, **shared)
    mfcc = MFCCTransformer(rate, n_mfcc=13, deltas=1, n_mels=40, n_fft=n_fft, hop_length=hop_length, **shared)
    return [mel, mfcc]


def _tuned(front_end: Any, clips: Bunch, splits: Splits) -> _Candidate:
    # the front ends learn nothing, so computing the frames once for all folds leaks nothing
    frames = front_end.fit_transform(clips.data)
    # the products are so small that a second thread of the linear algebra only waits for the first
    with threadpool_limits(1, user_api="blas"), _rare_labels_allowed():
        return _Candidate(front_end, _search(clips, splits).fit(frames, clips.target))


@contextmanager
def _rare_labels_allowed() -> Iterator[None]:
    """Be quiet about a label that is in all or in none of the recordings of one fold: the score leaves it out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Label .* is present in all training examples", category=UserWarning)
        yield


def _search(clips: Bunch, splits: Splits) -> GridSearchCV:
    classifier: Any = LogisticRegression(class_weight="balanced", max_iter=2000)
    name: str = "classifier__C"
    scoring: Any = "accuracy"
    if is_multilabel(clips):
        classifier, name, scoring = OneVsRestClassifier(classifier), "classifier__estimator__C", score_average_precision
    pipeline = Pipeline([("pool", SequencePooling()), ("scale", StandardScaler()), ("classifier", classifier)])
    grid = {"pool__statistics": [("mean", "std"), ("mean", "std", "min", "max")], name: [0.01, 0.1, 1.0]}
    return GridSearchCV(pipeline, grid, scoring=scoring, cv=splits, error_score="raise")


def _assembled(chosen: _Candidate, clips: Bunch) -> Pipeline:
    model = Pipeline([("front_end", chosen.front_end.set_params(verbose=0)), *chosen.search.best_estimator_.steps])
    model.label_names_ = [str(name) for name in clips.target_names]
    return model


def _result(clips: Bunch, candidates: list[_Candidate], best: _Candidate) -> str:
    search, several = best.search, is_multilabel(clips)
    scores = [search.cv_results_[f"split{i}_test_score"][search.best_index_] for i in range(search.n_splits_)]
    chosen = {name.split("__")[-1]: value for name, value in search.best_params_.items()}
    n_settings = sum(len(candidate.search.cv_results_["params"]) for candidate in candidates)
    shares = np.mean(clips.target if several else clips.target[:, None] == clips.target_names, axis=0)
    grouped = "" if clips.groups is None else f" by groups: each of the {len(np.unique(clips.groups))} lies in one fold"
    return (
        f"{len(scores)}-fold cross-validation{grouped}\n"
        f"  {'mean average precision' if several else 'accuracy'} {search.best_score_:.3f} on held-out recordings "
        f"(folds: {' '.join(f'{score:.3f}' for score in scores)})\n"
        f"  {'guessing' if several else 'always answering the most frequent class'}: "
        f"{shares.mean() if several else shares.max():.3f}\n"
        f"  best of {n_settings} settings, which flatters it a little: {type(best.front_end).__name__}, "
        f"{'+'.join(chosen['statistics'])} over time, C={chosen['C']:g}"
    )
