"""k-means vocabularies of a million log-mel frames: ours beside scikit-learn's `KMeans`; and tokens per second.

    python benchmarks/tokenizer.py            # one million frames, 500 clusters, 20 iterations
    python benchmarks/tokenizer.py --quick    # 100 000 frames, 100 clusters

The frames are those of the recordings in the folder that SKLEARN_AUDIO_DATA names. Where they are not enough, the
recordings come again with another gain and cut off at the front by part of a hop, so that no frame comes twice. Ratios
above 1 mean that ours is faster; medians over the repeats. Both see the same normalised frames, and inertia is measured
on all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from sklearn_audio import AudioLoader, KMeansAudioTokenizer, MelSpectrogramTransformer, Ragged

RATE, HOP = 22050, 128
FOLDERS = ("environment", "instruments", "multilabel", "scenes", "examples", "commands", "digits")
SUFFIXES = {".ogg", ".flac", ".wav", ".mp3"}


def real_frames(n_frames: int) -> tuple[np.ndarray, int]:
    """Log-mel frames, and how many of them come from the first round."""
    data = Path(os.environ.get("SKLEARN_AUDIO_DATA", "../shared/data"))
    paths = [str(p) for name in FOLDERS for p in sorted((data / name).rglob("*")) if p.suffix in SUFFIXES]
    mel = MelSpectrogramTransformer(RATE, n_fft=512, hop_length=HOP, n_mels=64, n_jobs=2)
    waves = AudioLoader(RATE, n_jobs=2).transform(paths)
    rounds, total, first = [], 0, 0
    while total < n_frames:
        i = len(rounds)
        clips = Ragged.from_list(0.7**i * row[i * HOP // 3 :] for row in waves)
        rounds.append(mel.transform(clips).values)
        total += len(rounds[-1])
        first = first or total
    # the last round is thinned out evenly, so that every folder stays in
    needed = n_frames - (total - len(rounds[-1]))
    rounds[-1] = rounds[-1][np.linspace(0, len(rounds[-1]) - 1, needed).astype(int)]
    return np.concatenate(rounds), min(first, n_frames)


def seconds(work: Callable[[], object]) -> float:
    time.sleep(0.2)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fit_both(frames: np.ndarray, n_clusters: int, repeats: int) -> None:
    unit = frames / np.linalg.norm(frames, axis=1, keepdims=True)
    theirs = KMeans(n_clusters, n_init=1, max_iter=20, random_state=0)
    sampled = KMeansAudioTokenizer(n_clusters, random_state=0)
    every = KMeansAudioTokenizer(n_clusters, max_points_per_centroid=None, random_state=0)
    times = [
        [seconds(lambda m=m, X=X: m.fit(X)) for m, X in ((sampled, [frames]), (every, [frames]), (theirs, unit))]
        for _ in range(repeats)
    ]
    for i, (name, ours) in enumerate((("sample of 256 per cluster", sampled), ("every frame", every))):
        gain = statistics.median(row[2] / row[i] for row in times)
        a, b = (statistics.median(row[j] for row in times) for j in (2, i))
        excess = 100 * (ours.inertia_ / theirs.inertia_ - 1)
        print(f"fit, {name:<28} KMeans {a:7.1f} s  ours {b:7.1f} s  ratio {gain:5.1f}  inertia {excess:+.2f} %")
    clips = Ragged.from_list([frames])  # what a front end hands on
    speed = statistics.median(len(frames) / seconds(lambda: sampled.transform(clips)) for _ in range(2 * repeats + 3))
    print(f"tokens: {speed / 1e6:.2f} million frames per second, {n_clusters} clusters of {frames.shape[1]} bands")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # 20 iterations are not meant to converge
    n_frames, n_clusters = (100_000, 100) if arguments.quick else (1_000_000, 500)
    frames, first = real_frames(n_frames)
    print(f"{len(frames)} frames of {frames.shape[1]} bands, {first} of them from recordings as they are")
    fit_both(frames, n_clusters, arguments.repeats)


if __name__ == "__main__":
    main()
