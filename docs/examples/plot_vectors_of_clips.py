"""
A map of clips: PCA and t-SNE
=============================

Before a classifier is trained, a look at the vectors of the clips tells whether classes lie apart at all, which of them
run into each other, and which clips lie far from their class. Any transformer that gives one vector per clip serves;
here it is statistics of MFCC, and an embedder takes their place without another change.
"""

# %%
# Clips of five classes, and a vector for each.
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import MFCCTransformer, SequencePooling
from sklearn_audio.datasets import make_sound_events

sounds = make_sound_events(n_clips=150, noise=0.3, random_state=0)
X, y = sounds.data, sounds.target
vectors = make_pipeline(
    MFCCTransformer(sample_rate=16_000, n_mfcc=20, deltas=1), SequencePooling(("mean", "std")), StandardScaler()
).fit_transform(X)
vectors.shape

# %%
# PCA is a linear map: distances in the plane are never larger than between the vectors, and what was not there when it
# was fitted can be drawn, too. Here these are the prototypes, the means of the classes.
from sklearn.decomposition import PCA

from sklearn_audio import PrototypicalClassifier

pca = PCA(n_components=2, random_state=0)
plane = pca.fit_transform(vectors)
classifier = PrototypicalClassifier().fit(vectors, y)
prototypes = pca.transform(classifier.prototypes_)
f"{pca.explained_variance_ratio_.sum():.2f} of the variance is in the plane"

# %%
# t-SNE keeps neighbours together, whatever becomes of longer distances: clusters mean something, the gaps between
# them do not.
from sklearn.manifold import TSNE

islands = TSNE(perplexity=20, random_state=0).fit_transform(vectors)

# %%
# Both, in the colours of the classes.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, places, title in zip(axes, [plane, islands], ["PCA", "t-SNE"], strict=True):
    for label in classifier.classes_:
        ax.scatter(*places[y == label].T, s=12, label=label)
    ax.set(title=title, xticks=[], yticks=[])
axes[0].scatter(*prototypes.T, marker="x", color="black", label="prototypes")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
plt.show()

# %%
# The clips that are nearer to the prototype of another class than to their own are those to listen to.
strays = classifier.predict(vectors) != y
f"{strays.sum()} of {len(y)} clips"
