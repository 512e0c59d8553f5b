"""Frozen encoders with their real weights: accuracy on new speakers and recordings by layer, and speed.

    python benchmarks/encoders.py                     # everything
    python benchmarks/encoders.py layers mn04 whisper # one of layers, best, maeb, speed; then names of encoders

Reads the recordings and the weights in the folder that SKLEARN_AUDIO_DATA names. Digits and keywords leave one speaker
out, environmental sounds an official fold; for instruments, no session is in two of the five folds. The head is a
logistic regression on standardised vectors; several layers are put side by side by `BlockScaler`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import BaseCrossValidator, LeaveOneGroupOut, StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import BlockScaler, EfficientATEmbedder, HuggingFaceEmbedder, SequencePooling, SpeechEmbedder

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
WEIGHTS = DATA / "weights"
GROUPS = {"digits": "speaker", "commands": "speaker", "environment": "fold", "instruments": "session"}
# The layers of which all are tried alone, and the selection that is put side by side.
SIDE_BY_SIDE = {
    "mn04": ["block3", "block6", "block9", "block13", "embedding"],
    "whisper": ["block3", "block4", "block5"],
    "speech": ["block17", "embedding"],
}
C = 0.05


def encoder(name: str, **options):
    options |= {"n_jobs": 2}
    if name == "mn04":
        return EfficientATEmbedder("mn04_as", weights=WEIGHTS / "mn04_as_mAP_432.pt", **options)
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
    folds: BaseCrossValidator = LeaveOneGroupOut() if groups.nunique() <= 30 else StratifiedGroupKFold(5)
    head = make_pipeline(scaler or StandardScaler(), LogisticRegression(C=C, max_iter=500))
    found = cross_val_predict(head, vectors, labels, groups=groups, cv=folds)
    return float(np.mean(found == labels))


def layers(name: str) -> None:
    """Each layer alone, mean and deviation over time, and some side by side: one pass of the network per recording."""
    for task in GROUPS:
        paths, labels, groups = recordings(task)
        with tempfile.TemporaryDirectory() as cache:
            one = encoder(name, pooling="mean_std", cache=cache, cache_layers="all")
            alone = {}
            for layer in vector_layers(one):
                alone[layer] = accuracy(one.set_params(layer=layer).transform(paths), labels, groups)
                print(f"{task:<12} {name:<8} {layer:<32} {alone[layer]:.3f}", flush=True)
            some = one.set_params(layer=SIDE_BY_SIDE[name]).set_output(transform="pandas").transform(paths)
            joined = accuracy(some, labels, groups, BlockScaler())
        print(f"{task:<12} {name:<8} {' + '.join(SIDE_BY_SIDE[name]):<32} {joined:.3f}")
        best = max(alone, key=alone.__getitem__)
        print(f"{task:<12} {name:<8} best alone: {best} {alone[best]:.3f}", flush=True)


def vector_layers(embedder) -> Iterator[str]:
    return (layer for layer in embedder.layers() if layer not in ("logits", "probabilities"))


def best(name: str) -> None:
    """Mean, maximum and deviation over the windows of speech_embedding, silence around the word."""
    if name != "speech":
        return
    for task in ("digits", "commands", "environment"):
        paths, labels, groups = recordings(task)
        vectors = encoder(name, pooling=None, partial="drop").transform(paths)
        pooled = SequencePooling(statistics=("mean", "max", "std")).fit_transform(vectors)
        print(
            f"{task:<12} {name:<8} {'mean, max and deviation':<32} {accuracy(pooled, labels, groups):.3f}", flush=True
        )


def maeb(name: str) -> None:
    """All digits, 8 a class to learn from and the others to test, ten draws, as in the MAEB benchmark."""
    paths, labels, _ = recordings("digits")
    for window in (None, 30) if name == "whisper" else (None,):
        vectors = encoder(name, pooling="mean", window=window).transform(paths)
        scores = []
        for draw in range(10):
            random = np.random.default_rng(draw)
            chosen = np.concatenate(
                [random.choice(np.flatnonzero(labels == one), 8, False) for one in sorted(set(labels))]
            )
            test = np.setdiff1d(np.arange(len(labels)), chosen)
            head = LogisticRegression(max_iter=100).fit(vectors[chosen], labels.iloc[chosen])
            scores.append(head.score(vectors[test], labels.iloc[test]))
        print(f"digits, 8 a class {name}, window={window}: {np.mean(scores):.3f} ± {np.std(scores):.3f}", flush=True)


def speed(name: str) -> None:
    """Times real time of clips from memory, from the waveform to the vector; the median of five runs."""
    one = encoder(name, sample_rate=16000)
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
    parser.add_argument("names", nargs="*", choices=[*parts, *SIDE_BY_SIDE, []])
    names = parser.parse_args().names
    for part in [part for part in parts if part in names] or parts:
        for name in [name for name in SIDE_BY_SIDE if name in names] or SIDE_BY_SIDE:
            parts[part](name)
