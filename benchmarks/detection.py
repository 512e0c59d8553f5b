"""Time of scores along a recording: windows side by side against `transform`, and overlapping ones against clips.

    python benchmarks/detection.py
    python benchmarks/detection.py --memory     # peak memory of one recording of an hour, and of several

Random weights, half a minute of noise. Each line is a ratio of medians of runs that take turns.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import EfficientATEmbedder
from sklearn_audio.inspection import iter_segments, predict_segments

RATE, SECONDS, RUNS, HOURS = 32000, 30, 5, 5


def fitted(**options: object) -> object:
    rng = np.random.default_rng(0)
    clips = list(rng.normal(scale=0.1, size=(8, RATE)).astype(np.float32))
    embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=RATE, **options)
    return make_pipeline(embedder, StandardScaler(), LogisticRegression()).fit(clips, [0, 1] * 4)


def medians(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(RUNS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(found)) for name, found in times.items()}


def speeds() -> None:
    wave = np.random.default_rng(1).normal(scale=0.1, size=SECONDS * RATE).astype(np.float32)
    whole = EfficientATEmbedder("mn04_as", weights=None, sample_rate=RATE, window=1.0, hop=1.0, pooling=None)
    for name, model in {"default window": fitted(), "window=1.0": fitted(window=1.0)}.items():
        clips = {hop: [wave[i : i + RATE] for i in range(0, len(wave) - RATE + 1, hop)] for hop in (RATE, RATE // 4)}
        found = medians(
            {
                "transform": lambda: whole.transform([wave]),
                "side by side": lambda model=model: predict_segments(model, [wave], 1.0, 1.0),
                "overlapping": lambda model=model: predict_segments(model, [wave], 1.0, 0.25),
                "clips": lambda model=model, clips=clips: model.predict_proba(clips[RATE // 4]),
            }
        )
        print(f"{name}: side by side, {found['transform'] / found['side by side']:.2f} of the speed of transform")
        print(
            f"{name}: hop of a quarter, {found['clips'] / found['overlapping']:.2f} of the speed of clips", flush=True
        )


def peak(folder: Path, n_files: int) -> float:
    """Score recordings of an hour, and return the largest memory of this process in MB."""
    files = [str(folder / f"{i}.wav") for i in range(n_files)]
    for table in iter_segments(fitted(), files, 1.0, 1.0, form="wide"):
        assert len(table) == 3600
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def memory() -> None:
    with tempfile.TemporaryDirectory() as folder:
        noise = np.random.default_rng(0).normal(scale=0.1, size=8000 * 3600).astype(np.float32)
        for i in range(HOURS):
            soundfile.write(f"{folder}/{i}.wav", noise, 8000, subtype="PCM_16")
        for n_files in (1, HOURS):
            run = [sys.executable, __file__, "--peak", folder, str(n_files)]
            print(subprocess.run(run, check=True, capture_output=True, text=True).stdout, end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.peak:
        folder, n_files = options.peak
        print(f"{n_files} recording(s) of an hour: {peak(Path(folder), int(n_files)):.0f} MB")
    elif options.memory:
        memory()
    else:
        speeds()


if __name__ == "__main__":
    main()
