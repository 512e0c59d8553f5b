"""TALNet: its decisions over time and its convolutions."""

import pytest
import torch

from sklearn_audio.nets import (
    CRNN,
    FramePooling,
)
from sklearn_audio.nets._talnet import FRAME_POOLINGS, ConvStack

N_OUTPUTS = 3


@pytest.mark.parametrize("pooling", FRAME_POOLINGS)
def test_pooled_decisions_are_weighted_means_of_probabilities(pooling):
    layer = FramePooling(8, N_OUTPUTS, pooling).double()
    x = 3 * torch.randn(4, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    p = layer.decide(x).sigmoid()
    wanted = {
        "max": lambda: p.amax(dim=1),
        "mean": lambda: p.mean(dim=1),
        "linear": lambda: (p * p).sum(dim=1) / p.sum(dim=1),
        "exponential": lambda: (p * p.exp()).sum(dim=1) / p.exp().sum(dim=1),
        "attention": lambda: (p * layer.attend(x).softmax(dim=1)).sum(dim=1),
    }[pooling]()
    torch.testing.assert_close(layer(x).sigmoid(), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", ["linear", "exponential", "attention"])
def test_decisions_do_not_depend_on_the_position_in_the_batch(pooling):
    layer = FramePooling(8, N_OUTPUTS, pooling)
    decisions = torch.randn(5, 7, N_OUTPUTS, generator=torch.Generator().manual_seed(0))
    scores = layer._score(torch.zeros(5, 7, 8), decisions)
    for shift in range(5):
        moved = layer._score(torch.zeros(5, 7, 8), decisions.roll(shift, dims=0))
        assert torch.equal(moved, scores.roll(shift, dims=0))


@pytest.mark.parametrize("pooling", FRAME_POOLINGS)
def test_pooled_decisions_never_saturate(pooling):
    """Probabilities of 1 - 1e-200, whose logarithms as such would be infinite."""
    layer = FramePooling(1, 1, pooling)
    with torch.no_grad():
        layer.decide.weight.fill_(1.0)
    x = torch.tensor([[[500.0], [400.0]], [[-500.0], [-400.0]]], requires_grad=True)
    logits = layer(x)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert logits[0] >= 399.9 > -399.9 >= logits[1]  # their weighted mean, up to rounding
    assert x.grad.isfinite().all()
    assert x.grad.abs().sum() > 0


def test_unknown_poolings_are_refused():
    with pytest.raises(ValueError, match=r"no pooling 'mode'; choose one of \['max', 'mean'"):
        CRNN(2, 32, n_embedding=32, pooling="mode")


@pytest.mark.parametrize("n_features", [32, 33, 40, 96, 100, 128, 257])
@pytest.mark.parametrize("n_embedding", [16, 100, 1024])
def test_convolutions_fit_any_number_of_bands(n_features, n_embedding):
    with torch.device("meta"):
        stack = ConvStack(n_features, n_embedding)
        assert stack(torch.empty(1, 19, n_features)).shape == (1, 4, stack.width)
    assert stack.width % 8 == 0
    if n_features in (32, 128) and n_embedding == 1024:
        assert stack.width == 1024
