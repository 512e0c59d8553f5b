"""Views of rows and segments of them."""

import numpy as np
import pytest

from sklearn_audio import Ragged
from sklearn_audio.engine.training import RowView, patch_segments, running_statistics, truncated_segments

ROWS = Ragged.from_list([np.arange(n * 2, dtype=np.float32).reshape(n, 2) + 100 * n for n in (5, 1, 8)])


def test_a_view_reads_rows_and_copies_none():
    view = RowView.of(ROWS)
    assert (len(view), view.shape, view.item_shape, view.dtype) == (3, (3,), (2,), np.float32)
    assert all(np.array_equal(view[i], ROWS[i]) for i in range(3))
    chosen = view[np.array([2, 0])]
    assert chosen.lengths.tolist() == [8, 5]
    assert np.shares_memory(chosen[0], ROWS.values)
    assert np.array_equal(chosen.read(1, 1, 3), ROWS[0][1:3])


def test_blocks_are_all_there_is(monkeypatch):
    monkeypatch.setattr("sklearn_audio.engine.training._rows._BLOCK_BYTES", 24)
    blocks = list(RowView.of(ROWS)[np.array([0, 2])].blocks())
    assert max(map(len, blocks)) == 3
    assert np.array_equal(np.concatenate(blocks), np.concatenate([ROWS[0], ROWS[2]]))


@pytest.mark.parametrize(("length", "hop"), [(3, 3), (3, 1), (3, 2), (8, 8), (20, 5)])
def test_patches_cover_every_item_and_end_with_the_row(length, hop):
    view = RowView.of(ROWS)
    pieces, owners = patch_segments(view, length, hop)
    for row in range(3):
        own = [pieces[i] for i in np.flatnonzero(owners == row)]
        if len(view[row]) <= length:
            assert len(own) == 1
            assert np.array_equal(own[0], view[row])
            continue
        assert {len(piece) for piece in own} == {length}
        assert np.array_equal(own[-1], view[row][-length:])
        assert set(np.concatenate(own)[:, 0]) == set(view[row][:, 0])
        assert [piece[0, 0] for piece in own[:-1]] == view[row][:-length:hop, 0].tolist()


def test_statistics_of_blocks_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    values = (1e4 + rng.normal(size=(1000, 3))).astype(np.float32)
    mean, deviation = running_statistics(np.split(values, [1, 400, 401, 777]))
    np.testing.assert_allclose(mean, values.astype(np.float64).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(deviation, values.astype(np.float64).std(axis=0), rtol=1e-9)


LONG = RowView.of(Ragged.from_list([np.arange(7), np.arange(10, 13), np.arange(20, 29)]))


def test_nothing_is_cut_where_nothing_is_too_long():
    assert truncated_segments(LONG, 9, "head").rows is LONG
    assert truncated_segments(LONG, None, "chunks").rows is LONG


@pytest.mark.parametrize(("truncation", "wanted"), [("head", [0, 1, 2, 3]), ("tail", [3, 4, 5, 6])])
def test_one_end_is_kept(truncation, wanted):
    segments = truncated_segments(LONG, 4, truncation)
    assert segments.rows[0].tolist() == wanted
    assert segments.rows[1].tolist() == [10, 11, 12]
    assert segments.owners.tolist() == [0, 1, 2]


def test_chunks_keep_everything_in_pieces_of_nearly_one_length():
    segments = truncated_segments(LONG, 4, "chunks")
    assert segments.rows.lengths.tolist() == [4, 3, 3, 3, 3, 3]
    assert segments.owners.tolist() == [0, 0, 1, 2, 2, 2]
    assert np.array_equal(
        np.concatenate([segments.rows[i] for i in range(6)]), np.concatenate([LONG[i] for i in range(3)])
    )


def test_what_is_computed_of_pieces_is_averaged_per_row():
    segments = truncated_segments(LONG, 4, "chunks")
    means = segments.mean_per_row(np.array([[1.0], [3.0], [5.0], [1.0], [2.0], [6.0]]))
    assert means.tolist() == [[2.0], [5.0], [3.0]]
