"""VGGishEmbedder against torchvggish, from a seeded checkpoint in its layout, patch by patch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sklearn_audio import VGGishEmbedder
from tests.parity.golden_files import difference, read_golden
from tests.parity.seeded import checkpoint, clips

# measured 1e-5
TOLERANCE = 1e-4
RATE = 16000
N_PATCHES = {"10s": 10, "4.37s": 4, "1s": 1, "30s": 31}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("vggish") / "vggish.pth"
    torch.save(
        {name: torch.from_numpy(array) for name, array in checkpoint(read_golden("vggish").layout).items()}, path
    )
    return path


def patches(path, names=tuple(N_PATCHES), **parameters):
    """The patches of the original, which leaves out what does not fill one."""
    embedder = VGGishEmbedder(weights=path, sample_rate=RATE, pooling=None, partial="drop", **parameters)
    waveforms = clips(RATE)
    return dict(zip(names, embedder.transform([waveforms[name] for name in names]), strict=True))


def test_one_second_as_in_torchvggish(path):
    golden = read_golden("vggish").answers["1s"]["embedding"]
    assert difference(patches(path, ["1s"])["1s"], golden, "embedding") < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "activation"), [("embedding", None), ("relu", "relu")])
def test_patches_as_in_torchvggish(path, layer, activation):
    golden = read_golden("vggish").answers
    answers = patches(path, output_activation=activation)
    assert {clip: len(rows) for clip, rows in answers.items()} == N_PATCHES
    for clip, rows in answers.items():
        assert difference(rows, golden[clip][layer], layer) < TOLERANCE, clip


@pytest.mark.slow
def test_matrix_as_in_torchvggish(path, shared_data):
    golden = read_golden("vggish").answers
    matrix = shared_data / "weights" / "vggish_pca_params.npz"
    for clip, rows in patches(path, postprocess="pca", pca_weights=matrix).items():
        assert difference(rows, golden[clip]["pca"], "pca") < TOLERANCE, clip


@pytest.mark.slow
def test_codes_are_rounded_down(path, shared_data):
    """TensorFlow's code casts to whole numbers where torchvggish rounds to the nearest."""
    golden = read_golden("vggish").answers
    matrix = shared_data / "weights" / "vggish_pca_params.npz"
    for clip, rows in patches(path, postprocess="quantized", pca_weights=matrix).items():
        exact = (np.clip(golden[clip]["pca"], -2, 2) + 2) * 255 / 4
        clear = np.abs(exact - np.round(exact)) > 0.1  # elsewhere the last digits decide
        inner = clear & (exact > 0) & (exact < 255)
        assert inner.sum() > 0
        np.testing.assert_array_equal(rows[clear], np.floor(exact[clear]))
        np.testing.assert_array_equal(np.unique(rows[~clear] % 1), 0)
        assert (np.floor(exact[inner]) != np.round(exact[inner])).any()
