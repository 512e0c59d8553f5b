"""What tells fits apart."""

import numpy as np
import pytest
import torch

from sklearn_audio import Ragged
from sklearn_audio.engine.training import RowView, describe_run

CPU = torch.device("cpu")
X = Ragged.from_list([[1.0, 2.0], [3.0]])


class Change:
    """A callable of a user, with a setting and something that it works with."""

    def __init__(self, strength):
        self.strength = strength
        self._cache = object()
        self.seen_ = 0


class Learned:
    """What holds a network that was trained."""

    def __init__(self, network):
        self.network_ = network


def run(parameters=None, **data):
    return describe_run("LSTMClassifier", parameters or {}, data, CPU)


def test_versions_and_device_are_part_of_it():
    assert {"estimator", "sklearn_audio", "torch", "numpy", "device"} <= set(run())


def test_parameters_are_readable():
    described = run({"lr": np.float64(0.1), "optimizer": torch.optim.SGD, "sizes": (1, 2), "options": {"a": None}})
    assert described["lr"] == "0.1"
    assert described["optimizer"] == "torch.optim.sgd.SGD"
    assert described["sizes"] == "[1, 2]"
    assert described["options"] == "{'a': None}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.1, 0.2),
        (Change(1), Change(2)),
        ([Change(1)], [Change(1), Change(1)]),
        (np.zeros(2), np.ones(2)),
        ({"a": 1}, {"a": 2}),
        (np.tanh, np.sin),
        (None, 0),
        (torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)),
        (Learned(torch.nn.Linear(1, 1)), Learned(torch.nn.Linear(1, 1))),
    ],
)
def test_parameters_that_differ(one, other):
    assert run({"p": one}) != run({"p": other})
    assert run({"p": one}) == run({"p": one})


def test_objects_are_told_by_their_settings_not_their_address():
    one, other = Change(1), Change(1)
    other.seen_ = 5
    assert run({"p": one}) == run({"p": other})
    assert "0x" not in str(run({"p": [one, np.random.RandomState(0), open]}))


def test_what_holds_itself_ends():
    endless = Change(1)
    endless.strength = endless
    assert run({"p": endless})["p"].count("Change") == 4


@pytest.mark.parametrize(
    "other",
    [
        Ragged.from_list([[1.0], [2.0, 3.0]]),
        Ragged.from_list([[1.0, 2.0], [4.0]]),
        Ragged.from_list([[1.0, 2.0], [3.0]], dtype=np.float32),
        np.array([1.0, 2.0, 3.0]),
        None,
    ],
)
def test_data_that_differ(other):
    assert run(X=X) != run(X=other)
    assert run(X=X) == run(X=Ragged.from_list([[1.0, 2.0], [3.0]]))


def test_rows_are_the_same_wherever_they_are_kept():
    view = RowView(np.array([9.0, 1.0, 2.0, 3.0]), np.array([1, 3]), np.array([2, 1]))
    assert run(X=X) == run(X=view)


def test_labels_of_any_kind():
    labels = np.array(["a", "b", 1], dtype=object)
    assert run(y=labels) == run(y=labels.copy())
    assert run(y=labels) != run(y=np.array(["a", "b", 2], dtype=object))
