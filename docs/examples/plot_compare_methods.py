"""
Several methods on the same folds
=================================

Statistics of frames or a pretrained network? `compare <sklearn_audio.model_selection.compare>` scores several methods on
the same folds, and computes what they have in common only once.
"""

# %%
# Musical instruments. Notes of one session sound alike, so the sessions are the groups; instruments with fewer than
# three sessions cannot be divided and are left out. Without these recordings, synthetic sounds are used.
import os
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "instruments").is_dir():
    clips = load_audio_table(
        folder / "instruments" / "labels.csv", group="session"
    )
else:
    clips = make_sound_events(60, random_state=0)
n_sessions = pd.Series(clips.groups).groupby(clips.target).nunique()
kept = np.flatnonzero(n_sessions[clips.target] >= 3)
X, y, sessions = clips.data[kept], clips.target[kept], clips.groups[kept]

# %%
# Two methods without a network and two networks that were trained on AudioSet, in front of the same classifier.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import (
    AcousticFeatures,
    EfficientATEmbedder,
    MFCCTransformer,
    SequencePooling,
    YAMNetEmbedder,
)


def weights(name):
    file = folder / "weights" / name
    return file if file.exists() else None


mn04 = EfficientATEmbedder(
    "mn04_as", weights=weights("mn04_as_mAP_432.pt"), sample_rate=16_000
)
features = {
    "MFCC": [MFCCTransformer(16_000, deltas=1), SequencePooling()],
    "acoustic features": [AcousticFeatures(16_000), SequencePooling()],
    "YAMNet": [
        YAMNetEmbedder(weights=weights("yamnet_int8.npz"), sample_rate=16_000)
    ],
    "EfficientAT mn04": [mn04],
}
methods = {
    name: make_pipeline(
        *steps, StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
    )
    for name, steps in features.items()
}

# %%
# One row per fold, to see the spread, and a table of means.
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_audio import compare

table = compare(
    methods, X, y, groups=sessions, cv=StratifiedGroupKFold(3), per="fold"
)
scores = table.groupby("method", sort=False)["score"]
scores.agg(["mean", "min", "max"]).round(2)

# %%
# Bars for the means, dots for the folds.
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
ax.barh(table["method"].unique(), scores.mean(), color="C0", alpha=0.4)
ax.plot(table["score"], table["method"], "o", color="C0")
ax.invert_yaxis()
_ = ax.set(xlabel="accuracy on new sessions", xlim=(0, 1))
