"""Median time of the short-term features next to pyAudioAnalysis, on the same clips, in turns, in one process.

The recordings come from the folder named by SKLEARN_AUDIO_DATA; without it, noise of the same lengths is taken.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from sklearn_audio.dsp._short_term import short_term_features

REPEATS = 7
WINDOW, HOP = 0.05, 0.025
DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
# name: file, sample rate and seconds of the noise that stands in for it
CLIPS = {
    "digit": ("digits/audio/3_theo_5.flac", 8000, 0.3),
    "environment": ("environment/audio/rooster/1-26806-A.ogg", 44100, 5.0),
    "music": ("examples/audio/sorohanro_-_solo-trumpet-06.ogg", 22050, 5.3),
    "speech": ("examples/audio/198-209-0000.ogg", 22050, 13.9),
}


def load_clip(path: str, rate: int, seconds: float) -> tuple[np.ndarray, int]:
    """16-bit timepoints and their rate."""
    if (DATA / path).is_file():
        return soundfile.read(DATA / path, dtype="int16")
    noise = np.random.default_rng(0).integers(-9000, 9000, int(rate * seconds))
    return noise.astype(np.int16), rate


def load_original() -> Callable[..., Any] | None:
    """The original's function, or None where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("pyAudioAnalysis.ShortTermFeatures").feature_extraction
        except ModuleNotFoundError:
            return None


def median_times(functions: list[Callable[[], Any]]) -> list[float]:
    """Median milliseconds of each function, after one run that does not count; the functions take turns."""
    runs: list[list[float]] = [[] for _ in functions]
    for repeat in range(REPEATS + 1):
        for times, function in zip(runs, functions, strict=True):
            start = time.perf_counter()
            function()
            if repeat:
                times.append(1000 * (time.perf_counter() - start))
    return [statistics.median(times) for times in runs]


def main() -> None:
    original = load_original()
    sys.stdout.write(f"{torch.get_num_threads()} threads, median of {REPEATS} runs, ms\n")
    sys.stdout.write(f"{'clip':12} {'seconds':>8} {'ours':>8} {'pyAudioAnalysis':>16} {'ratio':>7} {'max diff':>9}\n")
    for name, clip in CLIPS.items():
        samples, rate = load_clip(*clip)
        waveform = torch.from_numpy(samples.astype(np.float32) / 32768)
        functions: list[Callable[[], Any]] = [
            lambda x=waveform, sr=rate: short_term_features(x, sr, window=WINDOW, hop=HOP)
        ]
        if original is not None:
            functions.append(lambda x=samples, sr=rate: original(x, sr, WINDOW * sr, HOP * sr)[0])
        ours, *theirs = median_times(functions)
        sys.stdout.write(f"{name:12} {len(samples) / rate:8.2f} {ours:8.2f}")
        if theirs:
            difference = np.abs(functions[0]().numpy() - functions[1]().T).max()
            sys.stdout.write(f" {theirs[0]:16.1f} {theirs[0] / ours:6.0f}x {difference:9.1e}")
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
