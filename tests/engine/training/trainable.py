"""A small problem and networks that learn it in no time."""

import numpy as np
import torch
from torch import nn

from sklearn_audio import Ragged
from sklearn_audio.engine.training import (
    ClassificationLoss,
    RowView,
    SegmentDataset,
    TrainingConfig,
    build_net,
    seeded,
    train,
)

CPU = torch.device("cpu")


class Normed(nn.Module):
    """A linear layer, batch normalisation, and the decision; of the mean frame."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))

    def forward(self, values, lengths):
        return self.layers(values.mean(dim=1))


class Plain(Normed):
    """The same without batch normalisation."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def clips(n_rows=48, n_frames=5, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.arange(n_rows) % 2
    frames = [rng.normal(size=(n_frames, 3)) + code for code in codes]
    weights = rng.uniform(0.5, 1.5, size=n_rows).astype(np.float32)
    return SegmentDataset(RowView.of(Ragged.from_list(frames, dtype=np.float32)), codes, weights)


def trained(network=Plain, valid=None, checkpoint=None, data=None, **options):
    """Train and give the net."""
    options = {"n_epochs": 4, "lr": 0.1, "batch_size": 8, "optimizer": "sgd"} | options
    config = TrainingConfig(**options)
    with seeded(0) as generators:
        net = build_net(network(), ClassificationLoss(False), config, CPU, 2)
    data = clips() if data is None else data
    train(net, config, data, valid, seed=1, generators=generators, checkpoint=checkpoint)
    return net


def weights_of(net):
    return {name: tensor.clone() for name, tensor in net.module_.state_dict().items()}


def assert_same(one, other, tolerance=0.0):
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}")
