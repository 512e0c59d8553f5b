"""Cutting rows that are longer than a network takes."""

import numpy as np
import pytest

from sklearn_audio import Ragged
from sklearn_audio.engine.training import cut_rows

X = Ragged.from_list([np.arange(7), np.arange(10, 13), np.arange(20, 29)])


def test_nothing_is_cut_where_nothing_is_too_long():
    assert cut_rows(X, 9, "head").pieces is X
    assert cut_rows(X, None, "chunks").pieces is X


@pytest.mark.parametrize(("truncation", "wanted"), [("head", [0, 1, 2, 3]), ("tail", [3, 4, 5, 6])])
def test_one_end_is_kept(truncation, wanted):
    cut = cut_rows(X, 4, truncation)
    assert cut.pieces[0].tolist() == wanted
    assert cut.pieces[1].tolist() == [10, 11, 12]
    assert cut.owners.tolist() == [0, 1, 2]


def test_chunks_keep_everything_in_pieces_of_nearly_one_length():
    cut = cut_rows(X, 4, "chunks")
    assert cut.pieces.lengths.tolist() == [4, 3, 3, 3, 3, 3]
    assert cut.owners.tolist() == [0, 0, 1, 2, 2, 2]
    assert np.array_equal(cut.pieces.values, X.values)


def test_what_is_computed_of_pieces_is_averaged_per_row():
    cut = cut_rows(X, 4, "chunks")
    means = cut.mean_per_row(np.array([[1.0], [3.0], [5.0], [1.0], [2.0], [6.0]]))
    assert means.tolist() == [[2.0], [5.0], [3.0]]
