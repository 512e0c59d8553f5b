"""
Classifying tones and noise
===========================

A complete example on synthetic sounds: waveforms of unequal length, a pipeline, a search over the parameters of the
front end and the classifier, and the accuracy on held-out clips.
"""

# %%
# Sixty clips between half a second and one second: a tone of random pitch in noise, or the noise alone.
import numpy as np

sample_rate = 16_000
rng = np.random.default_rng(0)


def clip(with_tone):
    t = np.arange(rng.integers(sample_rate // 2, sample_rate)) / sample_rate
    tone = 0.1 * np.sin(2 * np.pi * rng.uniform(300, 3000) * t)
    return rng.normal(scale=0.1, size=t.size) + with_tone * tone


y = rng.permutation(np.repeat(["noise", "tone"], 30))
X = [clip(label == "tone") for label in y]

# %%
# Frames, statistics over time, and a classifier. The parameters of the front end are tuned like any other.
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import MelSpectrogramTransformer, SequencePooling

pipeline = make_pipeline(
    MelSpectrogramTransformer(sample_rate=sample_rate),
    SequencePooling(statistics=("mean", "std")),
    StandardScaler(),
    SVC(),
)
grid = {"melspectrogramtransformer__n_mels": [16, 64], "svc__C": [1, 10]}
X_train, X_test, y_train, y_test = train_test_split(
    X, y, stratify=y, random_state=0
)
search = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
search.best_params_

# %%
# The accuracy on held-out clips.
search.score(X_test, y_test)

# %%
# The average log-mel spectrum of each class.
import matplotlib.pyplot as plt

mel = MelSpectrogramTransformer(sample_rate=sample_rate)
mean_spectra = SequencePooling(statistics=("mean",)).fit_transform(
    mel.fit_transform(X)
)
figure, axes = plt.subplots(layout="constrained")
for label in ("noise", "tone"):
    axes.plot(mean_spectra[y == label].mean(axis=0), label=label)
axes.set(xlabel="mel band", ylabel="level (dB)")
axes.legend()
plt.show()
