"""The module around a network that is trained: normalisation, compression, narrow frames, one's own class."""

import copy
import pickle

import pytest
import torch
from torch import nn

from sklearn_audio.engine.training import network_from_state, network_to_state
from sklearn_audio.nets import ARCHITECTURES, FrameNetwork, LearnedLog, architecture_of
from tests.tiny_network import TinyNetwork

FULL = torch.tensor([6, 6])


class Seen(nn.Module):
    """Gives back the sum of what it sees, and remembers it."""

    fewest_features = 3

    def __init__(self, n_outputs, n_features):
        super().__init__()
        self.n_features = n_features

    def forward(self, frames):
        self.frames = frames
        return frames.sum(dim=(1, 2))[:, None]


def test_normalises_by_what_was_learned_and_marks_what_is_not_real():
    network = FrameNetwork(1, n_features=4, architecture=Seen)
    network.input.mean.copy_(torch.arange(4.0))
    network.input.scale.copy_(torch.full((4,), 0.5))
    network(torch.ones(2, 6, 4), torch.tensor([6, 2]))
    assert network.backbone.frames[0, 5].tolist() == [0.5, 0, -0.5, -1]
    assert not network.backbone.frames[1, 2:].any()


def test_normalises_each_row_by_itself():
    network = FrameNetwork(1, n_features=3, architecture=Seen, per_clip=True)
    row = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    network(torch.cat([row, 5 * row + 7]), FULL)
    torch.testing.assert_close(network.backbone.frames[0], network.backbone.frames[1], atol=1e-4, rtol=1e-4)


def test_narrow_frames_are_filled_up_behind_the_normalisation():
    network = FrameNetwork(1, n_features=1, architecture=Seen)
    network.input.mean.fill_(1.0)
    network(torch.full((2, 6, 1), 3.0), FULL)
    assert network.backbone.n_features == 3
    assert network.backbone.frames[0, 0].tolist() == [2, 0, 0]


def test_compression_is_learned():
    network = FrameNetwork(1, n_features=4, architecture=TinyNetwork, learned_log=True)
    assert isinstance(network.compress, LearnedLog)
    network(torch.rand(2, 6, 4), FULL).sum().backward()
    assert network.compress.log_alpha.grad.abs() > 0
    assert network.compress.raw_beta.grad.abs() > 0


def test_waveforms_go_in_as_they_are():
    network = FrameNetwork(3, architecture="leenet11", options={"dropout": 0.0}).eval()
    network.input.scale.fill_(2.0)
    waveforms = torch.randn(2, 3000, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([3000, 3000])
    torch.testing.assert_close(network(waveforms, lengths), network.backbone(2 * waveforms))
    assert network.embed(waveforms, lengths).shape == (2, network.backbone.n_embedding)


@pytest.mark.parametrize("name", ["cnn4", "crnn", "cnn6"])
def test_embeds_what_the_last_layer_reads(name):
    network = FrameNetwork(3, n_features=32, architecture=name, n_frames=16).eval()
    assert network.embed(torch.zeros(2, 16, 32), torch.tensor([16, 16])).shape == (2, network.backbone.n_embedding)


def test_networks_of_ones_own():
    what = architecture_of(TinyNetwork)
    assert (what.waveforms, what.shortest, what.fewest_features) == (False, 2, 1)
    assert architecture_of(Seen).fewest_features == 3
    assert what.build(n_outputs=3, n_features=4, width=5).pairs.weight.shape == (5, 4, 2)
    assert architecture_of("cnn14") is ARCHITECTURES["cnn14"]


class Deep(nn.Module):
    def __init__(self, n_outputs, n_features):
        super().__init__()
        self.conv = nn.Conv2d(2, n_outputs, 3)


@pytest.mark.parametrize(("architecture", "channels_last"), [("cnn6", True), (Deep, False)])
def test_kernels_lie_as_they_train_fastest_and_stay_so(architecture, channels_last):
    options = {"n_outputs": 3, "n_features": 64, "architecture": architecture}
    network = FrameNetwork(**options)
    stored = pickle.loads(pickle.dumps(network_to_state(network, options)))
    for same in (network, copy.deepcopy(network), network_from_state(stored)):
        deep = [kernel for kernel in same.parameters() if kernel.ndim == 4 and kernel.shape[1] > 1]
        assert {kernel.is_contiguous(memory_format=torch.channels_last) for kernel in deep} == {channels_last}
