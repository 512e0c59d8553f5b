"""Torch as a program has set it up for itself changes nothing within, and is left as it was."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_audio import EfficientATEmbedder, LSTMClassifier, PatchVotingClassifier
from sklearn_audio._isolation import isolated
from sklearn_audio.base import AudioEstimator
from sklearn_audio.dsp import FrontEnd, deltas


@pytest.fixture(params=[torch.float64, torch.bfloat16, torch.float16], ids=str)
def default_type(request):
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


MADE = {
    "zeros": lambda: torch.zeros(2),
    "empty": lambda: torch.empty(2),
    "linspace": lambda: torch.linspace(0, 1, 3),
    "a window": lambda: torch.hann_window(4),
    "normal": lambda: torch.normal(0.0, 1.0, (3,)),
    "arange of floats": lambda: torch.arange(0.0, 2.0),
    "full of floats": lambda: torch.full((2,), 0.5),
    "tensor of floats": lambda: torch.tensor([0.5]),
    "a layer": lambda: nn.Linear(2, 2).weight,
    "a norm": lambda: nn.BatchNorm1d(2).running_mean,
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_tensors_are_of_float32(make, default_type):
    with isolated():
        assert make().dtype == torch.float32
    assert make().dtype == torch.get_default_dtype() == default_type


def test_a_type_that_is_said_is_kept(default_type):
    with isolated():
        assert torch.zeros(2, dtype=torch.float64).dtype == torch.float64
        assert torch.tensor([1, 2]).dtype == torch.arange(3).dtype == torch.full((2,), 1).dtype == torch.int64
        assert torch.tensor(np.zeros(2)).dtype == torch.as_tensor(np.zeros(2)).dtype == torch.float64
        assert torch.normal(torch.zeros(2, dtype=torch.float64), 1.0).dtype == torch.float64


def test_the_default_type_stays_for_other_threads(default_type):
    seen = []
    with isolated():
        other = threading.Thread(target=lambda: seen.append(torch.zeros(1).dtype))
        other.start()
        other.join()
    assert seen == [default_type]


def test_what_belongs_to_the_thread_is_put_back():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
        with isolated():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
            assert (product.device.type, product.dtype, product.is_inference()) == ("cpu", torch.float32, False)
            assert torch.is_grad_enabled()
            with torch.device("meta"), torch.no_grad():  # what is set within holds
                assert torch.ones(2).is_meta
                assert not torch.is_grad_enabled()
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")
        assert torch.ones(2).is_meta


def test_gradients_may_be_left_to_the_caller():
    with torch.no_grad(), isolated(keep_gradients=True):
        assert not torch.is_grad_enabled()


def test_frames_are_those_without_autocast_and_can_be_differentiated():
    front_end = FrontEnd(sample_rate=8000, n_fft=256, n_mels=12, hop_length=128, top_db=None, fmin=17.0)
    waveform = torch.arange(2000.0).sin()
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        low = [front_end(waveform), deltas(front_end(waveform))]  # makes the constants, too, which are kept
    frames = front_end(waveform.requires_grad_())
    assert torch.equal(low[0], frames)
    assert torch.equal(low[1], deltas(frames))
    frames.sum().backward()
    assert waveform.grad.abs().sum() > 0


SETTINGS = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    "another device": lambda: torch.device("meta"),
    "errors of NumPy": lambda: np.errstate(all="raise"),
}


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    return [rng.standard_normal((12, 4)).astype(np.float32) for _ in range(6)]


def scores(clips):
    classifier = LSTMClassifier(hidden_size=4, max_epochs=2, options={"dropout": 0.3}, random_state=0)
    return classifier.fit(clips, list("ab") * 3).predict_proba(clips)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_fit_is_the_same_within_any_setting(setting, clips):
    wanted = scores(clips)
    with setting():
        assert np.array_equal(scores(clips), wanted)


def test_a_fit_is_the_same_with_any_default_type(clips):
    wanted, before = scores(clips), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(scores(clips), wanted)
    finally:
        torch.set_default_dtype(before)


def test_deterministic_algorithms_change_nothing(clips):
    wanted = scores(clips)
    torch.use_deterministic_algorithms(True)
    try:
        assert np.array_equal(scores(clips), wanted)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_vector_of_a_call_within_autocast_is_the_right_one_in_the_cache(tmp_path):
    clip = np.random.default_rng(0).uniform(-0.5, 0.5, 8000).astype(np.float32)

    def vector(cache):
        return EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000, cache=cache).transform([clip])

    wanted = vector(None)
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        vector(tmp_path)
    assert np.array_equal(vector(tmp_path), wanted)


class Asked(AudioEstimator):
    def fit(self, X, y=None):
        """Say what holds within."""
        self.within_ = torch.is_grad_enabled()
        return self


class AskedOutside(PatchVotingClassifier):
    def ask(self):
        return torch.is_grad_enabled()


def test_public_methods_of_estimators_are_isolated_and_look_as_they_are_written():
    assert Asked.fit.__doc__ == "Say what holds within."
    with torch.no_grad():
        assert Asked().fit(None).within_
        assert not AskedOutside(None).ask()  # what a meta-estimator calls finds what the user has set
