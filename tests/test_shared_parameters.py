"""Parameters that several estimators share, in their signatures, their documentation and their constraints."""

import ast
import inspect
import re
from pathlib import Path
from typing import TypedDict

import pytest
from sklearn.base import clone

import sklearn_audio
from sklearn_audio import AudioEstimator, ConvAutoencoder, LSTMClassifier, PretrainedEmbedder, VGGishEmbedder
from sklearn_audio._shared_parameters import SharedParameters


class Options(TypedDict, total=False):
    size: int
    colour: str


SHARED = SharedParameters(
    Options,
    {"size": 1, "colour": "red"},
    {"{shared}": 'size : int, default=1\n    Of it.\ncolour : str, default="red"\n    Its paint.'},
)


class Thing(AudioEstimator):
    """A thing.

    Parameters
    ----------
    shape : str, default="round"
        Its outline.
    {shared}
    size : int, default=1
        Of the thing.

    Attributes
    ----------
    None
    """

    _shared_parameters = SHARED

    def __init__(self, shape="round", **shared):
        SHARED.assign(self, shared)
        self.shape = shape


class Plain(AudioEstimator):
    """Without paint.

    Parameters
    ----------
    {shared}
    """

    _shared_parameters = SHARED.without("colour")

    def __init__(self, **shared):
        self._shared_parameters.assign(self, shared)


def test_shared_parameters_are_assigned_and_part_of_the_signature():
    assert vars(Thing("flat", colour="blue")) == {"shape": "flat", "size": 1, "colour": "blue"}
    assert str(inspect.signature(Thing)) == "(shape='round', *, size: int = 1, colour: str = 'red')"
    assert str(inspect.signature(Plain)) == "(*, size: int = 1)"


def test_an_unknown_one_is_refused():
    for make, name in ((lambda: Thing(weight=3), "weight"), (lambda: Plain(colour="red"), "colour")):
        with pytest.raises(TypeError, match=rf"\.__init__\(\) got an unexpected keyword argument '{name}'"):
            make()


def test_entries_of_the_class_take_the_place_of_shared_ones():
    lines = inspect.getdoc(Thing).splitlines()
    start = lines.index('shape : str, default="round"')
    assert lines[start + 2 : start + 7] == [
        "size : int, default=1",
        "    Of the thing.",
        'colour : str, default="red"',
        "    Its paint.",
        "",
    ]
    assert "colour" not in Plain.__doc__


PUBLIC = [getattr(sklearn_audio, name) for name in dir(sklearn_audio)]
ESTIMATORS = [value for value in PUBLIC if inspect.isclass(value) and hasattr(value, "_parameter_constraints")]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.__name__)
def test_every_parameter_has_constraints(estimator):
    has_parameters = inspect.signature(estimator).parameters
    assert estimator.__name__ in {"AudioEstimator", "PretrainedEmbedder"} or (
        set(estimator._parameter_constraints) == set(has_parameters)
    )


@pytest.mark.parametrize("make", [LSTMClassifier, VGGishEmbedder, ConvAutoencoder])
def test_scikit_learn_sees_them(make):
    estimator = make(verbose=1)
    assert set(estimator.get_params()) == set(inspect.signature(make).parameters)
    assert clone(estimator).verbose == 1
    assert "verbose=1" in repr(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.__name__)
def test_no_constructor_has_more_than_32_parameters(estimator):
    assert len(inspect.signature(estimator).parameters) <= 32


def table_of_the_guide():
    """Classes and defaults of each parameter, as the guide lists them."""
    page = (Path(__file__).parents[1] / "docs" / "guide" / "parameters.rst").read_text()
    table = {}
    for name, classes in re.findall(r"^   \* - ``(\w+)``\n     - (.*?)\n     - ", page, flags=re.MULTILINE | re.DOTALL):
        for cls, default in re.findall(r"`(\w+)`\s+\(([^)]*)\)", classes):
            assert cls not in table.setdefault(name, {}), (name, cls)
            table[name][cls] = ast.literal_eval(default)
    return table


TABLE = table_of_the_guide()


def test_the_table_of_the_guide_has_the_words_that_several_classes_share():
    words = {"window", "hop", "normalize", "pooling", "device", "random_state", "options", "windows", "n_frames"}
    assert words <= TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_the_guide_lists_every_class_with_its_default(name):
    found = {
        estimator.__name__: inspect.signature(estimator).parameters[name].default
        for estimator in ESTIMATORS
        if name in inspect.signature(estimator).parameters
    }
    embedders = {estimator.__name__ for estimator in ESTIMATORS if issubclass(estimator, PretrainedEmbedder)}
    of_embedders = {found.pop(embedder) for embedder in embedders & found.keys()}
    if "PretrainedEmbedder" in TABLE[name]:
        assert of_embedders == {TABLE[name]["PretrainedEmbedder"]}
    assert {cls: default for cls, default in TABLE[name].items() if cls != "PretrainedEmbedder"} == found
