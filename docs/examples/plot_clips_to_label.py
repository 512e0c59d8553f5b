"""
Clips to label next, chosen by a classifier
===========================================

Recordings are cheap, and labels are not. From a pool without labels, a strategy chooses the clips from which a classifier
learns most, and they are labelled by hand. Here, the known labels answer.
"""

# %%
# Twenty words; the last third of the speakers is the test set, the others are the pool. Without these recordings, the
# example uses synthetic sounds.
import os
from pathlib import Path

import numpy as np

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "commands").is_dir():
    clips = load_audio_table(
        folder / "commands" / "labels.csv", group="speaker"
    )
else:
    clips = make_sound_events(300, random_state=0, noise=0.3)
speakers = np.unique(clips.groups)
is_test = np.isin(clips.groups, speakers[len(speakers) * 2 // 3 :])
pool, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)

# %%
# Vectors are computed once, so that a round takes no longer than a fit.
from sklearn_audio import SpeechEmbedder

file = folder / "weights" / "speech_embedding.onnx"
embedder = SpeechEmbedder(
    weights=file if file.exists() else None, sample_rate=16_000
)
vectors = embedder.fit_transform(clips.data)

# %%
# Fifty clips at random, then four rounds of twenty, with three seeds each.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import select_to_label

classifier = make_pipeline(
    StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
)


def curve(strategy, seed):
    known, scores = np.random.default_rng(seed).permutation(pool)[:50], []
    for _ in range(5):
        classifier.fit(vectors[known], clips.target[known])
        scores.append(classifier.score(vectors[test], clips.target[test]))
        rest = np.setdiff1d(pool, known)
        chosen = select_to_label(
            classifier, vectors[rest], 20, strategy, random_state=seed
        )
        known = np.append(known, rest[chosen])
    return scores


# %%
# The mean of the seeds, and their range.
import matplotlib.pyplot as plt

figure, ax = plt.subplots(layout="constrained")
for strategy in ("random", "coreset", "margin"):
    scores = np.array([curve(strategy, seed) for seed in range(3)])
    n_known = np.arange(50, 131, 20)
    ax.plot(n_known, scores.mean(axis=0), marker="o", label=strategy)
    ax.fill_between(
        n_known, scores.min(axis=0), scores.max(axis=0), alpha=0.15
    )
ax.set(xlabel="labelled clips", ylabel="accuracy on new speakers")
ax.legend()
plt.show()
