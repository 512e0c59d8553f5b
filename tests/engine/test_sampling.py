"""The clips of an epoch."""

import numpy as np
import pytest

from sklearn_audio.engine.sampling import (
    SAMPLERS,
    BalancedSampler,
    WeightedSampler,
    WorstClassSampler,
    build_sampler,
    inverse_frequency_weights,
    rows_of_classes,
)

CODES = np.random.default_rng(0).permutation(np.repeat([0, 1, 3], [700, 250, 50]))  # no row is of class 2
TAGS = (np.random.default_rng(1).random((1000, 3)) < [0.6, 0.2, 0.03]).astype(np.float32)


def streams(name, targets, seed=0, epoch=0):
    return build_sampler(name, targets).streams(seed, epoch)


@pytest.mark.parametrize("targets", [CODES, TAGS], ids=["codes", "tags"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_an_epoch_is_a_function_of_seed_and_epoch_and_as_long_as_the_data(name, targets):
    first, again = streams(name, targets, 1, 2), streams(name, targets, 1, 2)
    for rows, same, other, later in zip(
        first, again, streams(name, targets, 2, 2), streams(name, targets, 1, 3), strict=True
    ):
        assert rows.shape == (1000,)
        assert np.issubdtype(rows.dtype, np.integer)
        np.testing.assert_array_equal(rows, same)
        assert (rows != other).mean() > 0.5
        assert (rows != later).mean() > 0.5


@pytest.mark.parametrize("name", SAMPLERS)
def test_global_generators_are_left_alone(name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    streams(name, CODES)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("epoch", [0, 5])
def test_balanced_classes_come_up_equally_often(epoch):
    (rows,) = streams("balanced", CODES, epoch=epoch)
    counts = np.bincount(CODES[rows])[[0, 1, 3]]
    assert counts.sum() == 1000
    assert np.ptp(counts) <= 1


def test_balanced_classes_take_turns():
    (rows,) = streams("balanced", CODES)
    rounds = CODES[rows][:999].reshape(333, 3)
    np.testing.assert_array_equal(np.sort(rounds, axis=1), np.tile([0, 1, 3], (333, 1)))
    assert len({tuple(turn) for turn in rounds}) == 6


@pytest.mark.parametrize("targets", [CODES, CODES[:998]], ids=["1000", "998"])
def test_rows_of_a_class_come_up_before_any_comes_again_over_epochs(targets):
    sampler = BalancedSampler.from_targets(targets)
    drawn = np.concatenate([sampler.streams(0, epoch)[0] for epoch in range(7)])
    assert np.ptp(np.bincount(targets[drawn])[[0, 1, 3]]) <= 1
    counts = np.bincount(drawn, minlength=len(targets))
    for code in (0, 1, 3):
        assert np.ptp(counts[targets == code]) <= 1


def test_balanced_labels_come_up_equally_often_and_so_do_clips_without_any():
    (rows,) = streams("balanced", TAGS)
    classes = rows_of_classes(TAGS)
    assert len(classes) == 4
    # each of the four is taken 250 times, and comes along with others
    without = np.isin(rows, classes[3]).sum()
    assert 250 <= without <= 251
    assert all(np.isin(rows, members).sum() >= 250 for members in classes)
    assert TAGS[rows, 2].mean() > 6 * TAGS[:, 2].mean()


def test_alternate_takes_all_rows_and_balanced_classes():
    plain, balanced = streams("alternate", CODES)
    np.testing.assert_array_equal(np.sort(plain), np.arange(1000))
    np.testing.assert_array_equal(balanced, streams("balanced", CODES)[0])


def test_weighted_sampling_makes_classes_equally_frequent():
    drawn = np.concatenate([streams("weighted", CODES, epoch=epoch)[0] for epoch in range(10)])
    np.testing.assert_allclose(np.bincount(CODES[drawn])[[0, 1, 3]] / 10000, 1 / 3, atol=0.02)


def test_weighted_sampling_draws_labels_by_the_sum_of_their_inverse_frequencies():
    counts = TAGS.sum(axis=0)
    without = (TAGS == 0).all(axis=1)
    wanted = TAGS @ (1 / counts) + without / without.sum()
    np.testing.assert_allclose(inverse_frequency_weights(TAGS), wanted / wanted.sum())
    drawn = np.concatenate([streams("weighted", TAGS, epoch=epoch)[0] for epoch in range(20)])
    expected = (wanted / wanted.sum()) @ TAGS
    np.testing.assert_allclose(TAGS[drawn].mean(axis=0), expected, atol=0.02)
    assert expected[2] > 8 * TAGS[:, 2].mean()


def test_one_class_and_one_row_are_enough():
    (rows,) = streams("balanced", np.zeros(5, dtype=int))
    np.testing.assert_array_equal(np.sort(rows), np.arange(5))
    for name in SAMPLERS:
        assert all(part.tolist() == [0] for part in streams(name, np.array([2])))


def test_names():
    assert build_sampler(None, CODES) is None
    sampler = WeightedSampler.from_targets(CODES)
    assert build_sampler(sampler, CODES) is sampler
    with pytest.raises(
        ValueError, match="sampler must be one of 'alternate', 'balanced', 'weighted' or None, got 'even'"
    ):
        build_sampler("even", CODES)


@pytest.mark.parametrize("targets", [CODES, TAGS], ids=["codes", "tags"])
def test_the_worst_classes_are_drawn_more_often(targets):
    scores = np.array([0.8, 0.05, 0.9, 0.5])[: 4 if targets.ndim == 1 else 3]
    plain, worst = (WorstClassSampler(targets, lambda of=of: of) for of in (None, scores))
    (weighted,) = streams("weighted", targets, 3, 1)
    np.testing.assert_array_equal(plain.streams(3, 1)[0], weighted)
    # the weight of a row is one on average, and that of a row of the worst class, the second, 0.4 / 0.05 more
    of_second = targets == 1 if targets.ndim == 1 else targets[:, 1] == 1
    wanted = inverse_frequency_weights(targets) * 1000 + 8.0 * of_second
    rows = np.concatenate([worst.streams(3, epoch)[0] for epoch in range(30)])
    assert of_second[rows].mean() == pytest.approx(wanted[of_second].sum() / wanted.sum(), abs=0.01)
    np.testing.assert_array_equal(worst.streams(3, 1)[0], worst.streams(3, 1)[0])


def test_a_class_that_is_never_right_has_a_bounded_weight():
    rows = WorstClassSampler(CODES, lambda: np.array([1.0, 1.0, 1.0, 0.0])).streams(0, 0)[0]
    weights = np.bincount(CODES[rows], minlength=4) / 1000
    assert weights[3] == pytest.approx((1000 / 3 + 50 * 40) / (1000 + 50 * 40), abs=0.04)
