"""Parameters that are dicts: their keys, defaults and values, in every estimator that has some."""

import inspect
import re

import numpy as np
import pytest

from sklearn_audio import (
    BERTClassifier,
    CNNClassifier,
    FrameMLPClassifier,
    LSTMClassifier,
    PrototypicalClassifier,
    TokenMeanClassifier,
)
from sklearn_audio._meaning import given_items, items_of
from sklearn_audio.nets import ARCHITECTURES

X, Y = np.zeros((4, 8, 3)), [0, 1, 0, 1]
SEQUENCES = (BERTClassifier, FrameMLPClassifier, LSTMClassifier, TokenMeanClassifier)
DICTS = [(cls, name) for cls in (*SEQUENCES, CNNClassifier) for name in cls._parameter_items]


def entry_of(cls, parameter):
    """The entry of a parameter in the docstring of a class, in one line."""
    entry = re.search(rf"^{parameter} : .*\n(?:    .*\n|\n(?=    ))+", inspect.getdoc(cls), flags=re.MULTILINE)[0]
    return " ".join(entry.split())


@pytest.mark.parametrize(("cls", "parameter"), DICTS)
def test_every_key_and_its_default_are_documented(cls, parameter):
    bullets = dict(bullet.split('"', 1) for bullet in entry_of(cls, parameter).split(' - "')[1:])
    for key, item in cls._parameter_items[parameter].items():
        default = f'"{item.default}"' if isinstance(item.default, str) else str(item.default)
        assert f"by default {default}" in bullets[key]


def test_options_of_networks_are_documented():
    names = {name for network in ARCHITECTURES.values() for name in network.options} - {"hidden_sizes"}
    entry = entry_of(CNNClassifier, "options")
    assert [name for name in sorted(names) if f'"{name}"' not in entry] == []
    assert '"hidden_sizes"' in entry_of(PrototypicalClassifier, "options")
    assert '"hop"' in entry_of(PrototypicalClassifier, "windows")


@pytest.mark.parametrize("cls", SEQUENCES)
def test_keys_have_the_defaults_of_the_class_unless_given(cls):
    defaults = {name: item.default for name, item in cls._parameter_items["options"].items()}
    assert items_of(cls(), "options") == items_of(cls(options={}), "options") == defaults
    given = cls(options={"dropout": 0.5})
    assert items_of(given, "options") == defaults | {"dropout": 0.5}
    assert given_items(given, "options") == {"dropout": 0.5}


def test_a_value_in_place_of_a_dict_is_that_of_the_first_key():
    assert items_of(CNNClassifier(windows="all"), "windows") == items_of(
        CNNClassifier(windows={"take": "all"}), "windows"
    )
    assert given_items(CNNClassifier(mixup=0.2), "mixup") == {"alpha": 0.2}
    assert given_items(PrototypicalClassifier("timbre"), "windows") == {}


@pytest.mark.parametrize("cls", SEQUENCES)
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"droput": 0.1}, r"unknown key of options 'droput'; did you mean 'dropout'\? Choose one of \['"),
        ({0: 0.1}, r"unknown key of options 0; choose one of \['"),
        ({"dropout": 1.0}, r"The .options\['dropout'\].* parameter of \w+ must be a float in the range .* Got 1.0"),
        ({"dropout": None}, r"The .options\['dropout'\].* Got None instead"),
        ({"n_tokens": 0}, r"The .options\['n_tokens'\].* Got 0 instead"),
        ([("dropout", 0.1)], "The 'options' parameter of .* must be an instance of 'dict' or None"),
    ],
)
def test_unknown_keys_and_values_out_of_range_are_refused(cls, options, match):
    with pytest.raises(ValueError, match=match):
        cls(options=options).fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "match"),
    [
        (LSTMClassifier(options={"pooling": "first"}), r"options\['pooling'\].* must be a str among .* Got 'first'"),
        (LSTMClassifier(options={"max_length": 8}), "unknown key of options 'max_length'"),
        (BERTClassifier(options={"pooling": "last"}), r"options\['pooling'\].* Got 'last'"),
        (BERTClassifier(options={"max_length": 0}), r"options\['max_length'\].* Got 0"),
        (BERTClassifier(options={"truncation": "middle"}), r"options\['truncation'\].* Got 'middle'"),
        (BERTClassifier(options={"embedding_size": 8}), "unknown key of options 'embedding_size'"),
        (FrameMLPClassifier(options={"embedding_size": 1.5}), r"options\['embedding_size'\].* Got 1.5"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_keys_of_one_class(estimator, match):
    with pytest.raises(ValueError, match=match):
        estimator.fit(X, Y)
