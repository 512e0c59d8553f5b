"""
A prototypical network and a new class
======================================

A network is trained in episodes: a few clips of each class form prototypes, by which others are classified. It learns
an embedding space in which the clips of a class are close together, which is useful for new classes, too.
"""

# %%
# Log-mel frames of synthetic sounds. The class "chirp" is excluded from training.
import numpy as np

from sklearn_audio import MelSpectrogramTransformer, PrototypicalClassifier
from sklearn_audio.datasets import make_sound_events

sounds = make_sound_events(n_clips=150, random_state=0, noise=0.2)
frames = MelSpectrogramTransformer(
    sample_rate=16_000, n_mels=32, hop_length=512
).fit_transform(sounds.data)
known = sounds.target != "chirp"
train, test = np.arange(150) < 100, np.arange(150) >= 100

# %%
# In each episode, three clips of every class are the support set and three others the queries. A window of 32 frames is
# one second.
classifier = PrototypicalClassifier(
    "vgg32",
    embedding_dim=16,
    n_support=3,
    n_query=3,
    n_episodes=60,
    n_frames=32,
    lr=0.003,
    random_state=0,
)
classifier.fit(frames[train & known], sounds.target[train & known])
classifier.score(frames[test & known], sounds.target[test & known])

# %%
# Loss and accuracy on the queries of each episode.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(layout="constrained")
classifier.history_.rolling(5).mean().plot(
    x="episode", y=["train_loss", "train_score"], ax=axes
)
plt.show()

# %%
# Five clips of the excluded class form a further prototype, without further training.
chirps = np.flatnonzero(train & ~known)[:5]
classifier.partial_fit(frames[chirps], sounds.target[chirps])
classifier.classes_.tolist()

# %%
# The accuracy on test clips, over all classes and for the new one.
recognised = classifier.predict(frames[test]) == sounds.target[test]
f"{recognised.mean():.2f} of all, {recognised[~known[test]].mean():.2f} of the new one"

# %%
# `CNNClassifier` trains the same network with one output per class, from scratch on the same clips.
from sklearn_audio import CNNClassifier

network = CNNClassifier(
    "vgg32", n_frames=32, max_epochs=40, lr=0.003, random_state=0
)
network.fit(frames[train & known], sounds.target[train & known])
network.score(frames[test & known], sounds.target[test & known])
