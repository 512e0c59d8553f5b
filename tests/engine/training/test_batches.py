"""Batches: each row once per epoch, similar lengths together, true lengths, an order that a seed repeats."""

import numpy as np
import pytest

from sklearn_audio import Ragged
from sklearn_audio.engine.training import Collation, EvaluationBatches, RowView, SegmentDataset, TrainingBatches

LENGTHS = np.random.default_rng(0).integers(1, 60, size=101)


def dataset(lengths=LENGTHS, **options):
    """Rows filled with their number plus one."""
    values = np.repeat(np.arange(1, len(lengths) + 1, dtype=np.float32), lengths)[:, None]
    weights = np.arange(len(lengths), dtype=np.float32)
    rows = RowView.of(Ragged.from_lengths(values, lengths))
    return SegmentDataset(rows, np.arange(len(lengths)), weights, Collation(**options))


@pytest.mark.parametrize("batches", [TrainingBatches, EvaluationBatches])
def test_each_row_comes_once_with_its_length_weight_and_zeros_behind(batches):
    seen = []
    for (values, lengths, weights), targets in batches(dataset(), 8):
        assert values.shape == (len(targets), lengths.max(), 1)
        for row, length, weight, target in zip(values, lengths, weights, targets, strict=True):
            assert length == LENGTHS[target]
            assert weight == target
            assert (row[:length] == target + 1).all()
            assert not row[length:].any()
        seen += targets.tolist()
    assert sorted(seen) == list(range(101))


def test_sizes_differ_by_at_most_one():
    sizes = [len(batch.targets) for batch in TrainingBatches(dataset(), 8)]
    assert len(sizes) == 13 == len(TrainingBatches(dataset(), 8))
    assert set(sizes) <= {7, 8}


def test_little_is_padding():
    real = placed = 0
    for (values, lengths, _), _ in TrainingBatches(dataset(np.tile(LENGTHS, 5)), 8):
        real, placed = real + int(lengths.sum()), placed + values.shape[0] * values.shape[1]
    assert real > 0.9 * placed  # in random order it is about half


def order(seed, epochs=1, epoch=0, lengths=LENGTHS):
    batches = TrainingBatches(dataset(lengths), 8, seed, epoch)
    for _ in range(epochs):
        rows = [batch.targets.tolist() for batch in batches]
    return rows


def test_order_is_a_function_of_seed_and_epoch():
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1, epochs=3) == order(1, epoch=2)
    assert order(1, epochs=3) != order(1)


def test_batches_do_not_come_in_order_of_length():
    means = [np.mean(LENGTHS[rows]) for rows in order(0)]
    assert means != sorted(means)


def test_rows_of_one_length_are_shuffled():
    assert sum(order(0, lengths=np.full(64, 3)), []) != list(range(64))  # noqa: RUF017


def test_one_length_for_all_cuts_and_pads():
    inputs, _ = dataset(np.array([5, 2]), length=3).batch(np.array([0, 1]))
    assert inputs.lengths.tolist() == [3, 2]
    assert inputs.values[..., 0].tolist() == [[1, 1, 1], [2, 2, 0]]


def test_rows_and_selections_are_those_of_the_data():
    some = dataset().select(np.array([3, 1]))
    values, target = some[0]
    assert target == 3
    assert (values == 4).all()
    assert some.weights.tolist() == [3, 1]


def test_the_batches_of_an_epoch_do_not_depend_on_those_before():
    whole = TrainingBatches(dataset(), 8, 1)
    first, second = ([batch.targets.tolist() for batch in whole] for _ in range(2))
    assert [batch.targets.tolist() for batch in TrainingBatches(dataset(), 8, 1, epoch=1)] == second
    assert second != first


def test_a_sampler_chooses_the_rows_and_similar_lengths_still_share_a_batch():
    targets = np.repeat([0, 1], [90, 11])
    data = SegmentDataset(dataset().rows, targets, np.ones(101, dtype=np.float32))
    batches = list(TrainingBatches(data, 8, sampler="balanced"))
    assert {len(batch.targets) for batch in batches} <= {7, 8}
    drawn = np.concatenate([batch.targets for batch in batches])
    assert abs(np.bincount(drawn)[0] - 50.5) < 1
    real = sum(int(batch.inputs.lengths.sum()) for batch in batches)
    assert real > 0.75 * sum(batch.inputs.values.shape[0] * batch.inputs.values.shape[1] for batch in batches)


def test_plain_and_balanced_batches_take_turns():
    targets = np.repeat([0, 1], [380, 20])
    data = SegmentDataset(
        RowView.of(Ragged.from_lengths(np.zeros((400, 1)), np.ones(400, int))), targets, np.ones(400, np.float32)
    )
    batches = TrainingBatches(data, 20, sampler="alternate")
    shares = np.array([batch.targets.float().mean() for batch in batches])
    assert len(shares) == len(batches) == 20
    np.testing.assert_array_equal(shares[1::2], 0.5)
    assert shares[::2].mean() < 0.12


class Threaded(SegmentDataset):
    """Rows of which a window is drawn, in threads."""

    n_jobs = 2

    def batch(self, rows, rng=None):
        batch = super().batch(rows)
        return batch._replace(inputs=batch.inputs._replace(values=batch.inputs.values + rng.random()))


def test_datasets_are_given_a_generator_and_their_threads_do_not_change_what_is_drawn():
    data = dataset()
    threaded = Threaded(data.rows, data.targets, data.weights)
    first, second = ([batch.inputs.values for batch in TrainingBatches(threaded, 8, seed)] for seed in (0, 0))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    added = {
        float(a[0, 0, 0] - b.inputs.values[0, 0, 0]) for a, b in zip(first, TrainingBatches(data, 8, 0), strict=True)
    }
    assert len(added) == len(first)


def test_an_unknown_sampler_is_refused():
    with pytest.raises(ValueError, match=r"sampler must be one of .* got 'even'"):
        TrainingBatches(dataset(), 8, sampler="even")
