"""
Environmental sounds, and how robust the classifier is
======================================================

A network that was trained on the sounds of AudioSet already hears the difference between rain and a chainsaw. A small
classifier behind it needs few recordings, and changed recordings show how it will do in the field.
"""

# %%
# ESC-10: ten classes, five seconds each, in official folds. Without these recordings, synthetic sounds are used.
import os
from pathlib import Path

import numpy as np

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "environment").is_dir():
    clips = load_audio_table(
        folder / "environment" / "labels.csv", group="fold"
    )
else:
    clips = make_sound_events(60, random_state=0)

# %%
# The embedder is the first step, and its parameters are those of the published network. One fold is held out.
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import EfficientATEmbedder

file = folder / "weights" / "mn04_as_mAP_432.pt"
embedder = EfficientATEmbedder(
    "mn04_as", weights=file if file.exists() else None, sample_rate=16_000
)
classifier = make_pipeline(embedder, StandardScaler(), SVC(C=10))
is_test = clips.groups == clips.groups[-1]
train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
classifier.fit(clips.data[train], clips.target[train])

# %%
# The clips of the other fold, class by class.
import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

figure, ax = plt.subplots(figsize=(6, 6), layout="constrained")
_ = ConfusionMatrixDisplay.from_estimator(
    classifier,
    clips.data[test],
    clips.target[test],
    xticks_rotation="vertical",
    cmap="Blues",
    colorbar=False,
    ax=ax,
)

# %%
# Every third of them with noise, behind a low-pass filter, compressed, or cut short.
from sklearn_audio import RobustnessDisplay

some = test[::3]
conditions = {"noise": [20, 10, 0], "band_limit": [4000], "crop": [0.5]}
_ = RobustnessDisplay.from_estimator(
    classifier,
    clips.data[some],
    clips.target[some],
    conditions=conditions,
    sample_rate=16_000,
)
