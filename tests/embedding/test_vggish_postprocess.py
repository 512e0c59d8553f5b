"""VGGish's post-processing: its arithmetic and its matrix."""

import numpy as np
import pytest

from sklearn_audio.embedding._vggish_postprocess import PCA, _postprocessed, load_pca, pack_pca, unpack_pca
from sklearn_audio.exceptions import WeightsError

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(scale=2.0, size=(6, 128)).astype(np.float32)
MATRIX = PCA(np.linalg.qr(RNG.normal(size=(128, 128)))[0].astype(np.float32), RNG.normal(size=128).astype(np.float32))


def finish(*, relu=False, pca=None, quantized=False):
    return _postprocessed(VECTORS, relu=relu, pca=pca, quantized=quantized)


def test_activation():
    np.testing.assert_array_equal(finish(relu=True), np.maximum(VECTORS, 0))


@pytest.mark.parametrize("relu", [False, True])
def test_pca_is_the_matrix_times_what_is_left_of_the_mean(relu):
    source = np.maximum(VECTORS, 0) if relu else VECTORS
    wanted = [MATRIX.eigen_vectors @ (vector - MATRIX.means) for vector in source]
    np.testing.assert_allclose(finish(relu=relu, pca=MATRIX), wanted, atol=1e-5)


def test_codes_are_rounded_down():
    turned = finish(pca=MATRIX)
    wanted = ((np.clip(turned, -2, 2) + 2) * (255 / 4)).astype(np.uint8)  # a cast drops what is behind the point
    codes = finish(pca=MATRIX, quantized=True)
    np.testing.assert_array_equal(codes, wanted)
    assert codes.dtype == np.float32
    assert {codes.min(), codes.max()} == {0.0, 255.0}


def test_the_matrix_of_vggish(tmp_path, shared_data):
    pca = load_pca(shared_data / "weights" / "vggish_pca_params.npz")
    packed = unpack_pca(pack_pca(pca))
    np.testing.assert_array_equal(packed.eigen_vectors, pca.eigen_vectors)
    np.testing.assert_array_equal(packed.means, pca.means)


def test_a_matrix_of_another_size_is_refused(tmp_path):
    path = tmp_path / "small.npz"
    np.savez(path, pca_eigen_vectors=np.eye(3), pca_means=np.zeros(3))
    with pytest.raises(WeightsError, match=r"eigenvectors of shape \(3, 3\) and means of shape \(3,\); VGGish has 128"):
        load_pca(path)


def test_a_bundled_matrix_that_is_damaged():
    with pytest.raises(WeightsError, match="the bundled matrix of VGGish is damaged"):
        unpack_pca(b"nothing")
    bad = pack_pca(PCA(np.full((128, 128), np.nan, np.float32), np.zeros(128, np.float32)))
    with pytest.raises(WeightsError, match="the bundled matrix of VGGish: 16384 of the 16384 values of the tensor"):
        unpack_pca(bad)
