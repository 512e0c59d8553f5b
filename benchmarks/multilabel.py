"""Twelve tags, none to three per clip: thresholds of one half, and thresholds chosen for each tag.

    python benchmarks/multilabel.py FOLDER         # default: $SKLEARN_AUDIO_DATA, else ../shared/data
    python benchmarks/multilabel.py FOLDER --report

FOLDER holds multilabel/labels.csv with its recordings and weights/mn04_as_mAP_432.pt. The thresholds of a fold are
chosen by cross-validation inside its training part. Clips share parts of their mixes, so scores over clips are on the
high side for all methods alike. Printed are macro and micro F1 and the mean average precision, over the clips of all
folds, mean and deviation of the seeds of the folds; with --report the scores of each tag.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import EfficientATEmbedder, FrameMLPClassifier, Ragged
from sklearn_audio.metrics import mean_average_precision
from sklearn_audio.model_selection import MultilabelStratifiedKFold, MultilabelThresholdClassifierCV

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


def methods(seed: int) -> dict[str, Any]:
    """Return the estimators to compare: one classifier per tag on vectors, and one network for all tags."""
    logistic = LogisticRegression(max_iter=1000)
    scaled = make_pipeline(StandardScaler(), MultiOutputClassifier(logistic))
    tuned = TunedThresholdClassifierCV(logistic, scoring="f1", thresholds=25, random_state=seed)
    network = FrameMLPClassifier(max_epochs=40, mixup=0.3, random_state=seed)
    return {
        "logistic regressions, one half": scaled,
        "logistic regressions, TunedThresholdClassifierCV": make_pipeline(
            StandardScaler(), MultiOutputClassifier(tuned)
        ),
        "logistic regressions, MultilabelThresholdClassifierCV": MultilabelThresholdClassifierCV(scaled),
        "network, one half": network,
        "network, MultilabelThresholdClassifierCV": MultilabelThresholdClassifierCV(network),
    }


def probabilities(estimator: Any, X: Any) -> np.ndarray:
    found = estimator.predict_proba(X)
    return np.stack([of_one[:, 1] for of_one in found], axis=1) if isinstance(found, list) else found


def run(name: str, seed: int, X: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indicators and probabilities of all clips, each by a classifier that has not seen it."""
    estimator = methods(seed)[name]
    predicted, scores = np.zeros_like(y), np.zeros(y.shape)
    rows = Ragged.from_list(X[:, None]) if name.startswith("network") else X  # a clip is a sequence of one vector
    for train, test in MultilabelStratifiedKFold(5, shuffle=True, random_state=seed).split(X, y):
        fitted = clone(estimator).fit(rows[train], y[train])
        predicted[test], scores[test] = fitted.predict(rows[test]), probabilities(fitted, rows[test])
    return predicted, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    table = pd.read_csv(args.folder / "multilabel" / "labels.csv")
    tags = table.loc[:, "dog_bark":"music"]
    y = tags.to_numpy()
    embedder = EfficientATEmbedder("mn04_as", weights=args.folder / "weights" / "mn04_as_mAP_432.pt", n_jobs=2)
    X = embedder.fit_transform([str(args.folder / "multilabel" / path) for path in table["path"]])
    print(f"{len(y)} clips, {y.shape[1]} tags, {y.sum(axis=0).min()} to {y.sum(axis=0).max()} clips of a tag")
    print(f"{'':<54} macro F1         micro F1         mAP", flush=True)
    for name in methods(0):
        found = Parallel(n_jobs=args.n_jobs)(delayed(run)(name, seed, X, y) for seed in range(args.seeds))
        cells = [
            [f1_score(y, predicted, average=average, zero_division=0) for predicted, _ in found]
            for average in ("macro", "micro")
        ]
        cells.append([mean_average_precision(y, scores) for _, scores in found])
        print(f"{name:<54} " + "   ".join(f"{np.mean(c):.3f} +- {np.std(c):.3f}" for c in cells), flush=True)
        if args.report:
            print(classification_report(y, found[0][0], target_names=list(tags), zero_division=0))


if __name__ == "__main__":
    main()
