"""Whisper's encoder: words of new speakers by the frozen network, and its speed beside transformers.

    python benchmarks/whisper.py [digits|commands|speed ...]

Reads the recordings and the weights in the folder that SKLEARN_AUDIO_DATA names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import HuggingFaceEmbedder

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
WEIGHTS = DATA / "weights" / "whisper_base_encoder.safetensors"
CONFIG = DATA / "weights" / "whisper_base_encoder_config.json"
LAYERS = ("block5", "block6")
RATE, N_CLIPS, ROUNDS = 16000, 16, 3


def embedder(**options):
    return HuggingFaceEmbedder(weights=WEIGHTS, config=CONFIG, sample_rate=RATE, **options)


def accuracy(task: str) -> None:
    """Leave one speaker out."""
    table = pd.read_csv(DATA / task / "labels.csv")
    paths = [DATA / task / path for path in table["path"]]
    for layer in LAYERS:
        vectors = embedder(layer=layer, pooling="mean_std").transform(paths)
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300))
        scores = cross_val_score(head, vectors, table["label"], groups=table["speaker"], cv=LeaveOneGroupOut())
        print(f"{task} {layer}: {scores.mean():.3f} (speakers {scores.min():.3f} to {scores.max():.3f})", flush=True)


def speed() -> None:
    """Clips of 2 s a second; the best of some rounds, in which all take turns."""
    random = np.random.default_rng(0)
    clips = [random.normal(scale=0.1, size=2 * RATE).astype(np.float32) for _ in range(N_CLIPS)]
    ours = embedder(layer="block6")
    runs = {"sklearn_audio": lambda: ours.transform(clips)}
    for size in (1, 4, 16):
        runs[f"transformers, 2 s, batches of {size}"] = transformers_run(clips, 2, size)
    runs["transformers, 30 s, batches of 4"] = transformers_run(clips[:8], 30, 4)
    best = dict.fromkeys(runs, np.inf)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], (time.perf_counter() - start) / (8 if "30 s" in name else N_CLIPS))
    for name, seconds in best.items():
        print(f"{name}: {1 / seconds:.1f} clips/s")


def transformers_run(clips, seconds, size):
    """Return transformers' own path: its features, then the encoder with its positions cut."""
    from safetensors.torch import load_file
    from transformers import WhisperConfig, WhisperFeatureExtractor
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = WhisperConfig(**json.loads(CONFIG.read_text()) | {"max_source_positions": 50 * seconds})
    encoder = WhisperEncoder(config).eval()
    weights = {key.removeprefix("model.encoder."): value.float() for key, value in load_file(WEIGHTS).items()}
    weights["embed_positions.weight"] = weights["embed_positions.weight"][: 50 * seconds]
    encoder.load_state_dict(weights)
    extractor = WhisperFeatureExtractor(chunk_length=seconds)

    def run():
        for first in range(0, len(clips), size):
            mels = extractor(clips[first : first + size], sampling_rate=RATE, return_tensors="pt").input_features
            with torch.inference_mode():
                encoder(mels).last_hidden_state[:, :100].mean(dim=1)

    return run


if __name__ == "__main__":
    for task in sys.argv[1:] or ("speed", "digits", "commands"):
        speed() if task == "speed" else accuracy(task)
