"""Simple pipelines to compare networks with: statistics of frames, a scaler, and a linear model or an SVC."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import AcousticFeatures, MelSpectrogramTransformer, MFCCTransformer, SequencePooling

TWO, FOUR = ("mean", "std"), ("mean", "std", "min", "max")
# the frames, their statistics, and the classifier
BASELINES: dict[str, tuple[tuple[str, ...], tuple[str, ...], BaseEstimator]] = {
    "mel statistics + SVC": (("mel",), TWO, SVC(C=10)),
    "MFCC statistics + SVC": (("mfcc",), TWO, SVC(C=10)),
    "acoustic statistics + SVC": (("acoustic",), TWO, SVC(C=10)),
    "acoustic and MFCC + LogisticRegression": (("acoustic", "mfcc"), FOUR, LogisticRegression(C=0.1, max_iter=2000)),
}
ALL_FRAMES = ("mel", "mfcc", "acoustic")


def tables(paths: list[str], rate: int, kinds: tuple[str, ...] = ALL_FRAMES) -> dict[str, np.ndarray]:
    """One row per clip for each baseline of these frames; nothing is learned, so one table serves all folds."""
    transformers = {
        "mel": MelSpectrogramTransformer(rate, n_fft=rate // 25, hop_length=rate // 50, n_mels=40, n_jobs=2),
        "mfcc": MFCCTransformer(
            rate, n_mfcc=20, deltas=1, n_fft=rate // 25, hop_length=rate // 100, n_mels=40, n_jobs=2
        ),
        "acoustic": AcousticFeatures(rate, n_jobs=2),
    }
    frames = {kind: transformers[kind].fit_transform(paths) for kind in kinds}
    return {
        name: np.hstack([SequencePooling(chosen).fit_transform(frames[kind]) for kind in wanted])
        for name, (wanted, chosen, _) in BASELINES.items()
        if set(wanted) <= set(kinds)
    }


def classifier(name: str) -> BaseEstimator:
    return make_pipeline(StandardScaler(), BASELINES[name][2])
