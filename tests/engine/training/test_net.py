"""The loop of training: several batches per step, and what becomes of it when something raises."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_audio.engine.training import GradientAccumulation, WeightAveraging
from tests.engine.training.trainable import Normed, Plain, assert_same, clips, trained, weights_of


class Steps(Callback):
    """Counts the steps, and collects the norms of the gradients and the rates of the batches."""

    norms: ClassVar[list[float]] = []
    rates: ClassVar[list[float]] = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        gradients = [parameter.grad.flatten() for _, parameter in named_parameters]
        self.norms.append(float(torch.cat(gradients).norm()))

    def on_batch_end(self, net, training=None, **kwargs):
        if training:
            self.rates.append(net.optimizer_.param_groups[0]["lr"])


@pytest.fixture
def steps():
    Steps.norms.clear()
    Steps.rates.clear()
    return Steps()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr_schedule": "cosine", "warmup": 1.0},
        {"lr_schedule": "onecycle"},
        {"gradient_clip": 0.05},
        {"weight_decay": 0.1},
        {"callbacks": [WeightAveraging()]},
    ],
)
def test_accumulated_batches_are_one_large_batch(options):
    large = trained(batch_size=24, **options)
    callbacks = [*options.get("callbacks", []), GradientAccumulation(4)]
    assert_same(weights_of(trained(batch_size=6, **options | {"callbacks": callbacks})), weights_of(large), 1e-6)
    apart = trained(batch_size=6, **options)
    assert not torch.allclose(apart.module_.layers[0].weight, large.module_.layers[0].weight, atol=1e-4)


def test_batches_of_unequal_size_weigh_by_their_rows():
    data = clips(n_rows=11)
    large = trained(data=data, batch_size=11)
    assert_same(
        weights_of(trained(data=data, batch_size=4, callbacks=[GradientAccumulation(3)])), weights_of(large), 1e-6
    )


def test_the_last_batches_of_an_epoch_are_a_step_of_their_own(steps):
    trained(n_epochs=2, batch_size=8, callbacks=[steps, GradientAccumulation(4)])
    # 6 batches: of 4 and of 2, twice
    assert len(Steps.norms) == 4


def test_the_rate_is_set_by_steps(steps):
    trained(n_epochs=2, batch_size=8, lr_schedule="cosine", callbacks=[steps, GradientAccumulation(2)])
    wanted = 0.1 * (1 + np.cos(np.pi * np.arange(6) / 6)) / 2
    np.testing.assert_allclose(Steps.rates, np.repeat(wanted, 2))


def test_the_gradient_is_clipped_once_it_is_whole(steps):
    trained(n_epochs=1, gradient_clip=1e-3, callbacks=[steps, GradientAccumulation(3)])
    np.testing.assert_allclose(Steps.norms, 1e-3, rtol=1e-3)


def test_losses_of_the_history_are_those_of_batches_not_of_steps():
    one, three = (trained(n_epochs=1, lr=1e-12, callbacks=[GradientAccumulation(n)]) for n in (1, 3))
    assert three.history[-1, "train_loss"] == pytest.approx(one.history[-1, "train_loss"], rel=1e-6)


def test_batch_normalisation_learns_from_every_batch():
    assert (
        int(trained(Normed, n_epochs=1, callbacks=[GradientAccumulation(3)]).module_.layers[1].num_batches_tracked) == 6
    )


def test_plain_network_has_no_batch_normalisation():
    assert not [name for name in weights_of(trained(Plain, n_epochs=1)) if "running" in name]
