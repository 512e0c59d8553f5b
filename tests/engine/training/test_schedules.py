"""Learning rates over time."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from sklearn_audio.engine.training._schedules import SCHEDULES, Schedule


def rates(schedule, n_epochs, n_batches, losses=None, lr=0.5):
    """Rates of all batches, as a net would be given them."""
    parameter = torch.zeros(1, requires_grad=True)
    net = SimpleNamespace(lr=lr, batch_size=1, optimizer_=torch.optim.SGD([parameter], lr=lr), history=None)
    schedule.on_train_begin(net)
    found = []
    for epoch in range(n_epochs):
        schedule.on_epoch_begin(net, dataset_train=range(n_batches))
        for _ in range(n_batches):
            schedule.on_batch_begin(net, training=True)
            schedule.on_batch_begin(net, training=False)
            found.append(net.optimizer_.param_groups[0]["lr"])
        net.history = {(-1, "valid_loss"): None if losses is None else losses[epoch]}
        schedule.on_epoch_end(net)
    return np.array(found)


def test_one_cycle_is_that_of_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=101, cycle_momentum=False)
    wanted = []
    for _ in range(101):
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(wanted) < 101:
            theirs.step()
    # their rise ends half a step early
    peak = int(np.argmax(wanted))
    assert abs(peak - 30) <= 1
    ours = [SCHEDULES["onecycle"](step / 100) for step in range(101)]
    np.testing.assert_allclose(ours, wanted, atol=0.03)
    assert ours[0] == pytest.approx(wanted[0])
    assert ours[-1] == pytest.approx(wanted[-1])


def test_cosine_is_that_of_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    wanted = []
    for _ in range(40):
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    np.testing.assert_allclose(rates(Schedule("cosine", 10), 10, 4), wanted)


def theirs(build, n_steps, metrics=None, lr=0.5):
    """Rates of a schedule of torch, a step at a time."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = build(optimizer)
    found = []
    for step in range(n_steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*([] if metrics is None else [metrics[step]]))
    return found


def test_step_divides_by_ten_after_half_and_three_quarters():
    np.testing.assert_allclose(rates(Schedule("step", 8), 8, 1), [0.5] * 4 + [0.05] * 2 + [0.005] * 2)
    wanted = theirs(lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [4, 6], gamma=0.1), 8)
    np.testing.assert_allclose(rates(Schedule("step", 8), 8, 5), np.repeat(wanted, 5))


def test_plateau_is_that_of_torch():
    losses = np.random.default_rng(0).normal(size=60) + np.linspace(3, 0, 60)
    wanted = theirs(lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.3, patience=3), 60, losses)
    assert len(set(wanted)) > 3
    np.testing.assert_allclose(rates(Schedule("plateau", 60, patience=3), 60, 2, losses), np.repeat(wanted, 2))


def test_warm_up_is_that_of_torch():
    wanted = theirs(lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 8, total_iters=7), 12)
    np.testing.assert_allclose(rates(Schedule(None, 3, warmup=2), 3, 4), wanted)


def test_the_rate_of_a_step_holds_for_all_its_batches():
    found = rates(Schedule("cosine", 3, accumulate=4), 3, 10)
    # 10 batches are steps of 4, 4 and 2
    np.testing.assert_allclose(found, np.repeat(rates(Schedule("cosine", 3), 3, 3), [4, 4, 2] * 3))


@pytest.mark.parametrize("name", ["plateau", "cosine", "step", "onecycle"])
def test_a_schedule_goes_on_from_its_state(name):
    losses = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    whole, first, second = (Schedule(name, 8, warmup=1, patience=1) for _ in range(3))
    wanted = rates(whole, 8, 3, losses)
    rates(first, 5, 3, losses)
    second.on_train_begin(None)
    second.load_state_dict(first.state_dict())
    second.on_train_begin = lambda net: None
    np.testing.assert_allclose(rates(second, 3, 3, losses[5:]), wanted[15:])


def test_warm_up_rises_linearly_and_the_schedule_has_the_rest():
    found = rates(Schedule("cosine", 6, warmup=2), 6, 4)
    np.testing.assert_allclose(found[:8], 0.5 * np.arange(1, 9) / 8)
    np.testing.assert_allclose(found[8:], rates(Schedule("cosine", 4), 4, 4))


def test_warm_up_without_a_schedule():
    np.testing.assert_allclose(rates(Schedule(None, 4, warmup=0.5), 4, 4), [0.25] + [0.5] * 15)


def test_no_schedule_leaves_the_rate_to_others():
    schedule, net = Schedule(None, 4), SimpleNamespace(optimizer_=None)
    schedule.on_train_begin(net)
    schedule.on_batch_begin(net, training=True)


def test_plateau_is_given_the_validation_loss():
    falling = np.linspace(1.0, 0.1, 8)
    np.testing.assert_allclose(rates(Schedule("plateau", 8, patience=2), 8, 1, falling), 0.5)
    stuck = rates(Schedule("plateau", 8, patience=2), 8, 1, np.ones(8))
    np.testing.assert_allclose(stuck, 0.5 * 0.3 ** np.array([0, 0, 0, 0, 1, 1, 1, 2]))


def test_a_warm_up_longer_than_training_has_no_schedule_after_it():
    assert Schedule("cosine", 2, warmup=4).factor(5.0) == 1.0
