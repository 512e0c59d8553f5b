"""Behaviour that all transforms share: probability, refusals, types, and clips that stay as they are."""

import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_audio import LSTMClassifier
from sklearn_audio.augmentation import (
    AddNoise,
    FilterAugment,
    FrequencyWarp,
    Gain,
    RandomCrop,
    RoomReverb,
    SpecAugment,
    SpeedChange,
    TimeShift,
    Transform,
)

WAVEFORM = np.sin(np.arange(4000) / 9).astype(np.float32)
FRAMES = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
OF_WAVEFORMS = [AddNoise(), FilterAugment(), Gain(), RandomCrop(), RoomReverb(), SpeedChange(), TimeShift()]
OF_WAVEFORMS += [TimeShift(wrap=False)]
OF_FRAMES = [AddNoise(), FilterAugment(), FrequencyWarp(), RandomCrop(), SpecAugment(), TimeShift()]
OF_FRAMES += [TimeShift(wrap=False)]
CASES = [*((transform, WAVEFORM) for transform in OF_WAVEFORMS), *((transform, FRAMES) for transform in OF_FRAMES)]


@dataclass(frozen=True)
class Negative(Transform):
    """The least that a transform of one's own is."""

    def change(self, array, rng, sample_rate=None):
        return -array.astype(np.float64)


@pytest.mark.parametrize(("transform", "clip"), CASES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_type_and_features_are_kept_and_the_clip_is_not_touched(transform, clip, dtype):
    clip = clip.astype(dtype)
    before = clip.copy()
    changed = transform.transform(clip, np.random.default_rng(3), 16000)
    assert changed.dtype == dtype
    assert changed.shape[1:] == clip.shape[1:]
    assert changed.shape != clip.shape or not np.array_equal(changed, clip)
    np.testing.assert_array_equal(clip, before)


@pytest.mark.parametrize(("transform", "clip"), CASES, ids=str)
def test_the_generator_decides(transform, clip):
    first, again, other = (transform.transform(clip, np.random.default_rng(seed), 16000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_probability_of_a_change():
    rng = np.random.default_rng(0)
    changed = [Negative(p=0.3).transform(np.ones(1, np.float32), rng)[0] < 0 for _ in range(2000)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.03)
    assert Negative(p=0.0).transform(WAVEFORM, rng) is WAVEFORM


@pytest.mark.parametrize("p", [-0.1, 1.1, "half", True, np.nan])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="p is a probability between 0 and 1, got"):
        Negative(p=p)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 3, 4), ()])
def test_what_is_no_clip_is_refused(shape):
    with pytest.raises(ValueError, match=r"Negative takes a waveform .* got an array of shape"):
        Negative().transform(np.zeros(shape, np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("transform", [AddNoise(), FrequencyWarp(), Gain(), SpeedChange(), SpecAugment()], ids=str)
def test_integers_are_not_rounded_but_refused(transform):
    with pytest.raises(ValueError, match="computes new values from floats, got int64; tokens can be shifted"):
        transform.transform(np.arange(5), np.random.default_rng(0))


@pytest.mark.parametrize("transform", [TimeShift(2), RandomCrop(3)], ids=str)
def test_tokens_are_moved(transform):
    moved = transform.transform(np.arange(5), np.random.default_rng(0))
    assert moved.dtype == np.int64
    assert set(moved.tolist()) <= set(range(5))


def test_transforms_are_values():
    assert Gain(3.0) == Gain(3.0) != Gain(4.0)
    assert pickle.loads(pickle.dumps(TimeShift(5))) == TimeShift(5)
    with pytest.raises(FrozenInstanceError):
        Gain().gain = 2.0


def test_an_estimator_that_holds_some_can_be_cloned():
    transforms = [TimeShift(), SpecAugment(time_masks=1)]
    assert clone(LSTMClassifier(augmentations=transforms)).augmentations == transforms
