"""YAMNet: its layers, its strides, and the transposed network."""

import math

import numpy as np
import pytest
import torch

from sklearn_audio.engine._tuning import tune
from sklearn_audio.engine.models import CARDS
from sklearn_audio.nets import YAMNet
from tests.parity.golden_files import read_golden

FRAMES = torch.randn(2, 96, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return YAMNet().eval().requires_grad_(False)


def test_the_published_size(network):
    """The mean and the variance of the batch norms are in the other weights."""
    layout = read_golden("yamnet").layout.items()
    n_weights = sum(math.prod(shape) for name, shape in layout if "moving" not in name)
    assert sum(parameter.numel() for parameter in network.parameters()) == n_weights
    widths = [network(FRAMES, layer=layer).shape[1] for layer in network.layers]
    assert widths == [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024, 521, 521]


def test_maps_end_as_three_by_two(network):
    shapes = {name: tuple(value.shape[2:]) for name, value in network.stages(FRAMES, wanted=("embedding",))}
    halved = {"block1": (48, 32), "block3": (24, 16), "block5": (12, 8), "block7": (6, 4), "block13": (3, 2)}
    assert halved.items() <= shapes.items()
    assert shapes["embedding"] == (3, 2)


def test_strides_fill_maps_at_their_end(network):
    """As TensorFlow does for maps of an even size: the first window begins at the first frame."""
    frames = torch.zeros(1, 96, 64)
    frames[0, 0, 0] = 1.0
    found = network.blocks[0].conv(torch.nn.functional.pad(frames[:, None], (0, 1, 0, 1)))
    torch.testing.assert_close(
        found[0, :, 0, 0], network.blocks[0].conv.weight[:, 0, 0, 0] + network.blocks[0].conv.bias
    )
    torch.testing.assert_close(network.blocks[0](frames[:, None]), found.relu())


def test_scores(network):
    embedding, logits, probabilities = network(FRAMES, layer=("embedding", "logits", "probabilities"))
    torch.testing.assert_close(network.dense(embedding), logits)
    torch.testing.assert_close(logits.sigmoid(), probabilities)


def test_the_transposed_network_is_the_same(network):
    twin = YAMNet().eval()
    twin.load_state_dict(network.state_dict())
    tune(twin, CARDS["yamnet"]["yamnet"], torch.device("cpu"), "float32")
    assert twin.transposed
    for layer in network.layers:
        np.testing.assert_allclose(twin(FRAMES, layer=layer), network(FRAMES, layer=layer), atol=1e-6)


def test_an_unknown_layer(network):
    with pytest.raises(ValueError, match=r"no layer 'block15'; choose one of \['block1', "):
        network(FRAMES, layer="block15")
