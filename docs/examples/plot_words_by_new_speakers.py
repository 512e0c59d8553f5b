"""
Words of new speakers
=====================

A recogniser of spoken commands must work for people whom it has never heard. So no speaker may be in both training and
test set: the speakers are the groups of the cross-validation.
"""

# %%
# Twenty words by nine speakers, three takes each. Without these recordings, the example uses synthetic sounds.
import os
from pathlib import Path

from sklearn_audio.datasets import load_audio_table, make_sound_events

folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", "."))
if (folder / "commands").is_dir():
    clips = load_audio_table(
        folder / "commands" / "labels.csv", group="speaker"
    )
else:
    clips = make_sound_events(120, random_state=0)

# %%
# A small network that was trained on spoken words makes a vector of each clip: mean and maximum over time.
from sklearn_audio import SpeechEmbedder

file = folder / "weights" / "speech_embedding.onnx"
embedder = SpeechEmbedder(
    weights=file if file.exists() else None,
    sample_rate=16_000,
    pooling="mean_max",
)
vectors = embedder.fit_transform(clips.data)
vectors.shape

# %%
# A logistic regression, with three folds of speakers.
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

classifier = make_pipeline(
    StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
)
predicted = cross_val_predict(
    classifier, vectors, clips.target, groups=clips.groups, cv=GroupKFold(3)
)
is_right = predicted == clips.target
f"accuracy on new speakers: {is_right.mean():.2f}"

# %%
# The mean hides that some speakers are understood better than others.
import matplotlib.pyplot as plt
import pandas as pd

by_speaker = pd.Series(is_right).groupby(clips.groups).mean().sort_values()
ax = by_speaker.plot.barh(
    figsize=(6.4, 3.5), xlim=(0, 1), xlabel="accuracy", ylabel="speaker"
)
ax.axvline(is_right.mean(), color="0.3", linestyle="--")
plt.tight_layout()

# %%
# The words that are confused.
from sklearn.metrics import ConfusionMatrixDisplay

figure, ax = plt.subplots(figsize=(7, 7), layout="constrained")
_ = ConfusionMatrixDisplay.from_predictions(
    clips.target,
    predicted,
    xticks_rotation="vertical",
    cmap="Blues",
    colorbar=False,
    ax=ax,
)
