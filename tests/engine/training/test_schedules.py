"""Learning rates over time."""

import numpy as np
import pytest
import torch
from skorch.callbacks import LRScheduler
from torch.optim import lr_scheduler

from sklearn_audio import LSTMClassifier
from sklearn_audio.engine.training._callbacks import SCHEDULES, Schedule
from sklearn_audio.engine.training._checkpoint import _load_into, _state_of
from tests.engine.training.trainable import trained

FRAMES = list(np.random.default_rng(0).normal(size=(8, 5, 3)).astype(np.float32))


class Rates:
    """A net as far as a schedule knows one, and the rates of all its batches."""

    def __init__(self, schedule, n_batches, lr=0.5):
        self.schedule, self.n_batches, self.lr, self.batch_size = schedule, n_batches, lr, 1
        self.optimizer_ = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        schedule.on_train_begin(self, range(n_batches))

    def run(self, n_epochs, losses=None):
        found = []
        for epoch in range(n_epochs):
            for batch in range(self.n_batches):
                self.batches_done = batch
                self.schedule.on_batch_begin(self, training=True)
                found.append(self.optimizer_.param_groups[0]["lr"])
                self.optimizer_.step()
            self.schedule.on_batch_begin(self, training=False)
            self.history = {(-1, "valid_loss"): None if losses is None else losses[epoch]}
            self.schedule.on_epoch_end(self)
        return np.array(found)


def rates(schedule, n_epochs, n_batches, losses=None):
    return Rates(schedule, n_batches).run(n_epochs, losses)


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
    whole, first, second = (Rates(Schedule(name, 8, warmup=1, patience=1), 3) for _ in range(3))
    wanted = whole.run(8, losses)
    first.run(5, losses)
    second.optimizer_.load_state_dict(first.optimizer_.state_dict())
    _load_into(second.schedule, _state_of(first.schedule, "lr_schedule"))
    assert (second.run(3, losses[5:]) == wanted[15:]).all()


def test_warm_up_rises_linearly_and_the_schedule_has_the_rest():
    found = rates(Schedule("cosine", 6, warmup=2), 6, 4)
    np.testing.assert_allclose(found[:8], 0.5 * np.arange(1, 9) / 8)
    np.testing.assert_allclose(found[8:], rates(Schedule("cosine", 4), 4, 4))


def test_warm_up_without_a_schedule():
    np.testing.assert_allclose(rates(Schedule(None, 4, warmup=0.5), 4, 4), [0.25] + [0.5] * 15)


def test_no_schedule_leaves_the_rate_to_others():
    halved = LRScheduler("StepLR", step_size=1, gamma=0.5)
    history = trained(lr_schedule=None, callbacks=[halved]).history
    assert halved.policy == "StepLR"
    assert history[:, "lr"] == [0.1, 0.05, 0.025, 0.0125]


def test_the_rate_of_a_schedule_is_the_one_that_was_asked_for():
    """Not that of another schedule, nor of the fit that a warm start continues."""
    other = LRScheduler("StepLR", step_size=1, gamma=0.5)
    alone, beside = (trained(lr_schedule="cosine", callbacks=callbacks) for callbacks in ([], [other]))
    assert beside.history[:, "lr"] == alone.history[:, "lr"]
    options = {"hidden_size": 2, "max_epochs": 2, "warm_start": True, "lr_schedule": "step", "random_state": 0}
    warm = LSTMClassifier(lr=0.1, **options).fit(FRAMES, [0, 1] * 4).set_params(lr=0.5).fit(FRAMES, [0, 1] * 4)
    np.testing.assert_allclose(warm.history_["lr"], [0.1, 0.01, 0.5, 0.05])


def test_plateau_is_given_the_validation_loss():
    falling = np.linspace(1.0, 0.1, 8)
    np.testing.assert_allclose(rates(Schedule("plateau", 8, patience=2), 8, 1, falling), 0.5)
    stuck = rates(Schedule("plateau", 8, patience=2), 8, 1, np.ones(8))
    np.testing.assert_allclose(stuck, 0.5 * 0.3 ** np.array([0, 0, 0, 0, 1, 1, 1, 2]))


def test_a_warm_up_longer_than_training_has_no_schedule_after_it():
    assert Schedule("cosine", 2, warmup=4).factor(5.0) == 1.0


def test_milestones_are_those_of_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs, wanted = lr_scheduler.MultiStepLR(optimizer, [2, 3, 5], gamma=0.5), []
    for _ in range(7):
        wanted += [optimizer.param_groups[0]["lr"]] * 4
        optimizer.step()
        theirs.step()
    np.testing.assert_allclose(rates(Schedule({"milestones": [2, 3, 5], "factor": 0.5}, 7), 7, 4), wanted)
    default = rates(Schedule({"milestones": (1,)}, 2), 2, 3)
    np.testing.assert_allclose(default, [0.5] * 3 + [0.05] * 3)


@pytest.mark.parametrize(
    ("schedule", "match"),
    [
        ({"milestones": [0]}, r"lr_schedule\['milestones'\]=\[0\]: give a list of epochs above 0"),
        ({"milestones": 3}, r"lr_schedule\['milestones'\]=3: give a list of epochs"),
        ({"factor": 0.5}, r"lr_schedule\['milestones'\]=None: give a list of epochs"),
        ({"milestones": [3], "factor": 0.0}, r"lr_schedule\['factor'\]=0.0: give a number above 0"),
        ({"milestone": [3]}, "unknown key of lr_schedule 'milestone'; did you mean 'milestones'"),
    ],
)
def test_impossible_milestones(schedule, match):
    with pytest.raises(ValueError, match=match):
        LSTMClassifier(lr_schedule=schedule).fit(FRAMES, [0, 1] * 4)


def test_the_rates_of_a_fit_have_milestones():
    schedule = {"milestones": [1], "factor": 0.5}
    fitted = LSTMClassifier(hidden_size=2, lr_schedule=schedule, lr=0.1, max_epochs=3, random_state=0)
    np.testing.assert_allclose(fitted.fit(FRAMES, [0, 1] * 4).history_["lr"], [0.1, 0.05, 0.05])
