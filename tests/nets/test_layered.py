"""LayeredNetwork: several layers of one pass, which ends behind the last one wanted, and statistics over time."""

import pytest
import torch

from sklearn_audio.nets import OVER_TIME, LayeredNetwork
from sklearn_audio.nets._layered import probabilities


class Doubling(LayeredNetwork):
    layers = ("map", "embedding", "last")
    over_time = ("map", "embedding")
    n_sums = 0

    def stages(self, *inputs, wanted):
        (frames,) = inputs  # (B, T, M)
        x = frames.transpose(1, 2).unsqueeze(3)  # (B, T, M) -> (B, M, T, 1)
        yield "map", x
        yield "embedding", 2 * x.mean(dim=(2, 3))
        yield "embedding" + OVER_TIME, 2 * x[..., 0]
        self.n_sums += 1
        yield "last", x.sum(dim=(2, 3))


FRAMES = torch.tensor([[[1.0, 5.0], [3.0, 5.0]]])


def test_one_layer_and_several():
    network = Doubling()
    assert network(FRAMES).tolist() == [[4.0, 10.0]]
    assert network(FRAMES, layer="map").tolist() == [[2.0, 5.0]]
    assert network.n_sums == 0  # it lies behind them
    last, first = network(FRAMES, layer=("last", "map"))
    assert (last.tolist(), first.tolist()) == ([[4.0, 10.0]], [[2.0, 5.0]])


def test_statistics_over_time():
    of_map, of_embedding = Doubling()(FRAMES, layer=("map" + OVER_TIME, "embedding" + OVER_TIME))
    assert of_map.tolist() == [[2.0, 5.0, 1.0, 0.0, 3.0, 5.0]]  # means, deviations, maxima
    assert of_embedding.tolist() == [[4.0, 10.0, 2.0, 0.0, 6.0, 10.0]]
    assert Doubling()(FRAMES[:, :1], layer="map" + OVER_TIME).tolist() == [[1.0, 5.0, 0.0, 0.0, 1.0, 5.0]]


@pytest.mark.parametrize("layer", ["lst", ("last", "lst"), "last" + OVER_TIME])
def test_an_unknown_layer(layer):
    with pytest.raises(ValueError, match=r"no layer '(lst|last:time)'; choose one of \['map', 'embedding', 'last'\]"):
        Doubling()(FRAMES, layer=layer)


@pytest.mark.parametrize("n_labels", [1, 50, 521, 527])
@pytest.mark.parametrize("n_rows", [2, 4, 7, 8])
def test_probabilities_do_not_depend_on_the_position_in_the_batch(n_labels, n_rows):
    logits = torch.randn(n_rows, n_labels, generator=torch.Generator().manual_seed(0))
    found = probabilities(logits)
    torch.testing.assert_close(found, logits.sigmoid(), rtol=1e-6, atol=1e-7)
    for shift in range(n_rows):
        assert torch.equal(probabilities(logits.roll(shift, dims=0)), found.roll(shift, dims=0))
    steps = torch.stack([logits, logits.flip(0)], dim=1)  # (B, 2, L), and stored with the steps last
    assert torch.equal(probabilities(steps.transpose(1, 2).contiguous().transpose(1, 2))[:, 0], found)
