"""VGGish's three variants."""

import pickle
from dataclasses import replace
from typing import ClassVar

import numpy as np
from sklearn.base import clone

from tests.standin import StandInVGGish

RNG = np.random.default_rng(0)


def test_variants_of_the_embedder(shared_data, monkeypatch):
    clips = [RNG.normal(scale=0.1, size=n).astype(np.float32) for n in (16000, 50000)]
    monkeypatch.setattr("tests.standin.vggish_network", wide_network)
    plain = WideVGGish(weights=None, sample_rate=16000, pooling=None)
    vectors = plain.transform(clips).values
    matrix = shared_data / "weights" / "vggish_pca_params.npz"
    relu = clone(plain).set_params(output_activation="relu")
    np.testing.assert_array_equal(relu.transform(clips).values, np.maximum(vectors, 0))
    stored = np.load(matrix)
    wanted = (vectors - stored["pca_means"].ravel()) @ stored["pca_eigen_vectors"].T
    pca = clone(plain).set_params(postprocess="pca", pca_weights=str(matrix))
    np.testing.assert_allclose(pca.transform(clips).values, wanted, atol=1e-4)
    codes = clone(plain).set_params(postprocess="quantized", pca_weights=matrix).transform(clips).values
    np.testing.assert_array_equal(codes, np.floor(codes))
    assert np.abs(codes - np.clip(wanted + 2, 0, 4) * 255 / 4).max() < 1.01


def wide_network():
    from torch import nn

    from tests.standin import OneLayer

    network = OneLayer(64)
    network.dense = nn.Linear(64, 128)
    return network


class WideVGGish(StandInVGGish):
    cards: ClassVar = {"vggish": replace(StandInVGGish.cards["vggish"], name="wide_vggish", build=wide_network)}


def test_the_matrix_is_bundled_too(shared_data, tmp_path):
    matrix = tmp_path / "pca.npz"
    matrix.write_bytes((shared_data / "weights" / "vggish_pca_params.npz").read_bytes())
    import safetensors.torch

    checkpoint = tmp_path / "wide.safetensors"
    safetensors.torch.save_file(wide_network().state_dict(), checkpoint, {"converter": "vggish"})
    embedder = WideVGGish(
        weights=str(checkpoint), sample_rate=16000, postprocess="pca", pca_weights=str(matrix), bundle_weights=True
    )
    clips = [RNG.normal(scale=0.1, size=16000).astype(np.float32)]
    wanted = embedder.transform(clips)
    packed = pickle.dumps(embedder)
    matrix.unlink()
    checkpoint.unlink()
    np.testing.assert_array_equal(pickle.loads(packed).transform(clips), wanted)
