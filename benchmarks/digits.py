"""Spoken digits: statistics of frames, on new takes of known speakers and on speakers never heard.

    python benchmarks/digits.py

Prints the table of the README. The recordings are found as `fetch_spoken_digits` finds them.
"""

from __future__ import annotations

import numpy as np
from _baselines import classifier, tables
from sklearn.base import BaseEstimator
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from sklearn_audio import MelSpectrogramTransformer, MFCCTransformer, SequencePooling
from sklearn_audio.datasets import fetch_spoken_digits

FRONT_ENDS = {
    "log-mel mean and std": (
        MelSpectrogramTransformer(16000, n_fft=512, hop_length=160, n_mels=64, n_jobs=2),
        ("mean", "std"),
    ),
    "MFCC with deltas; mean, std, min, max": (
        MFCCTransformer(16000, n_mfcc=13, deltas=1, n_fft=512, hop_length=160, n_mels=40, n_jobs=2),
        ("mean", "std", "min", "max"),
    ),
}


def report(name: str, estimator: BaseEstimator, X: np.ndarray, digits: Bunch) -> None:
    known = StratifiedKFold(4, shuffle=True, random_state=0)
    takes = cross_val_score(estimator, X, digits.target, cv=known)
    speakers = cross_val_score(estimator, X, digits.target, groups=digits.groups, cv=LeaveOneGroupOut())
    folds = " ".join(f"{score:.3f}" for score in speakers)
    print(f"{name:<40} known speakers {takes.mean():.3f}   unseen speakers {speakers.mean():.3f} ({folds})", flush=True)


def main() -> None:
    digits = fetch_spoken_digits()
    print(f"{len(digits.data)} recordings, {len(np.unique(digits.groups))} speakers")
    for name, (front_end, statistics) in FRONT_ENDS.items():
        # both steps learn nothing, so computing them once leaks nothing
        X = SequencePooling(statistics).fit_transform(front_end.fit_transform(digits.data))
        report(name, make_pipeline(StandardScaler(), SVC(C=10)), X, digits)
    for name, X in tables(digits.data, 8000, ("acoustic", "mfcc")).items():
        if name.startswith("acoustic"):
            report(name, classifier(name), X, digits)


if __name__ == "__main__":
    main()
