"""Augmentation of batches: transforms, masks and mixup, in this order."""

import pickle

import numpy as np
import pytest
import torch

from sklearn_audio import Ragged
from sklearn_audio.augmentation import AddNoise, RandomCrop, SpecAugment, TimeShift
from sklearn_audio.engine.augmentation import Augmentation, build_spec_augment
from sklearn_audio.engine.training import Collation, RowView, SegmentDataset, TrainingBatches

LENGTHS = np.random.default_rng(0).integers(5, 30, size=40)
CODES = np.arange(40) % 4


def dataset(lengths=LENGTHS, **options):
    values = np.random.default_rng(1).normal(loc=5, size=(lengths.sum(), 6)).astype(np.float32)
    return SegmentDataset(
        RowView.of(Ragged.from_lengths(values, lengths)), CODES, np.ones(40, np.float32), Collation(**options)
    )


BATCH = dataset().batch(np.arange(8))


def call(batch=BATCH, seed=0, **options):
    return Augmentation(**options)(batch, np.random.default_rng(seed))


def test_nothing_on_gives_the_batch_itself():
    assert call() is BATCH
    assert call(spec_augment=False, transforms=None) is BATCH
    assert not Augmentation(spec_augment=False, transforms=[]).is_on


@pytest.mark.parametrize(
    "options", [{"mixup": 0.5, "n_classes": 4}, {"spec_augment": True}, {"transforms": [np.negative]}], ids=str
)
def test_one_part_on_changes_the_values_and_not_the_batch_given(options):
    assert Augmentation(**options).is_on
    kept = BATCH.inputs.values.clone()
    changed = call(**options)
    assert torch.equal(BATCH.inputs.values, kept)
    assert changed.inputs.values.shape == kept.shape
    assert changed.inputs.values.dtype == torch.float32
    assert not torch.equal(changed.inputs.values, kept)
    assert torch.equal(changed.inputs.lengths, BATCH.inputs.lengths)
    for row, n in zip(changed.inputs.values, changed.inputs.lengths, strict=True):
        assert not row[n:].any()


def test_masks_come_after_transforms_and_before_mixup():
    together = call(transforms=[TimeShift()], spec_augment=True, mixup=1.0, n_classes=4)
    rng, batch = np.random.default_rng(0), BATCH
    for part in ({"transforms": [TimeShift()]}, {"spec_augment": True}, {"mixup": 1.0, "n_classes": 4}):
        batch = Augmentation(**part)(batch, rng)
    assert torch.equal(together.inputs.values, batch.inputs.values)
    assert torch.equal(together.targets, batch.targets)


def test_masks_lie_within_real_frames():
    wide = SpecAugment(time_masks=4, time_width=1.0)
    for seed in range(20):
        masked = call(seed=seed, spec_augment=wide)
        for row, before, n in zip(masked.inputs.values, BATCH.inputs.values, BATCH.inputs.lengths, strict=True):
            changed = row != before
            assert not changed[n:].any()
            np.testing.assert_allclose(row[changed], before[:n].mean(), rtol=1e-5)


def test_crops_make_the_batch_as_long_as_its_longest_row():
    cropped = call(transforms=[RandomCrop(7)])
    assert cropped.inputs.lengths.tolist() == np.minimum(LENGTHS[:8], 7).tolist()
    assert cropped.inputs.values.shape == (8, 7, 6)


def test_a_network_of_one_length_gets_that_length():
    batch = dataset(length=20).batch(np.arange(8))
    cropped = call(batch, transforms=[RandomCrop(7)], n_steps=20, pad_value=-1)
    assert cropped.inputs.values.shape == (8, 20, 6)
    assert (cropped.inputs.values[:, 7:] == -1).all()
    longer = call(batch, transforms=[lambda x: np.concatenate([x, x, x])], n_steps=20)
    assert longer.inputs.values.shape == (8, 20, 6)
    assert longer.inputs.lengths.tolist() == np.minimum(3 * np.minimum(LENGTHS[:8], 20), 20).tolist()


def epochs(seed=3, epoch=0, n_epochs=2, **options):
    augmentation = Augmentation(
        mixup=0.4, spec_augment=True, transforms=[TimeShift(), AddNoise()], n_classes=4, **options
    )
    batches = TrainingBatches(dataset(), 8, seed, epoch, "balanced", augmentation)
    return [[batch.inputs.values for batch in batches] for _ in range(n_epochs)]


def equal(some, others):
    return all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


def test_batches_are_functions_of_seed_epoch_and_number():
    first, second = epochs()
    assert equal(first, epochs()[0])
    assert equal(second, epochs(epoch=1)[0])
    assert not any(np.array_equal(a, b) for a, b in zip(first, epochs(seed=4)[0], strict=True))


def test_it_can_be_pickled():
    augmentation = Augmentation(mixup=0.4, spec_augment={"time_masks": 1}, transforms=[TimeShift()], n_classes=4)
    again = pickle.loads(pickle.dumps(augmentation))
    assert again == augmentation
    changed = [one(BATCH, np.random.default_rng(0)).inputs.values for one in (augmentation, again)]
    assert torch.equal(*changed)


def test_spec_augment_is_what_an_estimator_is_given():
    assert build_spec_augment(None) is build_spec_augment(False) is None
    assert build_spec_augment(True) == build_spec_augment({}) == SpecAugment()
    masks = SpecAugment(time_masks=3)
    assert build_spec_augment(masks) is masks
    assert build_spec_augment({"time_masks": 3}) == masks
    with pytest.raises(
        ValueError, match="spec_augment has no item 'time_mask'; its items are frequency_masks, frequency_width"
    ):
        build_spec_augment({"time_mask": 3})


@pytest.mark.parametrize("mixup", [-0.1, np.inf, np.nan])
def test_an_alpha_that_is_none_is_refused(mixup):
    with pytest.raises(ValueError, match="mixup must be the alpha of a Beta distribution, at least 0, got"):
        Augmentation(mixup=mixup, n_classes=2)


def test_mixup_of_codes_needs_their_number():
    with pytest.raises(ValueError, match="mixup of codes needs n_classes"):
        Augmentation(mixup=0.5)
    assert Augmentation(mixup=0.5, multi_label=True).is_on


@pytest.mark.parametrize("rows", [[[1, 2], [3]], [[1.0, 2.0], [3.0]]], ids=["tokens", "waveforms"])
def test_masks_are_for_frames(rows):
    data = SegmentDataset(RowView.of(Ragged.from_list(rows)), np.array([0, 1]), np.ones(2, np.float32))
    with pytest.raises(ValueError, match="spec_augment masks frames, got rows of shape"):
        call(data.batch(np.arange(2)), spec_augment=True)
