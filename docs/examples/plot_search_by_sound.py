"""
Clips that sound like this one
==============================

An index finds the clips of a collection that sound like a query. It needs no labels, only vectors in which similar sounds
are close together.
"""

# %%
# Environmental sounds; their labels are only the titles of the pictures. Without these recordings, the example uses
# synthetic sounds.
import os
from pathlib import Path

import numpy as np

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "environment").is_dir():
    clips = load_audio_table(folder / "environment" / "labels.csv")
else:
    clips = make_sound_events(60, random_state=0)

# %%
# Three clips are the queries; the index embeds all others.
from sklearn_audio import AudioIndex, EfficientATEmbedder

file = folder / "weights" / "mn04_as_mAP_432.pt"
embedder = EfficientATEmbedder(
    "mn04_as", weights=file if file.exists() else None, sample_rate=16_000
)
queries = np.array([2, 32, 80]) * len(clips.data) // 100
others = np.setdiff1d(np.arange(len(clips.data)), queries)
index = AudioIndex(embedder).fit(clips.data[others])
found = index.query(clips.data[queries], k=3)
found[["query", "rank", "id", "distance"]].round(3)

# %%
# Each row: a query, and the three nearest clips with their cosine distances.
import matplotlib.pyplot as plt

from sklearn_audio import SpectrogramDisplay

figure, axes = plt.subplots(
    3, 4, figsize=(10, 6), sharey=True, layout="constrained"
)
for number, query in enumerate(queries):
    matches = found[found["query"] == number]
    rows = [query, *others[matches["id"]]]
    titles = ["query", *matches["distance"].round(2)]
    for ax, row, title in zip(axes[number], rows, titles, strict=True):
        SpectrogramDisplay.from_clip(
            clips.data[row],
            sample_rate=16_000,  # of the synthetic sounds
            fmax=8000,
            ax=ax,
            colorbar=False,
        )
        ax.set_title(f"{clips.target[row]} ({title})", fontsize=9)
        ax.label_outer()
plt.show()

# %%
# The fraction of all clips whose nearest other clip has the same label. The nearest of all is the clip itself.
nearest = AudioIndex(None).fit(index.vectors_).query(index.vectors_, k=2)
second = nearest.loc[nearest["rank"] == 2, "id"].to_numpy()
f"{np.mean(clips.target[others] == clips.target[others[second]]):.2f}"
