"""Features of train: columns of a table are what the saved steps compute."""

from argparse import Namespace

import numpy as np
import pytest

from sklearn_audio.cli._features import Readable, of_encoder, statistics
from sklearn_audio.embedding import PANNsEmbedder, SpeechEmbedder
from sklearn_audio.preprocessing import BlockScaler


def assert_steps_compute_the_rows(sources, candidates, clips):
    tables = {name: source.features(clips) for name, source in sources.items()}
    for candidate in candidates:
        found = clips
        for _, step in candidate.steps(clips[:1]):
            found = step.transform(found)
        np.testing.assert_allclose(candidate.rows(tables), found, rtol=1e-6, atol=1e-7)


def test_statistics(sounds):
    sources, candidates = statistics(Namespace(sample_rate=16000, jobs=1))
    assert_steps_compute_the_rows(sources, candidates, list(sounds.data[:3]))


def test_layers_of_a_network(sounds):
    embedder = SpeechEmbedder(weights=None, random_state=0, pooling="mean_std")
    sources, candidates = of_encoder("speech", "speech_embedding", embedder, ("conv5", "conv10", "embedding"))
    assert [candidate.words.split(", ")[1] for candidate in candidates] == [
        "conv5",
        "conv10",
        "embedding",
        "conv5 + conv10 + embedding",
    ]
    assert_steps_compute_the_rows(sources, candidates, list(sounds.data[:3]))
    assert [isinstance(candidate.scaler(), BlockScaler) for candidate in candidates] == [False, False, False, True]
    assert sum(candidates[-1].scaler().blocks) == candidates[-1].rows({"speech": np.zeros((1, 10**4))}).shape[1]


@pytest.mark.parametrize(
    ("embedder", "layers"),
    [(SpeechEmbedder(), "conv6 conv11 conv15 embedding"), (PANNsEmbedder("cnn6"), "block2 block3 block4 embedding")],
    ids=["speech", "cnn6"],
)
def test_layers_at_several_depths(embedder, layers):
    _, candidates = of_encoder("name", "network", embedder, ())
    assert candidates[-1].words == f"network, {' + '.join(layers.split())}"


def test_damaged_recordings_are_found_without_features(sounds, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    with pytest.warns(UserWarning, match="1 clip.* could not be used"):
        found = Readable(16000, 1).features([sounds.data[0], str(tmp_path / "bad.wav")])
    assert found.shape == (2, 0)
