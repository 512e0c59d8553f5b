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


@pytest.mark.parametrize("blocks", [[4, 2], [5, 0], [2.5, 2.5], [[5]], ["5"]])
def test_sizes_that_do_not_fit(blocks):
    with pytest.raises(ValueError, match=r"does not divide 5 features into blocks; give positive whole numbers"):
        BlockScaler(blocks).fit(X)
