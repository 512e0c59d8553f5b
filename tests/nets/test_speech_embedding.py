"""SpeechEmbedding: windows together are what each is alone, for every layer, as published and transposed."""

import numpy as np
import pytest
import torch

from sklearn_audio.engine._tuning import tune
from sklearn_audio.engine.models import CARDS
from sklearn_audio.nets import SpeechEmbedding


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SpeechEmbedding().eval().requires_grad_(False)


FRAMES = torch.randn(2, 76 + 8 * 3 + 5, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layer", SpeechEmbedding.layers)
def test_windows_together_are_what_each_is_alone(network, layer):
    together = network(FRAMES, layer=layer)
    assert together.shape[:2] == (2, 4)
    for i in range(4):
        alone = network(FRAMES[:, 8 * i : 8 * i + 76], layer=layer)
        np.testing.assert_allclose(alone[:, 0], together[:, i], atol=1e-6)


def test_the_transposed_network_is_the_same(network):
    twin = SpeechEmbedding().eval()
    twin.load_state_dict(network.state_dict())
    tune(twin, CARDS["speech"]["speech_embedding"], torch.device("cpu"), "float32")
    assert twin.transposed
    for layer in network.layers:
        np.testing.assert_allclose(twin(FRAMES, layer=layer), network(FRAMES, layer=layer), atol=1e-6)


def test_an_unknown_layer(network):
    with pytest.raises(ValueError, match=r"no layer 'conv20'; choose one of \['conv1', "):
        network(FRAMES, layer="conv20")
