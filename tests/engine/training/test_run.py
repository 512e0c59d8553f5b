"""The description by which fits are told apart."""

import collections
import functools
import os
import pickle
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_audio import ConvAutoencoder, Ragged
from sklearn_audio.engine.training import RowView, describe_run

CPU = torch.device("cpu")
X = Ragged.from_list([[1.0, 2.0], [3.0]])


class Change:
    """A callable of a user, with a setting and something that it works with."""

    def __init__(self, strength):
        self.strength = strength

    def with_private(self, value):
        self._private = value
        return self

    def with_learned(self, value):
        self.learned_ = value
        return self


class Learned:
    """An object that holds a trained network."""

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


LIMIT = 2


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("_limit", "name")

    def __init__(self, limit):
        self.name, self._limit = "x", limit

    def change(self, frames):
        return frames[: self._limit]


class Doubling(torch.nn.Module):
    """A module with a setting beside its tensors, and a tensor that is not saved."""

    def __init__(self, k):
        super().__init__()
        self.k = k
        self.register_buffer("gain", torch.zeros(2), persistent=False)


def closure(k):
    return lambda frames: frames * k


def default(k):
    return lambda frames, k=k: frames * k


def scale(frames, k):
    return frames * k


def limited(frames):
    return frames[:LIMIT]


def inner_limited(frames):
    return [frame for frame in frames if (lambda n: n < LIMIT)(frame)]


@functools.lru_cache
def cached(n):
    return n * LIMIT


def after(generator, n):
    for _ in range(n):
        generator.random()
    return generator


def buffered(k):
    module = Doubling(1)
    module.gain += k
    return module


def made_class(k):
    return type("Made", (), {"k": k, "__call__": lambda self, frames: frames * self.k})


def object_array(k):
    return np.array([Slotted(k)], dtype=object)


KINDS = {
    "partial": lambda k: functools.partial(scale, k=k),
    "closure": closure,
    "default argument": default,
    "bound method": lambda k: Slotted(k).change,
    "method of a generator": lambda k: after(np.random.default_rng(0), k).normal,
    "slots": Slotted,
    "private": lambda k: Change(k).with_private(k),
    "underscore": lambda k: Change(1).with_learned(k),
    "Generator": lambda k: after(np.random.default_rng(0), k),
    "RandomState": lambda k: after(np.random.RandomState(0), k),
    "Random": lambda k: after(random.Random(0), k),
    "torch.Generator": lambda k: torch.Generator().manual_seed(k),
    "module": Doubling,
    "buffer": buffered,
    "tensor": lambda k: torch.tensor(k),
    "bfloat16": lambda k: torch.full((2,), k).bfloat16(),
    "class": made_class,
    "instance": lambda k: made_class(k)(),
    "set": lambda k: {"a", "b", "c", str(k)},
    "OrderedDict": lambda k: collections.OrderedDict(a=k),
    "deque": lambda k: collections.deque([k], maxlen=3),
    "objects in an array": object_array,
    "table": lambda k: pd.DataFrame({"a": [k, "x"]}),
    "path": lambda k: Path("folder") / str(k),
    "long": lambda k: list(range(k, 500)),
    "iterator": lambda k: iter([k, 3]),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_objects_are_told_by_their_content(make):
    one, other, same = (run({"p": make(k)})["p"] for k in (1, 2, 1))
    assert one == same
    assert one != other
    assert "0x" not in one


@pytest.mark.parametrize("function", [limited, inner_limited, cached, lambda frames: frames * LIMIT])
def test_globals_that_a_function_uses_are_part_of_it(function, monkeypatch):
    before = run({"p": function})
    assert run({"p": function}) == before
    monkeypatch.setitem(globals(), "LIMIT", 3)
    assert run({"p": function}) != before


def test_code_is_part_of_a_function_and_of_a_class():
    plus, minus = lambda x: x + 1, lambda x: x - 1
    assert run({"p": plus}) != run({"p": minus})
    classes = [type("Same", (), {"change": change}) for change in (plus, minus)]
    assert run({"p": classes[0]}) != run({"p": classes[1]})


def test_what_a_class_of_callbacks_counts_is_no_part_of_it(monkeypatch):
    class Counting(Callback):
        seen = 0

    before = run({"p": [Counting()]})
    monkeypatch.setattr(Counting, "seen", 5)
    assert run({"p": [Counting()]}) == before


def test_an_encoder_is_told_by_its_weights_not_by_the_clock(tmp_path):
    frames = [np.random.default_rng(i).normal(size=(8, 8)) for i in range(6)]
    options = {"n_filters": (4, 8), "max_epochs": 1}
    one, same = (ConvAutoencoder(2, random_state=0, **options).fit(frames) for _ in range(2))
    same.set_params(verbose=1, checkpoint_dir=tmp_path)
    assert not one.history_.equals(same.history_)
    assert run({"p": one}) == run({"p": same}) == run({"p": pickle.loads(pickle.dumps(same))})
    assert run({"p": one}) != run({"p": ConvAutoencoder(2, random_state=1, **options).fit(frames)})


PROGRAM = """
import functools, torch
from sklearn_audio.engine.training import describe_run
from skorch.callbacks import EpochScoring
def gain(x, k={"a", "b", "c"}): return x
parameters = {"p": [functools.partial(gain, 1), lambda x: gain(x), {"x", "y", "z"}, EpochScoring("f1_macro")]}
print(describe_run("LSTMClassifier", parameters, {}, torch.device("cpu"))["p"])
"""


def test_descriptions_are_the_same_in_every_process():
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1
    assert "blake2b:" in found.pop()


@pytest.mark.parametrize(
    "unreadable",
    [(i for i in range(3)), threading.Lock(), functools.partial(scale, k=(i for i in range(3))), sys.stdout],
    ids=["generator", "lock", "generator in a partial", "file"],
)
def test_what_cannot_be_told_apart_is_refused_by_the_name_of_the_parameter(unreadable):
    match = (
        r"augmentations holds an object whose content cannot be read \(.*\), so checkpoint_dir could not distinguish"
    )
    with pytest.raises(ValueError, match=match):
        run({"augmentations": [unreadable]})


def test_what_holds_itself_ends():
    endless = Change(1)
    endless.strength = endless
    assert "Change that holds this" in run({"p": endless})["p"]


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
