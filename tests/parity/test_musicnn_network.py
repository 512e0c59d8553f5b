"""MusiCNN against its author's network in TensorFlow, from a seeded checkpoint under TensorFlow's names."""

from __future__ import annotations

import pytest
import torch

from sklearn_audio.nets import MusiCNN
from sklearn_audio.weights._musicnn import convert_musicnn
from tests.parity.golden_files import difference, read_golden
from tests.parity.musicnn_layout import LAYERS, frames, to_tensorflow
from tests.parity.seeded import checkpoint

# measured 2e-6
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def network():
    network = MusiCNN().eval()
    network.load_state_dict(convert_musicnn(to_tensorflow(checkpoint(read_golden("musicnn").layout))), strict=True)
    return network


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_as_in_the_authors_network(network, layer):
    golden = read_golden("musicnn").answers["plain"][layer]
    with torch.no_grad():
        ours = network(torch.from_numpy(frames()), layer=layer).numpy()
    assert golden.std(axis=1).min() > 1e-3
    assert difference(ours, golden, layer) < TOLERANCE
