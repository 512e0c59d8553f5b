"""
A prototypical network, and a class that it never saw
=====================================================

A network is trained in episodes: a few clips of each class make prototypes, others are classified by these. What it
learns is a space in which clips of a class lie together, and that is of use for classes which come later, too.
"""

# %%
# Log-mel frames of synthetic sounds. The class "chirp" is put aside.
import numpy as np

from sklearn_audio import MelSpectrogramTransformer, PrototypicalClassifier
from sklearn_audio.datasets import make_sound_events

sounds = make_sound_events(n_clips=150, random_state=0, noise=0.2)
frames = MelSpectrogramTransformer(sample_rate=16_000, n_mels=32, hop_length=512).fit_transform(sounds.data)
known = sounds.target != "chirp"
train, test = np.arange(150) < 100, np.arange(150) >= 100

# %%
# In each episode, three clips of every class are the support set and three others the queries. A patch of 32 frames is
# one second.
classifier = PrototypicalClassifier(
    "vgg32", embedding_dim=16, n_support=3, n_query=3, n_episodes=60, n_frames=32, lr=0.003, random_state=0
)
classifier.fit(frames[train & known], sounds.target[train & known])
classifier.score(frames[test & known], sounds.target[test & known])

# %%
# The course of training: loss and accuracy on the queries of each episode.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(layout="constrained")
classifier.history_.rolling(5).mean().plot(x="episode", y=["train_loss", "train_score"], ax=axes)
plt.show()

# %%
# Five clips of the class that was put aside make one more prototype; nothing is trained again.
chirps = np.flatnonzero(train & ~known)[:5]
classifier.partial_fit(frames[chirps], sounds.target[chirps])
classifier.classes_.tolist()

# %%
# The share of unseen clips that is recognised, of all classes and of the new one.
recognised = classifier.predict(frames[test]) == sounds.target[test]
f"{recognised.mean():.2f} of all, {recognised[~known[test]].mean():.2f} of the new one"

# %%
# The same network with one output per class, from scratch on the same clips, is `CNNClassifier`.
from sklearn_audio import CNNClassifier

network = CNNClassifier("vgg32", n_frames=32, max_epochs=40, lr=0.003, random_state=0)
network.fit(frames[train & known], sounds.target[train & known])
network.score(frames[test & known], sounds.target[test & known])
