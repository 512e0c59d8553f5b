"""``sklearn-audio train``: a tuned classifier from labelled recordings."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_audio.cli._data import is_multilabel, labelled, shows_progress
from sklearn_audio.cli._model import check_writable, save_model
from sklearn_audio.preprocessing import MelSpectrogramTransformer, MFCCTransformer, SequencePooling
from sklearn_audio.ragged import Ragged

__all__ = ["run"]

Splits = list[tuple[NDArray[Any], NDArray[Any]]]


def run(options: Namespace) -> None:
    """Train, say how well it went, save.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.
    """
    output = Path(options.output)
    check_writable(output)
    clips = labelled(options)
    splits = _splits(clips, options.folds, options.seed)
    _say(_summary(clips, len(splits)))
    started = time.perf_counter()
    candidates = [_tuned(front_end, clips, splits) for front_end in _front_ends(options)]
    best = max(candidates, key=lambda candidate: candidate.search.best_score_)
    save_model(_assembled(best, clips), output)
    _say(_result(clips, candidates, best))
    _say(f"saved {output} ({output.stat().st_size / 1e3:.0f} kB) after {time.perf_counter() - started:.1f} s")


class _Candidate(NamedTuple):
    front_end: Any
    frames: Ragged
    search: GridSearchCV


def _front_ends(options: Namespace) -> list[Any]:
    """Log-mel statistics suit sounds of the surroundings, cepstra with their changes suit speech; the folds decide."""
    rate, shared = options.sample_rate, {"n_jobs": options.jobs, "verbose": shows_progress(options)}
    n_fft, hop_length = round(rate * 0.032), round(rate * 0.01)
    mel = MelSpectrogramTransformer(rate, n_mels=64, n_fft=n_fft, hop_length=hop_length, **shared)
    mfcc = MFCCTransformer(rate, n_mfcc=13, deltas=1, n_mels=40, n_fft=n_fft, hop_length=hop_length, **shared)
    return [mel, mfcc]


def _tuned(front_end: Any, clips: Bunch, splits: Splits) -> _Candidate:
    # the front ends learn nothing, so computing the frames once for all folds leaks nothing
    frames = front_end.fit_transform(clips.data)
    # the products are so small that a second thread of the linear algebra only waits for the first
    with threadpool_limits(1, user_api="blas"):
        return _Candidate(front_end, frames, _search(clips, splits).fit(frames, clips.target))


def _splits(clips: Bunch, n_folds: int, seed: int) -> Splits:
    y, groups = clips.target, clips.groups
    if n_folds < 2:
        raise ValueError(f"--folds {n_folds}: cross-validation needs at least 2 folds.")
    if groups is not None:
        n_folds = min(n_folds, len(np.unique(groups)))
        if n_folds < 2:
            raise ValueError(
                f"all recordings are of one group, {str(groups[0])!r}; grouped cross-validation needs two."
            )
    if is_multilabel(clips):
        plain: Any = KFold(n_folds, shuffle=True, random_state=seed) if groups is None else GroupKFold(n_folds)
        return list(plain.split(y, y, groups))
    label, fewest = min(Counter(y.tolist()).items(), key=lambda item: item[1])
    if fewest < 2:
        raise ValueError(f"the class {label!r} has one recording; cross-validation needs at least 2 of each class.")
    if groups is None:
        return list(StratifiedKFold(min(n_folds, fewest), shuffle=True, random_state=seed).split(y, y))
    splits = list(StratifiedGroupKFold(n_folds).split(y, y, groups))
    absent = [set(y) - set(y[train]) for train, _ in splits]
    if any(absent):
        missing = str(sorted(set.union(*absent))[0])
        raise ValueError(f"the class {missing!r} lies in one group alone, which leaves none to train on.")
    return splits


def _search(clips: Bunch, splits: Splits) -> GridSearchCV:
    classifier: Any = LogisticRegression(class_weight="balanced", max_iter=2000)
    name, scoring = "classifier__C", "accuracy"
    if is_multilabel(clips):
        classifier, name, scoring = OneVsRestClassifier(classifier), "classifier__estimator__C", "average_precision"
    pipeline = Pipeline([("pool", SequencePooling()), ("scale", StandardScaler()), ("classifier", classifier)])
    grid = {"pool__statistics": [("mean", "std"), ("mean", "std", "min", "max")], name: [0.01, 0.1, 1.0]}
    return GridSearchCV(pipeline, grid, scoring=scoring, cv=splits, error_score="raise")


def _assembled(chosen: _Candidate, clips: Bunch) -> Pipeline:
    model = Pipeline([("front_end", chosen.front_end.set_params(verbose=0)), *chosen.search.best_estimator_.steps])
    model.label_names_ = list(clips.target_names)
    return model


def _summary(clips: Bunch, n_folds: int) -> str:
    counts = (
        clips.target.sum(axis=0) if is_multilabel(clips) else [np.sum(clips.target == c) for c in clips.target_names]
    )
    grouped = "" if clips.groups is None else f", by {len(np.unique(clips.groups))} groups"
    return (
        f"{len(clips.data)} recordings, {len(clips.target_names)} "
        f"{'labels' if is_multilabel(clips) else 'classes'} of {min(counts)} to {max(counts)}; "
        f"{n_folds}-fold cross-validation{grouped}"
    )


def _result(clips: Bunch, candidates: list[_Candidate], best: _Candidate) -> str:
    search = best.search
    scores = [search.cv_results_[f"split{i}_test_score"][search.best_index_] for i in range(search.n_splits_)]
    metric = "mean average precision" if is_multilabel(clips) else "accuracy"
    chosen = ", ".join(f"{name.split('__')[-1]}={value}" for name, value in search.best_params_.items())
    folds = " ".join(f"{score:.3f}" for score in scores)
    n_settings = sum(len(candidate.search.cv_results_["params"]) for candidate in candidates)
    return (
        f"cross-validated {metric} {search.best_score_:.3f} (folds: {folds})\n"
        f"best of {n_settings} settings: {type(best.front_end).__name__}, {chosen}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
