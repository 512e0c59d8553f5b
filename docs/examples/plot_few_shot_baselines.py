"""
Few clips per class: the baselines
==================================

With one to ten recordings per class, try these methods first, each of which takes one line: the nearest neighbour of
patches with a majority vote or of MFCC statistics, linear models or prototypes on the embeddings of a network, and
small networks trained from scratch. This example scores all of them on the same draws, for several numbers of clips.

The sounds are synthetic. The network of the embeddings has random weights, so that nothing is downloaded; set
``weights="pretrained"`` for useful embeddings.
"""

# %%
# Sixty clips of five classes, four to five seconds long. Assume that every five consecutive clips are from one source;
# no source is in both training and test set.
import numpy as np

from sklearn_audio.datasets import make_sound_events

sounds = make_sound_events(
    n_clips=60, duration=(4.0, 5.0), noise=0.3, random_state=0
)
X, y, sources = sounds.data, sounds.target, np.arange(60) // 5

# %%
# The nearest neighbour of patches of three seconds, by cosine distance; each patch of a clip has one vote.
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sklearn_audio import MusiCNNEmbedder, PatchVotingClassifier

nearest = KNeighborsClassifier(n_neighbors=1, metric="cosine")
patches = MusiCNNEmbedder(
    weights=None, sample_rate=16_000, pooling=None, hop=1.0
)
patch_voting = make_pipeline(
    patches, PatchVotingClassifier(nearest, voting="hard")
)

# %%
# Twenty MFCC with their first and second derivatives: mean and standard deviation over time give 120 features per clip.
from sklearn_audio import MFCCTransformer, SequencePooling

statistics = make_pipeline(
    MFCCTransformer(sample_rate=16_000, n_mfcc=20, deltas=2),
    SequencePooling(("mean", "std")),
)
mfcc_nearest = make_pipeline(statistics, nearest)

# %%
# Logistic regression, a support vector machine and prototypes on one embedding per clip.
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import PrototypicalClassifier

embedding = MusiCNNEmbedder(weights=None, sample_rate=16_000)
logistic = make_pipeline(
    embedding, StandardScaler(), LogisticRegression(max_iter=1000)
)
svc = make_pipeline(embedding, StandardScaler(), SVC(C=10))
prototypes = make_pipeline(
    embedding, PrototypicalClassifier(distance="cosine")
)

# %%
# Small networks trained from scratch. Random windows in each epoch, masks of bands and frames, mixtures of clips, and
# weight decay reduce overfitting.
from sklearn_audio import CNNClassifier, MelSpectrogramTransformer

frames = MelSpectrogramTransformer(
    sample_rate=16_000, n_mels=32, hop_length=512
)
regularised = {
    "spec_augment": True,
    "mixup": 0.3,
    "weight_decay": 0.01,
    "max_epochs": 30,
    "lr": 0.003,
}
sbcnn = make_pipeline(
    frames, CNNClassifier("sbcnn", n_frames=100, random_state=0, **regularised)
)
timbre = make_pipeline(
    frames, CNNClassifier("timbre", n_frames=48, random_state=0, **regularised)
)
vgg = make_pipeline(
    frames, CNNClassifier("vgg32", n_frames=48, random_state=0, **regularised)
)

# %%
# Each pipeline takes recordings and could be scored directly. But all draws use the same clips, so the steps that learn
# nothing from them are computed once, and the remaining steps are scored. With the same ``random_state``, the draws are
# the same, so that the tables can be joined.
import pandas as pd

from sklearn_audio.model_selection import (
    learning_curve_few_shot,
    summarize_few_shot,
)

options = {
    "n_shots": [1, 2, 5],
    "n_repeats": 10,
    "groups": sources,
    "random_state": 0,
}
on_patches = {"patches, 1-NN, majority vote": patch_voting[-1]}
on_statistics = {"MFCC, 1-NN": mfcc_nearest[-1]}
on_embeddings = {
    "LogisticRegression": logistic[1:],
    "SVC": svc[1:],
    "prototypes": prototypes[1:],
}
from_scratch = {"SB-CNN": sbcnn[-1], "TIMBRE": timbre[-1], "VGG": vgg[-1]}
table = pd.concat(
    [
        learning_curve_few_shot(
            on_patches, patches.fit_transform(X), y, **options
        ),
        learning_curve_few_shot(
            on_statistics, statistics.fit_transform(X), y, **options
        ),
        learning_curve_few_shot(
            on_embeddings, embedding.fit_transform(X), y, **options
        ),
        learning_curve_few_shot(
            from_scratch, frames.fit_transform(X), y, **options
        ),
    ]
)
summarize_few_shot(table).pivot(
    index="method", columns="n_shots", values="mean"
).round(2)

# %%
# The learning curves, with confidence intervals of the mean over all draws.
import matplotlib.pyplot as plt

from sklearn_audio import FewShotDisplay

FewShotDisplay(table).plot()
plt.show()
