"""Transforms from elsewhere: each is called by its own convention, and what it draws is seeded."""

import random

import numpy as np
import pytest
import torch

from sklearn_audio.augmentation import Gain
from sklearn_audio.engine.augmentation import adapt, adapt_all, augment_clip, draws_globally

WAVEFORM = np.linspace(-1, 1, 400, dtype=np.float32)
FRAMES = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)


class Compose:
    """Called as transforms of audiomentations are, and drawing as they do."""

    def __init__(self):
        self.seen = []

    def __call__(self, samples, sample_rate):
        self.seen.append((samples.shape, samples.dtype, sample_rate))
        return samples * np.float32(random.uniform(0.5, 1)) + np.random.uniform(0, 0.1)  # noqa: NPY002


class WaveformModule(torch.nn.Module):
    """Called as transforms of torch_audiomentations are: batch, channel and time."""

    def __init__(self, wrapped=False):
        super().__init__()
        self.wrapped = wrapped
        self.seen = []

    def forward(self, samples, sample_rate=None):
        batch, channels, time = samples.shape
        self.seen.append(((batch, channels, time), sample_rate))
        changed = samples * torch.rand(batch, 1, 1)
        return type("Result", (dict,), {"samples": changed})() if self.wrapped else changed


class TimeMasking(torch.nn.Module):
    """As that of torchaudio: time is the last axis, and the generator is the global one."""

    def __init__(self, width):
        super().__init__()
        self.width = width

    def forward(self, specgram):
        start = int(torch.randint(0, specgram.size(-1) - self.width + 1, ()))
        changed = specgram.clone()
        changed[..., start : start + self.width] = 99.0
        return changed


class Returns(torch.nn.Module):
    """Gives something else than a clip."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, samples):
        return self.value


def noisy(array):
    """A plain function that draws from all three generators."""
    return array + random.random() + np.random.rand() + torch.rand(1).item()  # noqa: NPY002


def shifts_in_place(array):
    array += 1
    return array.astype(np.float64)


def apply(transform, clip, seed=0, sample_rate=None):
    return augment_clip(clip, adapt_all([transform]), np.random.default_rng(seed), sample_rate)


CASES = {
    "audiomentations": (Compose(), WAVEFORM, 16000),
    "torch_audiomentations": (WaveformModule(), WAVEFORM, 16000),
    "torch_audiomentations, wrapped": (WaveformModule(wrapped=True), WAVEFORM, 16000),
    "torchaudio": (TimeMasking(5), FRAMES, None),
    "function of waveforms": (noisy, WAVEFORM, None),
    "function of frames": (noisy, FRAMES, None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_generator_decides_and_global_ones_are_left_alone(case):
    transform, clip, rate = CASES[case]
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    kept = clip.copy()
    first, again, other = (apply(transform, clip, seed, rate) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.shape == clip.shape
    assert first.dtype == np.float32
    np.testing.assert_array_equal(clip, kept)
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])


def test_what_has_the_keywords_is_given_samples_and_their_rate():
    transform = Compose()
    apply(transform, WAVEFORM, sample_rate=22050)
    assert transform.seen == [((400,), np.float32, 22050)]


@pytest.mark.parametrize(("clip", "rate"), [(WAVEFORM, None), (FRAMES, None), (FRAMES, 16000)])
def test_what_takes_waveforms_with_their_rate_refuses_all_else(clip, rate):
    with pytest.raises(ValueError, match=r"augmentations\[0\] \(Compose\) takes waveforms and their sample rate"):
        apply(Compose(), clip, sample_rate=rate)


@pytest.mark.parametrize("rate", [None, 8000])
def test_modules_are_given_batch_and_channel_axes_and_a_rate_if_there_is_one(rate):
    module = WaveformModule()
    apply(module, WAVEFORM, sample_rate=rate)
    assert module.seen == [((1, 1, 400), rate)]


def test_modules_of_frames_have_time_last():
    masked = apply(TimeMasking(5), FRAMES)
    rows = (masked == 99).all(axis=1)
    assert rows.sum() == 5
    np.testing.assert_array_equal(masked[~rows], FRAMES[~rows])


def test_modules_of_torchaudio_as_they_are():
    transforms = pytest.importorskip("torchaudio.transforms", exc_type=(ImportError, OSError))
    masked = apply(transforms.TimeMasking(10), FRAMES)
    rows = (masked == 0).all(axis=1)
    assert 0 < rows.sum() < 10
    np.testing.assert_array_equal(masked[~rows], FRAMES[~rows])


@pytest.mark.slow
def test_transforms_of_audiomentations_as_they_are():
    audiomentations = pytest.importorskip("audiomentations", reason="audiomentations is not installed")
    transform = audiomentations.Compose(
        [audiomentations.AddGaussianNoise(p=1.0), audiomentations.PolarityInversion(p=1.0), audiomentations.Gain(p=0.5)]
    )
    kept = WAVEFORM.copy()
    states = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (apply(transform, WAVEFORM, seed, 16000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.shape == WAVEFORM.shape
    assert np.corrcoef(first, WAVEFORM)[0, 1] < -0.9  # inverted, with a little noise
    np.testing.assert_array_equal(WAVEFORM, kept)
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_a_function_may_work_in_place_and_in_another_precision():
    kept = WAVEFORM.copy()
    changed = apply(shifts_in_place, WAVEFORM)
    np.testing.assert_array_equal(WAVEFORM, kept)
    np.testing.assert_array_equal(changed, kept + 1)
    assert changed.dtype == np.float32


def test_built_in_functions_without_a_signature_are_functions_of_arrays():
    np.testing.assert_array_equal(apply(np.negative, FRAMES), -FRAMES)


def test_transforms_follow_each_other():
    np.testing.assert_allclose(
        augment_clip(WAVEFORM, adapt_all([Gain(20.0), lambda x: x + 1, lambda x: x[:10]]), np.random.default_rng(0)),
        WAVEFORM[:10] * 10 + 1,
        rtol=1e-6,
    )
    assert adapt_all(None) == ()


def test_ours_stay_as_they_are_and_need_no_global_generators():
    gain = Gain()
    assert adapt(gain, "it") is gain
    assert not draws_globally([gain])
    assert draws_globally(adapt_all([gain, noisy]))


@pytest.mark.parametrize("transform", [Compose, "shift", 3, None])
def test_what_is_no_transform_is_refused(transform):
    with pytest.raises(TypeError, match=r"augmentations\[1\] is .*; give an instance of a transform"):
        adapt_all([noisy, transform])


@pytest.mark.parametrize(
    "function", [lambda x: x.mean(axis=1), lambda x: x[:, :3], lambda x: x[:0], lambda x: x[None], lambda x: None]
)
def test_what_gives_no_clip_is_named(function):
    with pytest.raises(ValueError, match=r"augmentations\[0\] \(<lambda>\) received an array of shape \(30, 8\) and"):
        apply(function, FRAMES)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_gives_no_numbers_is_named(value):
    with pytest.raises(ValueError, match=r"augmentations\[0\] \(<lambda>\) returned NaN or infinity"):
        apply(lambda x: x + value, FRAMES)


@pytest.mark.parametrize("value", [None, torch.zeros(400), torch.zeros(1, 2, 400), torch.zeros(1, 1, 1, 400)])
def test_a_module_that_drops_axes_is_named(value):
    with pytest.raises(ValueError, match=r"augmentations\[0\] \(Returns\) received a tensor of shape \(1, 1, 400\)"):
        apply(Returns(value), WAVEFORM)


def test_an_error_of_a_transform_is_its_own():
    def fails(array):
        raise RuntimeError("out of tape")

    with pytest.raises(RuntimeError, match="out of tape"):
        apply(fails, FRAMES)
