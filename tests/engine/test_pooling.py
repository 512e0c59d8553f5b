import numpy as np
import pytest

from sklearn_audio.engine._pooling import POOLINGS, pool

VECTORS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
ONES = np.ones(5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_equal_weights_are_plain_statistics(pooling):
    wanted = {"mean": VECTORS.mean(0), "std": VECTORS.std(0), "max": VECTORS.max(0)}
    got = pool(VECTORS, ONES, pooling)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.concatenate([wanted[name] for name in POOLINGS[pooling]]), rtol=1e-6)


def test_weights_are_shares():
    twice = np.concatenate([VECTORS, VECTORS[:1]])
    np.testing.assert_allclose(
        pool(VECTORS, np.array([2.0, 1, 1, 1, 1]), "mean_std"), pool(twice, np.ones(6), "mean_std"), rtol=1e-6
    )


def test_one_patch_is_itself_to_the_bit():
    np.testing.assert_array_equal(pool(VECTORS[:1], np.array([0.3]), "mean"), VECTORS[0])


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("n", [1, 511, 512, 513, 1700])
def test_blocks_change_nothing(pooling, n):
    rng = np.random.default_rng(n)
    vectors, weights = rng.normal(100, 1, size=(n, 7)).astype(np.float32), rng.uniform(0.1, 1, n)
    mean = np.average(vectors.astype(np.float64), axis=0, weights=weights)
    std = np.sqrt(np.average(np.square(vectors - mean), axis=0, weights=weights))
    wanted = {"mean": mean, "std": std, "max": vectors.max(axis=0)}
    joined = np.concatenate([wanted[name] for name in POOLINGS[pooling]]).astype(np.float32)
    np.testing.assert_array_equal(pool(vectors, weights, pooling), joined)
    np.testing.assert_array_equal(pool(list(vectors), weights, pooling), joined)


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.7, 1.0])
def test_one_patch_deviates_by_nothing(weight):
    vector = np.random.default_rng(0).normal(size=(1, 500)).astype(np.float32)
    assert not pool(vector, np.array([weight]), "mean_std")[500:].any()
