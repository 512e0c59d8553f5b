"""
A long recording, scanned for events
====================================

Clips of single sounds are easy to get; recordings with annotated events are not. A detector can be trained on the former
and applied to the latter.
"""

# %%
# Clips of ESC-10, without those that are parts of the scene. Without these recordings, synthetic sounds are used, and a
# scene that consists of them.
import os
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "scenes").is_dir():
    clips = load_audio_table(folder / "environment" / "labels.csv")
    events = pd.read_csv(folder / "scenes" / "events.csv")
    events.columns = ["path", "start", "end", "label", "snr_db", "source"]
    events = events[events["path"] == events["path"][0]]
    scene = str(folder / "scenes" / events["path"][0])
    parts = (folder / "scenes" / "events.csv").read_text()
    parts += (folder / "scenes" / "labels.csv").read_text()
    rows = [
        row
        for row, path in enumerate(clips.data)
        if Path(path).name not in parts
    ]
    backgrounds = ["rain", "sea_waves", "fire_crackling", "helicopter"]
else:
    clips = make_sound_events(60, 0, duration=1.0, sample_rate=32_000)
    scene = (np.concatenate(clips.data[40:]), 32_000)
    events = clips.events[clips.events["clip"] >= 40].copy()
    events[["start", "end"]] += events[["clip"]].to_numpy() - 40
    rows, backgrounds = np.arange(40), ["noise"]
X, y = clips.data[rows], clips.target[rows]
is_known = events["label"].isin(set(y) - set(backgrounds))
events = events[is_known][["start", "end", "label"]].assign(clip=0)

# %%
# A clip without an annotation is background. Events that were recorded alone are mixed with backgrounds in training.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import EfficientATEmbedder, EventDisplay, SoundEventDetector

annotations = pd.DataFrame(
    {"clip": range(len(y)), "start": 0.0, "end": None, "label": y}
)
annotations = annotations[~annotations["label"].isin(backgrounds)]
file = folder / "weights" / "mn04_as_mAP_432.pt"
embedder = EfficientATEmbedder(
    "mn04_as",
    layer=["block9", "block13", "embedding"],
    weights=file if file.exists() else None,
    sample_rate=32_000,
)
model = make_pipeline(
    embedder, StandardScaler(), LogisticRegression(C=0.02, max_iter=1000)
)
detector = SoundEventDetector(
    model,
    threshold=0.5,
    median=1.0,
    merge_gap=0.5,
    mix=(6, 20),
    random_state=0,
)
detector.fit(X, annotations)

# %%
# Annotated events in grey, those found in blue. Sounds that it has no label for, such as music, can be taken for others:
# clips of such sounds belong to the background, too.
_ = EventDisplay.from_estimator(detector, scene, events)

# %%
# Scores per second, as in evaluations of sound event detection.
from sklearn_audio.metrics import segment_report

segment_report(events, detector.predict([scene])).round(2)
