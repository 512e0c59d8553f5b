"""Ctrl-C in training, wherever it arrives, and callbacks that stop training by the same exception."""

import functools
import os
import signal
import threading

import numpy as np
import pytest
from skorch.callbacks import Callback, EarlyStopping

from sklearn_audio import ConvAutoencoder, TokenMeanClassifier
from sklearn_audio.engine.training import Checkpoint
from sklearn_audio.engine.training._interrupts import is_stop
from tests.engine.training.trainable import clips, trained
from tests.fuzz.interrupts import run

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(12, 8)).astype(np.float32) + i % 2 for i in range(24)]
Y = np.arange(24) % 2
MOMENTS = ["on_epoch_begin", "on_batch_begin", "on_grad_computed", "on_batch_end", "on_epoch_end", "on_train_end"]


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    # the interrupt comes before one of these
    for i in range(100):
        str(i)


class CtrlC(Callback):
    """Sends the signal in a method of a callback."""

    def __init__(self, moment, epoch=3):
        self.moment, self.epoch = moment, epoch
        setattr(self, moment, self._press)

    def _press(self, net, *args, **kwargs):
        if len(net.history) == self.epoch:
            press_ctrl_c()


class Stop(Callback):
    """Ends training, as skorch's callbacks do."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def raised(function):
    try:
        function()
    except KeyboardInterrupt as error:
        return error
    raise RuntimeError("nothing was raised")


def handle(number, frame):
    raise KeyboardInterrupt


class Handler:
    """Handlers of other kinds, some of which call something that raises."""

    def __call__(self, *args):
        self.end()

    def method(self, number, frame):
        self.end()

    def end(self):
        raise KeyboardInterrupt("by hand")


@pytest.mark.parametrize(
    "handler",
    [signal.default_int_handler, handle, functools.partial(handle), Handler(), Handler().method, lambda *a: handle(*a)],
)
def test_a_signal_is_no_stop(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        assert not is_stop(raised(press_ctrl_c))
    finally:
        signal.signal(signal.SIGINT, before)


def again():
    try:
        press_ctrl_c()
    except KeyboardInterrupt:
        raise KeyboardInterrupt("in my words") from None


def while_cleaning_up():
    try:
        press_ctrl_c()
    finally:
        raise KeyboardInterrupt


@pytest.mark.parametrize("function", [again, while_cleaning_up])
def test_what_follows_from_a_signal_is_no_stop(function):
    assert not is_stop(raised(function))


def test_an_error_without_an_origin_is_no_stop():
    assert not is_stop(KeyboardInterrupt())


def test_a_statement_is_a_stop_also_while_an_older_interrupt_is_handled():
    handled = raised(press_ctrl_c)
    try:
        raise handled
    except KeyboardInterrupt:
        error = raised(Handler().end)
        n_epochs = len(trained(n_epochs=4, callbacks=[Stop()]).history)
    assert n_epochs == 2
    assert is_stop(error, handled)
    assert not is_stop(error)


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_in_a_callback_interrupts_and_the_checkpoint_stays(tmp_path, moment):
    options = {"max_epochs": 4, "random_state": 0}
    estimator = TokenMeanClassifier(
        callbacks=[CtrlC(moment, 4 if moment == "on_train_end" else 3)], checkpoint_dir=tmp_path, **options
    )
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "network_")
    assert len(list(tmp_path.iterdir())) == 1


def test_ctrl_c_after_training_leaves_the_checkpoint(tmp_path, monkeypatch):
    """Right after the file is removed, even."""
    estimator = ConvAutoencoder(2, n_filters=(4, 8), max_epochs=1, random_state=0, checkpoint_dir=tmp_path)
    original = Checkpoint.remove

    def interrupted(checkpoint):
        original(checkpoint)
        assert not checkpoint.file.exists()
        press_ctrl_c()

    monkeypatch.setattr(Checkpoint, "remove", interrupted)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X)
    assert not hasattr(estimator, "network_")
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(Checkpoint, "remove", original)
    resumed = estimator.fit(X).transform(X)
    assert np.array_equal(resumed, estimator.set_params(checkpoint_dir=None).fit(X).transform(X))


@pytest.mark.parametrize("callback", [Stop(), EarlyStopping("train_loss", patience=1, threshold=10.0, sink=str)])
def test_a_callback_that_stops_ends_training(tmp_path, callback):
    stopped = TokenMeanClassifier(max_epochs=9, callbacks=[callback], checkpoint_dir=tmp_path, random_state=0)
    assert stopped.fit(X, Y).n_iter_ == 2
    assert list(tmp_path.iterdir()) == []


def test_a_callback_that_stops_does_so_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(len(trained(callbacks=[Stop()], data=clips(16)).history)))
    thread.start()
    thread.join()
    assert found == [2]


# a signal between the opening of a file and its `with` leaves the closing of it to garbage collection
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed file:ResourceWarning")
def test_random_moments_of_ctrl_c():
    """A few of those that `python -m tests.fuzz.interrupts` tries by the hundred."""
    endings, faults = run(seed=int(np.random.default_rng().integers(2**31)), n_moments=2)
    assert faults == []
    assert sum(endings.values()) >= 2
