"""
A map of clips: PCA and t-SNE
=============================

Before you train a classifier, a map of the vectors of the clips shows whether classes are separate, which of them
overlap, and which clips are far from their class. Any transformer that returns one vector per clip can be used: here,
statistics of MFCC, which an embedder can replace.
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
    MFCCTransformer(sample_rate=16_000, n_mfcc=20, deltas=1),
    SequencePooling(("mean", "std")),
    StandardScaler(),
).fit_transform(X)
vectors.shape

# %%
# PCA is a linear map: distances in the plane are never larger than between the vectors, and new vectors can be plotted,
# too, such as the prototypes, the means of the classes.
from sklearn.decomposition import PCA

from sklearn_audio import PrototypicalClassifier

pca = PCA(n_components=2, random_state=0)
plane = pca.fit_transform(vectors)
classifier = PrototypicalClassifier().fit(vectors, y)
prototypes = pca.transform(classifier.prototypes_)
f"{pca.explained_variance_ratio_.sum():.2f} of the variance is in the plane"

# %%
# t-SNE preserves neighbourhoods but not longer distances: clusters are meaningful, the gaps between them are not.
from sklearn.manifold import TSNE

islands = TSNE(perplexity=20, random_state=0).fit_transform(vectors)

# %%
# Both, in the colours of the classes.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, points, title in zip(
    axes, [plane, islands], ["PCA", "t-SNE"], strict=True
):
    for label in classifier.classes_:
        ax.scatter(*points[y == label].T, s=12, label=label)
    ax.set(title=title, xticks=[], yticks=[])
axes[0].scatter(*prototypes.T, marker="x", color="black", label="prototypes")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
plt.show()

# %%
# Listen to the clips that are nearer to the prototype of another class than to their own.
strays = classifier.predict(vectors) != y
f"{strays.sum()} of {len(y)} clips"
