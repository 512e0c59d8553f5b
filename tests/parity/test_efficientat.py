"""EfficientATEmbedder against the authors' code, from seeded checkpoints and from published weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sklearn_audio import EfficientATEmbedder
from tests.parity.golden_files import difference, read_golden
from tests.parity.seeded import checkpoint, clips

# measured 3e-5; ten times the offset of every batch norm makes 0.04 and more in an embedding
TOLERANCE = 1e-3
RATE = 32000
LARGE = ("mn20_as", "mn30_as", "mn40_as")
MODELS = pytest.mark.parametrize(
    "model", ["mn04_as", "mn05_as", "mn10_as", *(pytest.param(model, marks=pytest.mark.slow) for model in LARGE)]
)
LAYERS = ("embedding", "probabilities")


@MODELS
def test_clips_as_in_the_authors_code(model, tmp_path):
    golden = read_golden(f"efficientat_{model}")
    path = tmp_path / "checkpoint.pt"
    torch.save({name: torch.from_numpy(np.asarray(array)) for name, array in checkpoint(golden.layout).items()}, path)
    waveforms = clips(RATE)
    for layer in LAYERS:
        embedder = EfficientATEmbedder(model, weights=path, sample_rate=RATE, layer=layer)
        answers = embedder.transform(list(waveforms.values()))
        for clip, answer in zip(waveforms, answers, strict=True):
            assert difference(answer, golden.answers[clip][layer], layer) < TOLERANCE, clip


@pytest.mark.parametrize("layer", LAYERS)
def test_recordings_with_the_published_weights(shared_data, layer):
    """The first 30 s of every recording, from the file."""
    golden = read_golden("efficientat_mn04_as_published").answers
    assert len(golden) == 10
    path = shared_data / "weights" / "mn04_as_mAP_432.pt"
    folder = shared_data / "examples" / "audio"
    answers = EfficientATEmbedder("mn04_as", weights=path, layer=layer).transform(
        [(folder / clip, 0.0, 30.0) for clip in golden]
    )
    for clip, answer in zip(golden, answers, strict=True):
        assert difference(answer, golden[clip][layer], layer) < TOLERANCE, clip
