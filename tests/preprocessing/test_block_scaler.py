"""`BlockScaler`: against StandardScaler, and the sums of variances."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_audio import BlockScaler

X = np.random.default_rng(0).normal(3.0, [1.0, 5.0, 0.1, 2.0, 9.0], size=(40, 5))


def test_one_block_is_standard():
    np.testing.assert_allclose(BlockScaler().fit_transform(X), StandardScaler().fit_transform(X), rtol=1e-12)


def test_blocks_weigh_the_same():
    names = ["x_block3_0_mean", "x_block3_0_std", "x_block3_1_mean", "x_block3_1_std", "x_embedding_0"]
    by_name, by_size = BlockScaler().fit(pd.DataFrame(X, columns=names)), BlockScaler([4, 1]).fit(X)
    assert by_name.block_sizes_.tolist() == by_size.block_sizes_.tolist() == [4, 1]
    scaled = by_size.transform(X)
    np.testing.assert_allclose(by_name.transform(pd.DataFrame(X, columns=names)), scaled, rtol=1e-9)
    np.testing.assert_allclose([scaled[:, :4].var(axis=0).sum(), scaled[:, 4].var()], [2.5, 2.5])
    np.testing.assert_allclose(by_size.inverse_transform(scaled), X)
    assert by_size.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("blocks", [[4, 2], [5, 0], [2.5, 2.5], [[5]], ["5"], [[4], [1, 0]], [True] * 5, [4, None]])
def test_sizes_that_do_not_fit(blocks):
    with pytest.raises(ValueError, match=r"does not divide 5 features into blocks; give positive whole numbers"):
        BlockScaler(blocks).fit(X)


@pytest.mark.parametrize("blocks", [(4, 1), np.array([4, 1], dtype=np.uint8), np.array([4, 1])])
def test_sizes_of_every_integer_type(blocks):
    assert BlockScaler(blocks).fit(X).block_sizes_.tolist() == [4, 1]


def test_constant_features_add_nothing_to_the_weight_of_their_block():
    dead = np.insert(X, [0, 2, 5], 7.0, axis=1)  # as units of a network that are always 0
    scaled = BlockScaler([5, 3]).fit_transform(dead)
    sums = scaled.var(axis=0)[:5].sum(), scaled.var(axis=0)[5:].sum()
    np.testing.assert_allclose(sums, [2.5, 2.5])
    np.testing.assert_array_equal(scaled[:, [0, 3, 7]], 0)
    np.testing.assert_allclose(BlockScaler([5, 3]).fit(dead).inverse_transform(scaled), dead)
    # a block of nothing else leaves the weight to the others
    whole = BlockScaler([5, 2]).fit_transform(np.hstack([X, np.ones((40, 2))]))
    np.testing.assert_allclose(whole[:, :5], StandardScaler().fit_transform(X))
    assert not BlockScaler([1, 1]).fit_transform(np.ones((3, 2))).any()


def test_inverse_transform_checks_its_rows():
    frame = pd.DataFrame(X, columns=[f"x_block{i}_0" for i in range(5)])
    scaler = BlockScaler().fit(frame)
    np.testing.assert_allclose(scaler.inverse_transform([[0, 0, 0, 0, 0]]), [X.mean(axis=0)])
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(frame)), X)
    np.testing.assert_allclose(scaler.set_output(transform="pandas").inverse_transform(scaler.transform(frame)), X)
    for rows in (X[:, :1], X[:, :4]):
        with pytest.raises(ValueError, match=rf"X has {rows.shape[1]} features, but BlockScaler is expecting 5"):
            scaler.inverse_transform(rows)
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        scaler.inverse_transform(X[0])
    with pytest.raises(ValueError, match="same order as they were in fit"):
        scaler.inverse_transform(frame[frame.columns[::-1]])
