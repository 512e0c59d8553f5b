"""Frozen encoders with their real weights: accuracy on new speakers and recordings by layer, and speed.

    python benchmarks/encoders.py                     # everything
    python benchmarks/encoders.py layers mn04 digits  # parts, encoders and tasks

Reads the recordings and the weights in the folder that SKLEARN_AUDIO_DATA names. Digits and keywords leave one speaker
out, environmental sounds an official fold. The head is a logistic regression on standardised features; several layers
are put side by side with `BlockScaler`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import (
    AudioLoader,
    BlockScaler,
    EfficientATEmbedder,
    HuggingFaceEmbedder,
    SequencePooling,
    SpeechEmbedder,
    YAMNetEmbedder,
)

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
WEIGHTS = DATA / "weights"
GROUPS = {"digits": "speaker", "commands": "speaker", "environment": "fold"}
# Layers to try alone.
ALONE = {
    "mn04": ["block3", "block6", "block9", "block11", "block13", "embedding"],
    "whisper": ["block1", "block2", "block3", "block4", "block5", "block6"],
    "speech": ["conv12", "conv15", "conv18", "embedding"],
    "yamnet": ["block5", "block7", "block9", "block11", "embedding"],
}
# Layers to put side by side.
TOGETHER = {
    "mn04": ["block3", "block6", "block9", "block13", "embedding"],
    "whisper": ["block3", "block4", "block5"],
    "speech": ["conv15", "conv18", "embedding"],
    "yamnet": ["block7", "block11", "embedding"],
}
C = 0.05


def encoder(name: str, **options):
    options |= {"n_jobs": 2}
    if name == "mn04":
        return EfficientATEmbedder("mn04_as", weights=WEIGHTS / "mn04_as_mAP_432.pt", **options)
    if name == "yamnet":
        return YAMNetEmbedder(weights=WEIGHTS / "yamnet_int8.npz", **options)
    if name == "speech":
        return SpeechEmbedder(weights=WEIGHTS / "speech_embedding.onnx", **options)
    return HuggingFaceEmbedder(
        weights=WEIGHTS / "whisper_base_encoder.safetensors",
        config=WEIGHTS / "whisper_base_encoder_config.json",
        **options,
    )


def recordings(task: str) -> tuple[list[Path], pd.Series, pd.Series]:
    table = pd.read_csv(DATA / task / "labels.csv")
    return [DATA / task / path for path in table["path"]], table["label"].astype(str), table[GROUPS[task]]


def accuracy(vectors, labels: pd.Series, groups: pd.Series, scaler=None) -> float:
    head = make_pipeline(scaler or StandardScaler(), LogisticRegression(C=C, max_iter=500))
    found = cross_val_predict(head, vectors, labels, groups=groups, cv=LeaveOneGroupOut())
    return float(np.mean(found == labels))


def layers(name: str, tasks: list[str]) -> None:
    """Each layer alone, mean and deviation over time, and some side by side: one pass of the network per recording."""
    for task in tasks:
        paths, labels, groups = recordings(task)
        with tempfile.TemporaryDirectory() as cache:
            one = encoder(name, pooling="mean_std", cache=cache, cache_layers="all")
            alone = {}
            for layer in ALONE[name]:
                alone[layer] = accuracy(one.set_params(layer=layer).transform(paths), labels, groups)
                print(f"{task:<12} {name:<8} {layer:<44} {alone[layer]:.3f}", flush=True)
            several = one.set_params(layer=TOGETHER[name]).set_output(transform="pandas").transform(paths)
        print(
            f"{task:<12} {name:<8} {' + '.join(TOGETHER[name]):<44} "
            f"{accuracy(several, labels, groups, BlockScaler()):.3f}",
            flush=True,
        )


def best(name: str, tasks: list[str]) -> None:
    """Mean, maximum and deviation over the windows of speech_embedding, silence around the word."""
    if name != "speech":
        return
    for task in tasks:
        paths, labels, groups = recordings(task)
        vectors = encoder(name, pooling=None, partial="drop").transform(paths)
        pooled = SequencePooling(statistics=("mean", "max", "std")).fit_transform(vectors)
        print(
            f"{task:<12} {name:<8} {'mean, maximum, deviation of windows':<44} {accuracy(pooled, labels, groups):.3f}",
            flush=True,
        )


def maeb(name: str, tasks: list[str]) -> None:
    """All digits, 8 a class to learn from and the others to test, ten draws, as in the MAEB benchmark."""
    if "digits" not in tasks:
        return
    paths, labels, _ = recordings("digits")
    _few(f"{name}, frames with sound", encoder(name, pooling="mean").transform(paths), labels)
    if name == "whisper":
        _few(f"{name}, all frames of 30 s", whisper_of_half_a_minute(paths), labels)


def _few(name: str, vectors: np.ndarray, labels: pd.Series) -> None:
    scores = []
    for draw in range(10):
        random = np.random.default_rng(draw)
        chosen = np.concatenate([random.choice(np.flatnonzero(labels == one), 8, False) for one in sorted(set(labels))])
        test = np.setdiff1d(np.arange(len(labels)), chosen)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the protocol stops after 100 iterations
            head = LogisticRegression(max_iter=100).fit(vectors[chosen], labels.iloc[chosen])
        scores.append(head.score(vectors[test], labels.iloc[test]))
    print(f"digits, 8 a class: {name}: {np.mean(scores):.3f} ± {np.std(scores):.3f}", flush=True)


def whisper_of_half_a_minute(paths: list[Path]) -> np.ndarray:
    """Average all frames of clips padded to 30 s, silence included, as the wrapper of the benchmark does."""
    network = encoder("whisper", sample_rate=16000, window=30)
    waveforms = AudioLoader(16000, duration=30, n_jobs=2).fit_transform(paths)
    padded = (np.pad(waveform, (0, 30 * 16000 - len(waveform))) for waveform in waveforms.to_list())
    return np.concatenate([network.transform([clip]) for clip in padded])


def speed(name: str, _: list[str]) -> None:
    """Times real time of clips from memory, from the waveform to the vector; the median of five runs."""
    one = encoder(name, sample_rate=16000).set_params(n_jobs=None)  # nothing is decoded
    random = np.random.default_rng(0)
    for seconds, n_clips in ((1, 64), (10, 16)):
        clips = [random.normal(scale=0.1, size=16000 * seconds).astype(np.float32) for _ in range(n_clips)]
        one.transform(clips[:4])
        times = []
        for _ in range(5):
            start = time.perf_counter()
            one.transform(clips)
            times.append(time.perf_counter() - start)
        print(
            f"{name}, clips of {seconds} s: {seconds * n_clips / statistics.median(times):.0f} times real time",
            flush=True,
        )


if __name__ == "__main__":
    parts = {part.__name__: part for part in (speed, best, maeb, layers)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*parts, *ALONE, *GROUPS, []])
    names = parser.parse_args().names
    for part in [part for part in parts if part in names] or parts:
        for name in [name for name in ALONE if name in names] or ALONE:
            parts[part](name, [task for task in GROUPS if task in names] or list(GROUPS))
