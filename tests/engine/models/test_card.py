"""Model cards: front ends, shortest clips and what is compared with a checkpoint."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch
from scipy.signal import get_window

from sklearn_audio.engine.models import CARDS, ClipPatching, layer_width, layers_of
from sklearn_audio.exceptions import WeightsError

ALL = [card for cards in CARDS.values() for card in cards.values()]
WHOLE = [card for card in ALL if isinstance(card.patching, ClipPatching)]
STFT = "spectrogram_extractor.stft.conv_{}.weight"


def by_name(card):
    return card.name


@pytest.mark.parametrize("card", ALL, ids=by_name)
def test_default_layers_exist(card):
    assert card.layer in layers_of(card)
    assert layer_width(card, card.layer) > 50


class Watched(torch.nn.Module):
    """Counts the passes that are under way at once."""

    most = running = 0

    def forward(self, frames, *, layer):
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.01)
        self.running -= 1
        return torch.empty(1, len(layer), device="meta")


def test_the_network_that_answers_for_its_layers_runs_in_one_thread_at_a_time():
    network = Watched()
    card = replace(CARDS["vggish"]["vggish"], name="watched", build=lambda: network)
    layers = ["x" * width for width in range(1, 7)]
    with ThreadPoolExecutor(len(layers)) as pool:
        assert list(pool.map(lambda layer: layer_width(card, layer), layers)) == [1, 2, 3, 4, 5, 6]
    assert network.most == 1


def test_names_are_unique():
    assert len({card.name for card in ALL}) == len(ALL)


@pytest.mark.parametrize("card", WHOLE, ids=by_name)
def test_networks_take_their_shortest_clip(card):
    shortest = card.patching.shortest
    inputs = {
        "waveform": torch.empty(1, shortest, device="meta"),
        "frames": torch.empty(1, card.front_end.n_frames(shortest), card.front_end.n_features, device="meta"),
    }
    card.front_end(torch.zeros(shortest))  # the padding too
    assert card.on_meta()(*(inputs[name] for name in card.reads)).shape[0] == 1


@pytest.mark.parametrize(
    "model", ["cnn14", "cnn6", "mobilenet_v2", "resnet22", "dainet19", "res1dnet31", "wavegram_cnn14"]
)
def test_no_shorter_clip_would_do(model):
    card = CARDS["panns"][model]
    shorter = card.patching.shortest - 1
    inputs = {
        "waveform": torch.empty(1, shorter, device="meta"),
        "frames": torch.empty(1, card.front_end.n_frames(shorter), 64, device="meta"),
    }
    with pytest.raises((RuntimeError, IndexError)):
        card.on_meta()(*(inputs[name] for name in card.reads))


def published_front_end(rate, n_fft, fmax):
    """The front end in a checkpoint of PANNs, computed by SciPy and librosa."""
    phases = np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) * (-2 * np.pi / n_fft)
    hann = get_window("hann", n_fft, fftbins=True)
    mel = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=fmax).T
    return {
        STFT.format("real"): torch.tensor(np.cos(phases) * hann, dtype=torch.float32).unsqueeze(1),
        STFT.format("imag"): torch.tensor(np.sin(phases) * hann, dtype=torch.float32).unsqueeze(1),
        "logmel_extractor.melW": torch.tensor(mel),
    }


@pytest.mark.parametrize(
    ("model", "rate", "n_fft", "fmax"),
    [("cnn14", 32000, 1024, 14000), ("cnn14_16k", 16000, 512, 8000), ("cnn14_8k", 8000, 256, 4000)],
)
def test_the_front_end_in_a_checkpoint_is_compared_and_dropped(model, rate, n_fft, fmax):
    card = CARDS["panns"][model]
    tensors = published_front_end(rate, n_fft, fmax)
    assert set(card.prepare(tensors | {"fc1.bias": torch.zeros(3)}, card)) == {"fc1.bias"}


@pytest.mark.parametrize("name", [STFT.format("imag"), "logmel_extractor.melW"])
def test_another_front_end_in_a_checkpoint_is_refused(name):
    card = CARDS["panns"]["cnn14"]
    tensors = published_front_end(32000, 1024, 14000)
    tensors[name] = tensors[name] * 1.01
    with pytest.raises(
        WeightsError, match=r"the front end in the checkpoint \(.*is not that of the model, which runs at"
    ):
        card.prepare(tensors, card)


def test_the_front_end_of_another_rate_is_refused():
    card = CARDS["panns"]["cnn14"]
    with pytest.raises(WeightsError, match=r"of shape \(257, 1, 512\).* 32000 Hz with 64 bands; choose the model"):
        card.prepare(published_front_end(16000, 512, 8000), card)


def test_parameters_that_nothing_depends_on_are_dropped():
    idle = {
        "att_block.bn_att.weight": torch.zeros(3),
        "bn0.weight": torch.zeros(3),
        "conv_block1.bn1.bias": torch.zeros(3),
    }
    attention, wavegram = CARDS["panns"]["cnn14_decision_att"], CARDS["panns"]["wavegram_cnn14"]
    assert set(attention.prepare(idle, attention)) == {"bn0.weight", "conv_block1.bn1.bias"}
    assert set(wavegram.prepare(idle, wavegram)) == {"att_block.bn_att.weight"}
