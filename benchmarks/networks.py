"""Networks trained from scratch beside statistics of frames and an SVC: environmental sounds, digits, keywords.

    python benchmarks/networks.py FOLDER           # default: $SKLEARN_AUDIO_DATA, else ../shared/data
    python benchmarks/networks.py FOLDER --tasks environment --networks sbcnn crnn --seeds 1

FOLDER holds environment, digits and commands, each with its labels.csv. No recording, take or speaker of the test part
is in the training part: environment leaves one official fold out, "digits, takes" keeps the takes apart, "digits,
speakers" and commands the speakers. All methods see the same folds. Printed are the accuracy over all clips, its spread
over the seeds, and the lowest and highest accuracy of a fold.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import CNNClassifier, MelSpectrogramTransformer, MFCCTransformer, Ragged, SequencePooling

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


class Task(NamedTuple):
    """Where the recordings are, at what rate they are analysed, and what is kept together."""

    folder: str
    rate: int
    groups: str
    n_folds: int


TASKS = {
    "environment": Task("environment", 32000, "fold", 3),
    "digits, takes": Task("digits", 8000, "take", 4),
    "digits, speakers": Task("digits", 8000, "speaker", 4),
    "commands": Task("commands", 16000, "speaker", 3),
}
# what is not listed is the default of `CNNClassifier`
RECIPE: dict[str, Any] = {"spec_augment": True, "mixup": 0.3, "batch_size": 16}
OPTIONS: dict[str, dict[str, Any]] = {
    "crnn": {"n_embedding": 64},
    "cnn_transformer": {"n_embedding": 64},
    "sbcnn": {},
    "vgg32": {},
    "cnn4": {},
    "cnn6": {},
}


def features(paths: list[str], rate: int) -> dict[str, Ragged]:
    hop = rate // 100
    mel = MelSpectrogramTransformer(rate, n_fft=4 * hop, hop_length=2 * hop, n_mels=40, n_jobs=2)
    mfcc = MFCCTransformer(rate, n_mfcc=20, deltas=1, n_fft=4 * hop, hop_length=hop, n_mels=40, n_jobs=2)
    return {"mel": mel.fit_transform(paths), "mfcc": mfcc.fit_transform(paths)}


def method(name: str, seed: int) -> tuple[str, BaseEstimator]:
    """Features and classifier."""
    if name in OPTIONS:
        return "mel", CNNClassifier(name, options=OPTIONS[name], random_state=seed, **RECIPE)
    return name.split()[0], make_pipeline(SequencePooling(), StandardScaler(), SVC(C=10))


def run(name: str, seed: int, X: dict[str, Ragged], y: np.ndarray, groups: np.ndarray, n_folds: int) -> dict[str, Any]:
    feature, estimator = method(name, seed)
    right = np.zeros(len(y), dtype=bool)
    by_fold = []
    start = time.perf_counter()
    for train, test in GroupKFold(n_folds, shuffle=True, random_state=0).split(y, y, groups):
        right[test] = estimator.fit(X[feature][train], y[train]).predict(X[feature][test]) == y[test]
        by_fold.append(right[test].mean())
    return {"accuracy": right.mean(), "folds": by_fold, "seconds": time.perf_counter() - start}


def study(title: str, names: list[str], args: argparse.Namespace) -> None:
    task = TASKS[title]
    table = pd.read_csv(args.folder / task.folder / "labels.csv", dtype=str)
    X = features([str(args.folder / task.folder / path) for path in table["path"]], task.rate)
    y, groups = table["label"].to_numpy(), table[task.groups].to_numpy()
    print(f"{title}: {len(y)} clips, {len(set(y))} classes, {task.n_folds} folds of {len(set(groups))} groups")
    print(f"{'':<28} accuracy  over seeds    over folds    seconds", flush=True)
    # in order, and each method is printed as soon as its last seed is there
    runs = Parallel(n_jobs=args.n_jobs, return_as="generator")(
        delayed(run)(name, seed, X, y, groups, task.n_folds) for name in names for seed in range(args.seeds)
    )
    for name in names:
        mine = list(itertools.islice(runs, args.seeds))
        scores = [r["accuracy"] for r in mine]
        folds = np.mean([r["folds"] for r in mine], axis=0)
        spread = f"{folds.min():.2f} to {folds.max():.2f}"
        seconds = np.mean([r["seconds"] for r in mine])
        print(f"{name:<28} {np.mean(scores):8.3f}  +- {np.std(scores):.3f}   {spread}   {seconds:8.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT)))
    parser.add_argument("--tasks", nargs="+", choices=[*TASKS], default=[*TASKS])
    parser.add_argument("--networks", nargs="*", choices=[*OPTIONS], default=[*OPTIONS][:2])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    for title in args.tasks:
        study(title, ["mel statistics + SVC", "mfcc statistics + SVC", *args.networks], args)


if __name__ == "__main__":
    main()
