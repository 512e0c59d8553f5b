"""The story of pre-training: many recordings without labels, few with."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio import CNNClassifier, ConvAutoencoder, MelSpectrogramTransformer


@pytest.fixture(scope="module")
def digits(shared_data):
    """Frames of spoken digits, their labels, and their takes."""
    table = pd.read_csv(shared_data / "digits" / "labels.csv", dtype={"label": str})
    table = table[table["take"] < 12]
    mel = MelSpectrogramTransformer(8000, n_fft=256, hop_length=128, n_mels=32)
    frames = mel.fit_transform([str(shared_data / "digits" / path) for path in table["path"]])
    return frames, table["label"].to_numpy(), table["take"].to_numpy()


@pytest.mark.slow
def test_a_few_labels_after_many_recordings_without(digits):
    frames, labels, takes = digits
    unlabelled, labelled, others = (np.flatnonzero(rows) for rows in (takes < 8, takes < 1, takes >= 8))
    autoencoder = ConvAutoencoder(n_frames=48, truncation="head", max_epochs=8, random_state=0)
    autoencoder.fit(frames[unlabelled])
    # of recordings that it has not seen, it rebuilds more than half of what varies
    assert -autoencoder.score(frames[others]) < 0.5 * frames[others].values.var(axis=0).mean()

    def mean_score(encoder):
        scores = []
        for seed in range(2):
            classifier = CNNClassifier("cnn4", n_frames=48, encoder=encoder, max_epochs=25, random_state=seed)
            classifier.fit(frames[labelled], labels[labelled])
            scores.append(classifier.score(frames[others], labels[others]))
        return np.mean(scores)

    assert mean_score(autoencoder) > mean_score(None)
