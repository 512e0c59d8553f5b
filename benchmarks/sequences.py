"""Keywords and digits of speakers never heard: sequences of tokens and of frames, and what has no order.

    python benchmarks/sequences.py FOLDER          # default: $SKLEARN_AUDIO_DATA, else ../shared/data
    python benchmarks/sequences.py FOLDER --data digits --seeds 1 --n-jobs 2

FOLDER holds commands/labels.csv and digits/labels.csv with their recordings. Folds keep speakers apart; all methods
see the same folds; vocabularies are learned on the training part of each. Printed are the accuracy over all clips,
the mean over the seeds, and the spread of the accuracies of the speakers.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _baselines import classifier, tables
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import (
    BERTClassifier,
    KMeansAudioTokenizer,
    LSTMClassifier,
    MelSpectrogramTransformer,
    Ragged,
    TokenCounts,
)

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"
RATES = {"commands": 16000, "digits": 8000}
FOLDS = {"commands": 3, "digits": 4}
VOCABULARIES = (50, 100, 200)
BASELINES = ("MFCC statistics + SVC", "acoustic and MFCC + LogisticRegression")


def lstm(seed: int, options: dict[str, Any] | None = None, **parameters: Any) -> LSTMClassifier:
    options = {"dropout": 0.4} | (options or {})
    return LSTMClassifier(options=options, max_epochs=30, lr=0.003, random_state=seed, **parameters)


def bert(seed: int, options: dict[str, Any] | None = None, max_epochs: int = 60, **parameters: Any) -> BERTClassifier:
    options = {"pooling": "mean"} | (options or {})
    return BERTClassifier(
        options=options, max_epochs=max_epochs, warmup=5, batch_size=16, random_state=seed, **parameters
    )


def methods(seed: int) -> dict[str, tuple[str, BaseEstimator]]:
    """Return the estimators to compare, each with its features."""
    table: dict[str, tuple[str, BaseEstimator]] = {
        **{name: (name, classifier(name)) for name in BASELINES},
        "LSTM, frames": ("frames", lstm(seed, mixup=0.3)),
        "BERT, frames": ("frames", bert(seed, mixup=0.3, spec_augment=True)),
    }
    for n in VOCABULARIES:
        tokens = KMeansAudioTokenizer(n, random_state=seed)
        histogram = TokenCounts(weighting="frequency", n_tokens=n)
        ngrams = TokenCounts(ngram_range=(1, 2), weighting="tfidf", n_tokens=n)
        table |= {
            f"token histogram + SVC, {n}": (
                "frames",
                make_pipeline(tokens, histogram, StandardScaler(with_mean=False), SVC(C=10)),
            ),
            f"token n-grams + LogisticRegression, {n}": (
                "frames",
                make_pipeline(tokens, ngrams, LogisticRegression(C=100, max_iter=2000)),
            ),
            f"LSTM, tokens, {n}": (
                "frames",
                make_pipeline(tokens, lstm(seed, {"n_tokens": n})),
            ),
            f"BERT, tokens, {n}": (
                "frames",
                make_pipeline(tokens, bert(seed, {"n_tokens": n}, max_epochs=30)),
            ),
        }
    return table


def features(paths: list[str], rate: int) -> dict[str, Ragged | np.ndarray]:
    mel = MelSpectrogramTransformer(rate, n_fft=rate // 25, hop_length=rate // 50, n_mels=40, n_jobs=2)
    return {"frames": mel.fit_transform(paths), **tables(paths, rate, ("mfcc", "acoustic"))}


def run(name: str, seed: int, X: dict[str, Any], y: np.ndarray, speakers: np.ndarray, n_folds: int) -> Any:
    feature, estimator = methods(seed)[name]
    right = np.zeros(len(y), dtype=bool)
    start = time.perf_counter()
    for train, test in GroupKFold(n_folds, shuffle=True, random_state=0).split(y, y, speakers):
        right[test] = estimator.fit(X[feature][train], y[train]).predict(X[feature][test]) == y[test]
    by_speaker = pd.Series(right).groupby(speakers).mean()
    return {
        "method": name,
        "seed": seed,
        "accuracy": right.mean(),
        "seconds": time.perf_counter() - start,
        "speakers": by_speaker,
    }


def summary(runs: list[dict[str, Any]]) -> str:
    """One line of the table: one method, all seeds."""
    scores = [r["accuracy"] for r in runs]
    of_speakers = pd.concat([r["speakers"] for r in runs], axis=1).mean(axis=1)
    spread = f"{of_speakers.min():.2f} to {of_speakers.max():.2f}"
    seconds = np.mean([r["seconds"] for r in runs])
    return f"{runs[0]['method']:<42} {np.mean(scores):8.3f}  +- {np.std(scores):.3f}   {spread}     {seconds:8.1f}"


def study(data: str, args: argparse.Namespace) -> None:
    table = pd.read_csv(args.folder / data / "labels.csv", dtype=str)
    X = features([str(args.folder / data / path) for path in table["path"]], RATES[data])
    y, speakers = table["label"].to_numpy(), table["speaker"].to_numpy()
    print(f"{data}: {len(y)} clips, {len(set(y))} classes, {len(set(speakers))} speakers in {FOLDS[data]} folds")
    print(f"{'':<42} accuracy  over seeds   over speakers    seconds", flush=True)
    names = [name for name in methods(0) if not args.methods or name.startswith(tuple(args.methods))]
    # in order, and each method is printed as soon as its last seed is there
    runs = Parallel(n_jobs=args.n_jobs, return_as="generator")(
        delayed(run)(name, seed, X, y, speakers, FOLDS[data]) for name in names for seed in range(args.seeds)
    )
    for _ in names:
        print(summary(list(itertools.islice(runs, args.seeds))), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT)))
    parser.add_argument("--data", nargs="+", choices=[*RATES], default=[*RATES])
    parser.add_argument("--methods", nargs="+", help="beginnings of the names of methods; all if none is given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    for data in args.data:
        study(data, args)


if __name__ == "__main__":
    main()
