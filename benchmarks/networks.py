"""Networks trained from scratch beside statistics of frames: environmental sounds, digits, keywords.

    python benchmarks/networks.py FOLDER               # default: $SKLEARN_AUDIO_DATA, else ../shared/data
    python benchmarks/networks.py FOLDER --networks    # no network, only the simple pipelines
    python benchmarks/networks.py FOLDER --tasks environment --networks sbcnn "crnn, speed" --seeds 1

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
from _baselines import BASELINES, classifier, tables
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold

from sklearn_audio import CNNClassifier, FrameMLPClassifier, MelSpectrogramTransformer, Ragged
from sklearn_audio.augmentation import SpeedChange, TimeShift
from sklearn_audio.dsp import FrontEnd

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


class Task(NamedTuple):
    """The folder of the recordings, the rate of analysis, and the groups of the folds."""

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
# What is not listed is the default of `CNNClassifier`; the first one is nothing but that, the others are half as long.
HALF: dict[str, Any] = {"max_epochs": 50}
CRNN: dict[str, Any] = HALF | {"architecture": "crnn"}
# windows of 1.3 seconds, from another place of each clip in every epoch, that vote
VGG: dict[str, Any] = HALF | {"architecture": "vgg32", "n_frames": 64, "windows": {"voting": "log"}, "lr": 0.003}
VGG |= {"mixup": 0.0, "spec_augment": None}
OVER_FRAMES: dict[str, dict[str, Any]] = {
    "crnn": {"architecture": "crnn"},
    "crnn, 50 epochs": CRNN,
    "cnn_transformer": HALF | {"architecture": "cnn_transformer"},
    "vgg32": HALF | {"architecture": "vgg32"},
    "sbcnn": HALF | {"architecture": "sbcnn"},
    "timbre": HALF | {"architecture": "timbre"},
    "mlp": HALF,
    "efficientat": HALF | {"architecture": "efficientat", "options": {"width": 0.4}},
    "crnn, neither masks nor mixup": CRNN | {"spec_augment": None, "mixup": 0.0},
    "crnn, mixup of 1": CRNN | {"mixup": 1.0},
    "crnn, batches of 32": CRNN | {"batch_size": 32},
    "crnn, twice as wide": CRNN | {"options": {"n_embedding": 128}},
    "crnn, maximum over time": CRNN | {"options": {"pooling": "max"}},
    "crnn, 200 epochs": CRNN | {"max_epochs": 200},
    "crnn, normalised by clip": CRNN | {"normalize": "clip"},
    "crnn, shifts": CRNN | {"augmentations": [TimeShift(0.5)]},
    "vgg32, windows": VGG,
    "vgg32, windows in one batch": VGG | {"batch_size": 4096, "max_epochs": 75},
    "crnn, patches of 100 frames": CRNN | {"n_frames": 100, "windows": {"take": "all", "hop": 50}, "batch_size": 32},
}
# the same frames, computed anew from the changed waveforms in every epoch
OVER_AUDIO: dict[str, dict[str, Any]] = {
    "crnn, speed": CRNN | {"augmentations": [SpeedChange((0.8, 1.25))]},
    "crnn, speed, shifts": CRNN | {"augmentations": [SpeedChange((0.8, 1.25)), TimeShift(0.5)]},
    "crnn, mixup of waveforms": CRNN | {"mixup": {"on": "waveforms"}},
}


def front_end(rate: int) -> FrontEnd:
    return FrontEnd(sample_rate=rate, n_fft=rate // 25, hop_length=rate // 50, n_mels=40)


def features(paths: list[str], rate: int) -> dict[str, Ragged | np.ndarray]:
    mel = MelSpectrogramTransformer(front_end=front_end(rate), n_jobs=2)
    return {"frames": mel.fit_transform(paths), "audio": np.array(paths), **tables(paths, rate)}


def method(name: str, rate: int, seed: int) -> tuple[str, BaseEstimator]:
    """Features and classifier."""
    if name in OVER_FRAMES:
        network_class = FrameMLPClassifier if name == "mlp" else CNNClassifier
        return "frames", network_class(**OVER_FRAMES[name], random_state=seed)
    if name in OVER_AUDIO:
        return "audio", CNNClassifier(**OVER_AUDIO[name], front_end=front_end(rate), random_state=seed)
    return name, classifier(name)


def run(name: str, seed: int, X: dict[str, Any], y: np.ndarray, groups: np.ndarray, task: Task) -> dict[str, Any]:
    feature, estimator = method(name, task.rate, seed)
    right = np.zeros(len(y), dtype=bool)
    by_fold = []
    start = time.perf_counter()
    for train, test in GroupKFold(task.n_folds, shuffle=True, random_state=0).split(y, y, groups):
        right[test] = estimator.fit(X[feature][train], y[train]).predict(X[feature][test]) == y[test]
        by_fold.append(right[test].mean())
    return {"accuracy": right.mean(), "folds": by_fold, "seconds": time.perf_counter() - start}


def study(title: str, names: list[str], args: argparse.Namespace) -> None:
    task = TASKS[title]
    table = pd.read_csv(args.folder / task.folder / "labels.csv", dtype=str)
    X = features([str(args.folder / task.folder / path) for path in table["path"]], task.rate)
    y, groups = table["label"].to_numpy(), table[task.groups].to_numpy()
    print(f"{title}: {len(y)} clips, {len(set(y))} classes, {task.n_folds} folds of {len(set(groups))} groups")
    print(f"{'':<39} accuracy  over seeds    over folds    seconds", flush=True)
    # in order, and each method is printed as soon as its last seed is there
    runs = Parallel(n_jobs=args.n_jobs, return_as="generator")(
        delayed(run)(name, seed, X, y, groups, task) for name in names for seed in range(args.seeds)
    )
    for name in names:
        mine = list(itertools.islice(runs, args.seeds))
        scores = [r["accuracy"] for r in mine]
        folds = np.mean([r["folds"] for r in mine], axis=0)
        spread = f"{folds.min():.2f} to {folds.max():.2f}"
        seconds = np.mean([r["seconds"] for r in mine])
        print(f"{name:<39} {np.mean(scores):8.3f}  +- {np.std(scores):.3f}   {spread}   {seconds:8.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT)))
    parser.add_argument("--tasks", nargs="+", choices=[*TASKS], default=[*TASKS])
    parser.add_argument("--networks", nargs="*", choices=[*OVER_FRAMES, *OVER_AUDIO], default=["crnn"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    for title in args.tasks:
        study(title, [*BASELINES, *args.networks], args)


if __name__ == "__main__":
    main()
