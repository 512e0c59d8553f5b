"""
The layers of a network, compared
=================================

The last layer of a pretrained network is best for the sounds that the network was trained on. For other sounds, earlier
layers are often better. One pass over the recordings computes all of them.
"""

# %%
# Digits by four speakers, of which every fourth take is used here, and environmental sounds in official folds. Without
# these recordings, the example uses synthetic sounds.
import os
from pathlib import Path

import numpy as np

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "digits").is_dir():
    tasks = {
        "digits, new speakers": load_audio_table(
            folder / "digits" / "labels.csv", group="speaker"
        ),
        "environmental sounds": load_audio_table(
            folder / "environment" / "labels.csv", group="fold"
        ),
    }
else:
    tasks = {
        "low noise": make_sound_events(120, random_state=0),
        "loud noise": make_sound_events(60, random_state=0, noise=1.0),
    }

# %%
# The layers of YAMNet, side by side. The names of the columns tell which layer a feature is from.
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import YAMNetEmbedder

file = folder / "weights" / "yamnet_int8.npz"
layers = ["block3", "block5", "block7", "block9", "block11", "embedding"]
embedder = YAMNetEmbedder(
    layer=layers,
    weights=file if file.exists() else None,
    sample_rate=16_000,
    pooling="mean_std",
)
classifier = make_pipeline(
    StandardScaler(), LogisticRegression(C=0.05, max_iter=1000)
)
scores = {}
for task, clips in tasks.items():
    some = np.arange(0, len(clips.data), 4 if len(clips.data) > 500 else 1)
    vectors = embedder.fit_transform(clips.data[some])
    names = embedder.get_feature_names_out()
    for layer in layers:
        is_of_layer = np.char.find(names.astype(str), f"_{layer}_") >= 0
        scores[task, layer] = cross_val_score(
            classifier,
            vectors[:, is_of_layer],
            clips.target[some],
            groups=clips.groups[some],
            cv=LeaveOneGroupOut(),
        ).mean()

# %%
# Speech is heard best in the middle of a network that was trained on sounds of all kinds.
import pandas as pd

table = pd.Series(scores).unstack(0).loc[layers]
ax = table.plot(
    marker="o",
    figsize=(6.4, 4),
    ylim=(0, 1),
    xlabel="layer",
    ylabel="accuracy",
)
table.round(2)
