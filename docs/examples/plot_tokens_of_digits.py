"""
Spoken digits as text
=====================

A vocabulary of sounds turns a recording into a sequence of tokens, and methods for documents apply to it: counts of
tokens, or a network that reads them in order.
"""

# %%
# Digits by four speakers. Without these recordings, the example uses synthetic sounds.
import os
from pathlib import Path

import numpy as np

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "digits").is_dir():
    clips = load_audio_table(folder / "digits" / "labels.csv", group="speaker")
else:
    clips = make_sound_events(120, random_state=0, sample_rate=8000)
is_test = clips.groups == clips.groups[-1]  # one speaker
train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
y_train, y_test = clips.target[train], clips.target[test]

# %%
# Each frame becomes the nearest of fifty centres. A few tokens are frequent and many are rare, as words are in a text.
from sklearn_audio import (
    KMeansAudioTokenizer,
    MelSpectrogramTransformer,
    TokenDisplay,
)

frames = MelSpectrogramTransformer(
    8000, n_fft=320, hop_length=160, n_mels=40
).fit_transform(clips.data)
tokenizer = KMeansAudioTokenizer(50, normalize="standard", random_state=0).fit(
    frames[train]
)
tokens = tokenizer.transform(frames)
_ = TokenDisplay.from_estimator(tokenizer)

# %%
# Three recordings of the same digit as sequences of tokens: the colours are the centres, in the order of their level.
import matplotlib.pyplot as plt

order = np.argsort(np.argsort(tokenizer.cluster_centers_.mean(axis=1)))
same = np.flatnonzero(clips.target == clips.target[0])
same = same[:: len(same) // 3][:3]
figure, axes = plt.subplots(
    3, 1, figsize=(7, 3), sharex=True, layout="constrained"
)
for ax, row in zip(axes, same, strict=True):
    ax.imshow(
        order[tokens[row]][None],
        aspect="auto",
        cmap="viridis",
        extent=(0, 0.02 * len(tokens[row]), 0, 1),
    )
    ax.set(yticks=[], ylabel=clips.groups[row])
longest = max(len(tokens[row]) for row in same)
axes[-1].set(xlabel="time (s)", xlim=(0, 0.02 * longest))
plt.show()

# %%
# The same tokens, counted, counted in pairs, and in order.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_audio import LSTMClassifier, TokenCounts

methods = {
    "counts": make_pipeline(
        TokenCounts(weighting="frequency"),
        LogisticRegression(C=100, max_iter=1000),
    ),
    "pairs": make_pipeline(
        TokenCounts((1, 2), weighting="tfidf"),
        LogisticRegression(C=100, max_iter=1000),
    ),
    "in order (LSTM)": LSTMClassifier(max_epochs=15, random_state=0),
}
scores = {
    name: model.fit(tokens[train], y_train).score(tokens[test], y_test)
    for name, model in methods.items()
}
figure, ax = plt.subplots(figsize=(6.4, 2.5), layout="constrained")
ax.barh(list(scores), list(scores.values()))
_ = ax.set(xlabel="accuracy on a new speaker", xlim=(0, 1))
