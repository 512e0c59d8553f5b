"""Options of networks by name: each has constraints, and no network is built with a value out of its range."""

import numpy as np
import pytest

from sklearn_audio import CNNClassifier
from sklearn_audio.classification._network_options import NETWORK_OPTIONS, options_of, options_of_own
from sklearn_audio.nets import ARCHITECTURES

WRONG = {
    "dropout": 1.5,
    "input_norm": "yes",
    "n_embedding": 0,
    "n_layers": 0,
    "pooling": "median",
    "positions": 2,
    "shared_layers": None,
    "size": "huge",
    "stride": 10,
    "transformer_dropout": -0.1,
    "width": 0.0,
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_option_has_constraints(architecture):
    assert set(options_of(ARCHITECTURES[architecture])) == set(ARCHITECTURES[architecture].options)


def test_every_constraint_belongs_to_an_option():
    assert set(NETWORK_OPTIONS) == {name for what in ARCHITECTURES.values() for name in what.options}


@pytest.mark.parametrize("name", WRONG)
def test_values_out_of_range_are_refused_by_name(name):
    architecture = next(key for key, what in ARCHITECTURES.items() if name in what.options)
    with pytest.raises(ValueError, match=rf"The .options\['{name}'\].* parameter of CNNClassifier must be"):
        CNNClassifier(architecture, options={name: WRONG[name]}).fit(np.zeros((4, 8, 3)), [0, 1, 0, 1])


def test_a_network_of_ones_own_takes_what_it_takes():
    assert set(options_of_own({"width": "wide", "depth": None})) == {"width", "depth"}
    assert options_of_own(None) == {}
