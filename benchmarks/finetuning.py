"""Fine-tuned networks beside their frozen pipelines: accuracy with speakers or folds apart, and times.

    python benchmarks/finetuning.py [digits|commands|environment|instruments ...] [--folds N] [--seed N] [--lr RATE]

Reads the recordings and the weights in the folder that SKLEARN_AUDIO_DATA names. A fit with the default rates trains
three times: once with each rate, to choose, and then on all clips. `--lr` gives one rate and trains once, unvalidated.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_audio import EfficientATEmbedder, FineTunedClassifier
from sklearn_audio.augmentation import Gain, SpeedChange, TimeShift

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
GROUPS = {"digits": "speaker", "commands": "speaker", "environment": "fold", "instruments": None}
AUGMENTATIONS = [SpeedChange((0.85, 1.18)), TimeShift(0.2), Gain()]


def embedder() -> EfficientATEmbedder:
    return EfficientATEmbedder("mn04_as", weights=DATA / "weights" / "mn04_as_mAP_432.pt")


def folds_of(table: pd.DataFrame, column: str | None) -> list[tuple[np.ndarray, np.ndarray]]:
    if column is None:
        return list(StratifiedKFold(3, shuffle=True, random_state=0).split(table, table["label"]))
    return list(LeaveOneGroupOut().split(table, groups=table[column]))


def compare(task: str, n_folds: int | None, seed: int, lr: float | None, n_epochs: int) -> None:
    table = pd.read_csv(DATA / task / "labels.csv")
    paths, labels = np.array([str(DATA / task / path) for path in table["path"]]), table["label"].to_numpy()
    groups = None if GROUPS[task] is None else table[GROUPS[task]].to_numpy()
    rates = {} if lr is None else {"lr": lr, "validation_fraction": 0.0}
    for number, (train, test) in enumerate(folds_of(table, GROUPS[task])[:n_folds]):
        frozen = make_pipeline(embedder(), LogisticRegression(max_iter=1000)).fit(paths[train], labels[train])
        tuned = FineTunedClassifier(
            embedder(), augmentations=AUGMENTATIONS, max_epochs=n_epochs, random_state=seed, n_jobs=2, **rates
        )
        start = time.perf_counter()
        tuned.fit(paths[train], labels[train], groups=None if groups is None else groups[train])
        seconds = time.perf_counter() - start
        before, after = (model.score(paths[test], labels[test]) for model in (frozen, tuned))
        chosen = f"lr {tuned.history_['lr'].max() if len(tuned.history_) else 0:.0e}, alpha {tuned.alpha_:.1f}"
        print(f"{task} fold {number}: frozen {before:.3f}, tuned {after:.3f} ({chosen}, {seconds:.0f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=list(GROUPS))
    parser.add_argument("--folds", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    for task in options.tasks:
        compare(task, options.folds, options.seed, options.lr, options.epochs)


if __name__ == "__main__":
    main()
