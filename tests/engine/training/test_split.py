"""The clips that are held out."""

import numpy as np
import pytest

from sklearn_audio.engine.training import split_by_groups, split_off_validation


def test_classes_are_spread_evenly():
    targets = np.repeat([0, 1, 2], [60, 30, 10])
    train, valid = split_off_validation(targets, 0.2)
    assert np.bincount(targets[valid]).tolist() == [12, 6, 2]
    assert sorted([*train, *valid]) == list(range(100))


def test_seed_chooses():
    targets = np.tile([0, 1], 20)
    first, again, other = (split_off_validation(targets, 0.25, seed=seed).valid.tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_there_is_a_clip_of_each_class_even_of_a_small_share():
    train, valid = split_off_validation(np.repeat([0, 1, 2], 4), 0.05)
    assert len(valid) == 3
    assert len(train) == 9


def test_groups_are_kept_whole_and_classes_in_training():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 12, 200)
    targets = np.where(groups == 3, 0, rng.integers(0, 2, 200))  # one group of one class
    train, valid = split_off_validation(targets, 0.25, groups)
    assert not set(groups[train]) & set(groups[valid])
    assert len(set(groups[valid])) == 3
    shares = np.bincount(targets[valid]) / len(valid)
    np.testing.assert_allclose(shares, np.bincount(targets) / 200, atol=0.1)


def test_a_class_of_one_group_stays_in_training():
    groups = np.repeat(np.arange(6), 10)
    targets = np.where(groups == 4, 1, 0)
    for seed in range(5):
        assert 4 in groups[split_off_validation(targets, 0.2, groups, seed=seed).train]


def test_several_labels_per_clip_are_drawn_at_random():
    train, valid = split_off_validation(np.eye(10), 0.2)
    assert (len(train), len(valid)) == (8, 2)


def test_a_class_of_one_clip_cannot_be_split():
    with pytest.raises(ValueError, match="class 'owl' has one clip, which cannot be in both the training"):
        split_off_validation(np.array([0, 0, 0, 1]), 0.25, names=np.array(["dog", "owl"]))


@pytest.mark.parametrize("targets", [np.array([0, 0, 1, 1, 2, 2]), np.eye(2)])
def test_too_few_clips_cannot_be_split(targets):
    with pytest.raises(ValueError, match=r"clips, \d would be for validation and \d for training"):
        split_off_validation(targets, 0.9)


def test_one_group_cannot_be_split():
    with pytest.raises(ValueError, match=r"1 group\(s\) cannot be split"):
        split_off_validation(np.array([0, 1]), 0.5, ["a", "a"])


def test_named_groups_are_held_out():
    groups = np.array(["a", "valid", "b", "valid"])
    train, valid = split_by_groups(["valid"], groups)
    assert (train.tolist(), valid.tolist()) == ([0, 2], [1, 3])


@pytest.mark.parametrize(
    ("held_out", "groups", "match"),
    [
        (["x"], np.array(["a", "b"]), r"validation_fraction names 'x', which is none of the groups .*: \['a', 'b'\]"),
        (["a", "b"], np.array(["a", "b"]), "names all groups, so no clip is left for training"),
        (["a"], None, r"validation_fraction=\['a'\] names groups; pass the groups of the clips to fit"),
    ],
)
def test_named_groups_that_do_not_exist(held_out, groups, match):
    with pytest.raises(ValueError, match=match):
        split_by_groups(held_out, groups)
