"""The story of pre-training: many recordings without labels, few with."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio import CNNClassifier, ConvAutoencoder, MelSpectrogramTransformer
from sklearn_audio.datasets import make_sound_events


@pytest.fixture(scope="module")
def digits(shared_data):
    """Frames of spoken digits, their labels, and their takes."""
    table = pd.read_csv(shared_data / "digits" / "labels.csv", dtype={"label": str})
    table = table[table["take"] < 12]
    mel = MelSpectrogramTransformer(8000, n_fft=256, hop_length=128, n_mels=32)
    frames = mel.fit_transform([str(shared_data / "digits" / path) for path in table["path"]])
    return frames, table["label"].to_numpy(), table["take"].to_numpy()


def unexplained(autoencoder, frames):
    """Error of what is rebuilt, as a share of what varies."""
    return -autoencoder.score(frames) / frames.values.var(axis=0).mean()


def test_fifteen_labels_after_forty_recordings_without():
    sounds = make_sound_events(n_clips=70, random_state=0, noise=0.3)
    frames = MelSpectrogramTransformer(16000, n_fft=1024, hop_length=1024, n_mels=32).fit_transform(sounds.data)
    unlabelled, labelled, others = slice(0, 40), slice(0, 15), slice(40, 70)
    autoencoder = ConvAutoencoder(
        n_frames=16, truncation="head", max_epochs=6, batch_size=20, lr=0.002, random_state=0
    ).fit(frames[unlabelled])
    assert unexplained(autoencoder, frames[others]) < 0.8  # it has not seen these
    classifier = CNNClassifier(
        "cnn4",
        options={"encoder": autoencoder},
        n_frames=16,
        max_epochs=8,
        lr=0.003,
        mixup=0.0,
        spec_augment=None,
        random_state=0,
    ).fit(frames[labelled], sounds.target[labelled])
    assert classifier.score(frames[others], sounds.target[others]) > 0.3  # chance is a fifth


@pytest.mark.slow
def test_a_few_labels_after_many_recordings_without(digits):
    frames, labels, takes = digits
    unlabelled, labelled, others = (np.flatnonzero(rows) for rows in (takes < 8, takes < 1, takes >= 8))
    autoencoder = ConvAutoencoder(n_frames=48, truncation="head", max_epochs=8, random_state=0)
    autoencoder.fit(frames[unlabelled])
    # of recordings that it has not seen, it rebuilds more than half of what varies
    assert unexplained(autoencoder, frames[others]) < 0.5

    def mean_score(encoder):
        scores = []
        for seed in range(2):
            classifier = CNNClassifier(
                "cnn4", options={"encoder": encoder}, n_frames=48, max_epochs=25, random_state=seed
            )
            classifier.fit(frames[labelled], labels[labelled])
            scores.append(classifier.score(frames[others], labels[others]))
        return np.mean(scores)

    assert mean_score(autoencoder) > mean_score(None)
