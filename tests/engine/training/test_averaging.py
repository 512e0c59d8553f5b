"""Averages of weights."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, update_bn

from sklearn_audio.engine.training import ClassificationLoss, GradientAccumulation, TrainingBatches, WeightAveraging
from sklearn_audio.engine.training._averaging import average_share
from tests.engine.training.trainable import Normed, Plain, assert_same, clips, trained, weights_of


class Watch(Callback):
    """Collects the weights after every step, after every epoch's training, and at the ends of epochs."""

    steps: ClassVar[list] = []
    trained: ClassVar[list] = []
    epochs: ClassVar[list] = []

    def on_batch_end(self, net, training=None, **kwargs):
        if not training:
            return
        self.steps.append(weights_of(net))
        if net.batches_done == net.n_batches:
            self.trained.append(weights_of(net))

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        if dataset_valid is not None:
            rows = dataset_valid.batch(np.arange(len(dataset_valid)))
            loss = ClassificationLoss(False)(net.infer(rows.inputs).detach(), rows.targets, rows.inputs.weights)
            self.epochs.append((weights_of(net), float(loss)))


@pytest.fixture
def watch():
    for collected in (Watch.steps, Watch.trained, Watch.epochs):
        collected.clear()
    return Watch()


def averaged(weights, decays):
    """The exponential average of a list of weights, by its definition."""
    first, *others = weights
    mean = {name: tensor.double() for name, tensor in first.items()}
    for weight, decay in zip(others, decays, strict=True):
        mean = {name: decay * mean[name] + (1 - decay) * weight[name] for name in mean}
    return mean


@pytest.mark.parametrize("network", [Plain, Normed])
def test_exponential_average_is_that_of_the_steps(watch, network):
    start = trained(network, n_epochs=1, lr=1e-30, batch_size=48)
    net = trained(network, callbacks=[watch, WeightAveraging()])
    first = weights_of(start) | {k: v for k, v in weights_of_new(network).items() if "running" in k or "tracked" in k}
    decays = [(1 + n) / (10 + n) for n in range(1, len(Watch.steps) + 1)]
    wanted = averaged([first, *Watch.steps], decays)
    found = weights_of(net)
    for name in found:
        if found[name].is_floating_point():
            torch.testing.assert_close(found[name].double(), wanted[name], atol=1e-6, rtol=0)
        else:
            assert found[name] == Watch.steps[-1][name]


def weights_of_new(network):
    return network().state_dict()


def test_the_decay_ends_at_a_thousand_steps():
    assert average_share("ema", 10_000) == 1 - 0.999


def test_steps_are_averaged_not_batches(watch):
    net = trained(n_epochs=5, callbacks=[GradientAccumulation(6), watch, WeightAveraging()])
    assert net.callbacks_[1][1].average_.n_averaged == 1 + 5  # the initial weights count


@pytest.mark.parametrize("n_epochs", [1, 3, 8])
def test_swa_is_the_mean_of_the_last_quarter(watch, n_epochs):
    net = trained(n_epochs=n_epochs, callbacks=[watch, WeightAveraging("swa")])
    kept = Watch.trained[-max(1, n_epochs // 4) :]
    wanted = {name: torch.stack([weights[name] for weights in kept]).mean(dim=0) for name in kept[0]}
    assert_same(weights_of(net), wanted, 1e-6)


def test_swa_does_not_disturb_training(watch):
    valid = clips(seed=3)
    trained(Normed, valid, n_epochs=8, callbacks=[watch, WeightAveraging("swa")])
    with_average = list(Watch.trained)
    Watch.trained.clear()
    trained(Normed, valid, n_epochs=8, callbacks=[watch])
    for one, other in zip(with_average, Watch.trained, strict=True):
        assert_same(one, other)


def test_batch_normalisation_is_computed_anew_for_swa():
    data = clips()
    net = trained(Normed, data=data, callbacks=[WeightAveraging("swa")], n_epochs=8)
    assert net.module_.layers[1].momentum == 0.1
    theirs = AveragedModel(net.module_)
    loader = [batch.inputs for batch in TrainingBatches(data, 8)]
    update_bn([inputs.values for inputs in loader], WithoutLengths(theirs))
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(net.module_.layers[1], name), getattr(theirs.module.layers[1], name))
    assert not torch.allclose(net.module_.layers[1].running_mean, torch.zeros(4))


class WithoutLengths(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, values):
        return self.network(values, None)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_the_average_is_what_is_validated(watch, kind):
    valid = clips(seed=3)
    net = trained(Normed, valid, n_epochs=8, callbacks=[watch, WeightAveraging(kind)])
    assert_same(weights_of(net), Watch.epochs[-1][0])
    losses = [row["valid_loss"] for row in net.history]
    np.testing.assert_allclose(losses, [loss for _, loss in Watch.epochs], rtol=1e-5)
    # and training goes on from its own weights
    assert not torch.equal(Watch.epochs[-1][0]["layers.0.weight"], Watch.trained[-1]["layers.0.weight"])


def test_early_stopping_takes_the_best_average(watch):
    data, valid = clips(n_rows=24), clips(n_rows=24, seed=3)
    options = {"lr": 1.5, "callbacks": [watch, WeightAveraging()], "n_epochs": 60}
    net = trained(Plain, valid, data=data, early_stopping=True, patience=4, **options)
    losses = [row["valid_loss"] for row in net.history]
    best = int(np.argmin(losses))
    assert best < len(losses) - 1
    assert_same(weights_of(net), Watch.epochs[best][0])


def test_stopped_before_swa_begins_the_best_weights_stay(watch):
    data, valid = clips(n_rows=24), clips(n_rows=24, seed=3)
    options = {"lr": 1.5, "n_epochs": 400, "early_stopping": True, "patience": 2}
    with_average = trained(Plain, valid, data=data, callbacks=[WeightAveraging("swa")], **options)
    assert len(with_average.history) < 300
    assert_same(weights_of(with_average), weights_of(trained(Plain, valid, data=data, **options)))


class Masked(Plain):
    """A network with constants that have no mean, such as the mask of an attention."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.triu(torch.full((3, 3), -torch.inf), 1), persistent=False)
        self.register_buffer("steps", torch.tensor(3))


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_constants_stay_what_they_are(kind):
    net = trained(Masked, callbacks=[WeightAveraging(kind)], n_epochs=8)
    assert torch.equal(net.module_.mask, Masked().mask)
    assert torch.equal(net.module_.steps, torch.tensor(3))


class Tied(Plain):
    """Two layers with the same weights."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3), torch.nn.Linear(3, 2))
        self.layers[1].weight = self.layers[0].weight


def test_shared_weights_are_averaged_once(watch):
    net = trained(Tied, clips(seed=3), n_epochs=8, callbacks=[watch, WeightAveraging("swa")])
    wanted = torch.stack([weights["layers.0.weight"] for weights in Watch.trained[-2:]]).mean(dim=0)
    torch.testing.assert_close(net.module_.layers[0].weight.detach(), wanted)
    assert net.module_.layers[1].weight is net.module_.layers[0].weight
