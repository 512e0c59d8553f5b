"""OpenL3 without its weights: shapes, stopping at a layer, independence of rows, the order of the numbers."""

import pytest
import torch

from sklearn_audio.nets import OpenL3

WIDTHS = {"block1": 64, "block2": 128, "block3": 256, "block4": 512, "embedding_512": 512, "embedding_6144": 6144}


def frames(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * -80


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return OpenL3().eval().requires_grad_(False)


@pytest.mark.parametrize("shape", [(199, 256), (199, 128), (197, 257)])
def test_layers_and_widths(shape):
    with torch.device("meta"):
        network, patches = OpenL3().eval(), torch.empty(2, *shape)
    assert network.layers == tuple(WIDTHS)
    assert {layer: network(patches, layer=layer).shape for layer in network.layers} == {
        layer: (2, width) for layer, width in WIDTHS.items()
    }
    assert network(patches).shape == (2, 6144)


def test_a_layer_stops_the_computation():
    with torch.device("meta"):
        network, patches = OpenL3().eval(), torch.empty(1, 199, 128)
    seen, computed = [], {}
    for conv in network.convs:
        conv.register_forward_hook(lambda *_: seen.append(1))
    for layer in network.layers:
        seen.clear()
        network(patches, layer=layer)
        computed[layer] = len(seen)
    assert list(computed.values()) == [2, 4, 6, 8, 8, 8]


def test_the_numbers_are_maxima_of_parts_of_the_last_map(network):
    """Four parts along frequency, then three along time, then the channels, as TensorFlow lays a map out."""
    patches = frames(1, 50, 64)  # a last map of 8 by 6
    found = {}
    hook = network.convs[-1].register_forward_hook(lambda module, inputs, out: found.update(map=out))
    small, large = network(patches, layer=("embedding_512", "embedding_6144"))
    hook.remove()
    last = found["map"][0]  # (512, M', T')
    assert last.shape == (512, 8, 6)
    torch.testing.assert_close(small[0], last.amax(dim=(1, 2)))
    for i, k, channel in ((0, 0, 0), (0, 2, 7), (1, 0, 100), (3, 2, 511)):
        part = last[channel, 2 * i : 2 * i + 2, 2 * k : 2 * k + 2]
        assert large[0, (i * 3 + k) * 512 + channel] == part.max()


def test_rows_do_not_depend_on_their_neighbours(network):
    patches, others = frames(3, 40, 64), frames(3, 40, 64, seed=7)
    others[2] = patches[0]
    assert torch.equal(network(others)[2], network(patches)[0])


def test_it_can_be_trained():
    network = OpenL3().train()
    network(frames(2, 40, 32)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
