"""Short words by new speakers, without a network: statistics of parts of a clip, trimming, and copies at other speeds.

    python benchmarks/words.py            # the recordings in the folder that SKLEARN_AUDIO_DATA names
    python benchmarks/words.py digits     # one of the two tasks

Each row is the accuracy over all clips with one speaker left out at a time.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import AcousticFeatures, AudioLoader, AugmentedClassifier, MFCCTransformer, SequencePooling
from sklearn_audio.augmentation import SpeedChange

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
RATES = {"digits": 8000, "commands": 16000}
SPEEDS = [SpeedChange((0.8, 1.2))]
FOUR = ("mean", "std", "min", "max")


def mfcc(rate: int, **options: str) -> MFCCTransformer:
    return MFCCTransformer(rate, n_mfcc=20, deltas=1, n_fft=rate // 25, hop_length=rate // 100, n_mels=40, **options)


def pooled(frames: BaseEstimator, n_parts: int = 1, statistics: tuple[str, ...] = ("mean",)) -> BaseEstimator:
    return make_pipeline(frames, SequencePooling(statistics, n_parts=n_parts))


def methods(rate: int) -> dict[str, BaseEstimator]:
    raw, both = pooled(mfcc(rate), 6), make_union(pooled(mfcc(rate), 6), pooled(mfcc(rate, normalize="clip"), 6))
    everything = make_union(pooled(AcousticFeatures(rate), 1, FOUR), pooled(mfcc(rate), 1, FOUR), both)
    trim, svc = AudioLoader(rate, trim=30.0), make_pipeline(StandardScaler(), SVC(C=10))
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))

    def copies(features: BaseEstimator, classifier: BaseEstimator) -> BaseEstimator:
        model = make_pipeline(features, classifier)
        return AugmentedClassifier(model, SPEEDS, n_copies=8, sample_rate=rate, random_state=0)

    return {
        "whole clip: MFCC mean and std, SVC": make_pipeline(pooled(mfcc(rate), 1, ("mean", "std")), svc),
        "means of five parts, SVC": make_pipeline(pooled(mfcc(rate), 5), svc),
        "trimmed, six parts, SVC": make_pipeline(trim, raw, svc),
        "... and eight copies": make_pipeline(trim, copies(raw, svc)),
        "... and normalised parts": make_pipeline(trim, copies(both, svc)),
        "acoustic, MFCC and both parts, linear": make_pipeline(everything, linear),
        "... trimmed": make_pipeline(trim, everything, linear),
        "... trimmed, and eight copies": make_pipeline(trim, copies(everything, linear)),
    }


def study(task: str) -> None:
    table = pd.read_csv(DATA / task / "labels.csv", dtype=str)
    paths = np.array([str(DATA / task / path) for path in table["path"]])
    y, speakers = table["label"].to_numpy(), table["speaker"].to_numpy()
    print(f"{task}: {len(y)} clips, {len(set(y))} classes, {len(set(speakers))} speakers")
    for name, model in methods(RATES[task]).items():
        start = time.perf_counter()
        right = cross_val_predict(model, paths, y, groups=speakers, cv=LeaveOneGroupOut()) == y
        by_speaker = pd.Series(right).groupby(speakers).mean()
        spread = f"{by_speaker.min():.2f} to {by_speaker.max():.2f}"
        print(f"{name:<40} {right.mean():.3f}   {spread}   {time.perf_counter() - start:6.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(RATES))
    for task in parser.parse_args().tasks:
        study(task)


if __name__ == "__main__":
    main()
