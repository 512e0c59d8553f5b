"""Few labels, well chosen: average precision from ten labels and five rounds of twenty by `select_to_label`.

    python benchmarks/labeling.py                      # all tasks, every strategy
    python benchmarks/labeling.py digits commands      # some tasks

Reads the recordings and the weights in the folder that SKLEARN_AUDIO_DATA names. A third of the speakers, folds or
sessions is left out and tests; the other clips are the pool, of which ten have labels at first. The classifier is a
logistic regression on standardised vectors. Prints the mean average precision over the labels after each round, mean of
five seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from encoders import DATA, GROUPS, encoder, recordings
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, label_binarize

from sklearn_audio import select_to_label

TASKS = {"digits": "speech", "commands": "speech", "environment": "mn04", "instruments": "mn04"}
FIRST, ROUNDS, EACH = 10, 5, 20
STRATEGIES = ("random", "coreset", "uncertainty", "margin", "entropy")


def head() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500))


def precision(model: Pipeline, vectors: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Mean average precision; labels that the model has not met score nothing."""
    scores = np.zeros((len(vectors), len(classes)))
    scores[:, np.searchsorted(classes, model[-1].classes_)] = model.predict_proba(vectors)
    return float(average_precision_score(label_binarize(labels, classes=classes), scores))


def rounds(vectors: np.ndarray, labels: np.ndarray, strategy: str, seed: int) -> Iterator[np.ndarray]:
    """Rows with labels after each round; the last ones where the clips run out."""
    known = np.random.default_rng(seed).permutation(len(labels))[:FIRST]
    for turn in range(ROUNDS):
        rest = np.setdiff1d(np.arange(len(labels)), known)
        if len(rest):
            model = head().fit(vectors[known], labels[known])
            estimator = model[:-1] if strategy == "coreset" else model
            chosen = select_to_label(estimator, vectors[rest], min(EACH, len(rest)), strategy, random_state=seed + turn)
            known = np.append(known, rest[chosen])
        yield known


def run(task: str) -> None:
    if task in GROUPS:
        paths, labels, groups = recordings(task)
    else:
        table = pd.read_csv(DATA / task / "labels.csv")
        paths, labels, groups = [DATA / task / path for path in table["path"]], table["label"], table["session"]
    vectors, labels = encoder(TASKS[task]).transform(paths), labels.to_numpy()
    classes = np.unique(labels)
    scores: dict[str, list[list[float]]] = {}
    for seed in range(5):
        pool, test = next(GroupShuffleSplit(1, test_size=1 / 3, random_state=seed).split(vectors, groups=groups))
        for strategy in ("all labels", *STRATEGIES):
            known = (
                [np.arange(len(pool))]
                if strategy == "all labels"
                else rounds(vectors[pool], labels[pool], strategy, seed)
            )
            models = [head().fit(vectors[pool][rows], labels[pool][rows]) for rows in known]
            found = [precision(model, vectors[test], labels[test], classes) for model in models]
            scores.setdefault(strategy, []).append(found)
    whole = np.mean(scores["all labels"])
    for strategy, found in scores.items():
        means = np.mean(found, axis=0)
        shown = " ".join(f"{mean:.3f}" for mean in means)
        print(f"{task:<12} {strategy:<12} {shown:<30} {means[-1] / whole:.3f} of all labels", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []])
    for task in parser.parse_args().tasks or TASKS:
        run(task)
