"""The audio check suite passes what is right and fails every estimator that breaks one promise."""

import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from sklearn_audio import AudioLoader, SequencePooling
from sklearn_audio.testing import audio_checks, check_audio_estimator
from tests.testing.broken_estimators import BROKEN, DependsOnNeighbours, Loader, LoadsWeightsAtConstruction, Pooling


@pytest.fixture
def only(monkeypatch):
    """Let `check_audio_estimator` run one check, so that it is that one which fails."""

    def select(name):
        def chosen(estimator):
            return [(check_name, check) for check_name, check in audio_checks(estimator) if check_name == name]

        monkeypatch.setattr("sklearn_audio.testing._suite.audio_checks", chosen)

    return select


@pytest.fixture(autouse=True)
def settings_put_back():
    """Put back the settings that broken estimators leave changed."""
    n_threads = torch.get_num_threads()  # which fixes that of this thread
    before = torch.is_grad_enabled(), torch.get_default_dtype()
    yield
    torch.set_grad_enabled(before[0])
    torch.set_default_dtype(before[1])
    # in a thread that ends: here it would fix the number of MKL's threads, too
    with ThreadPoolExecutor(1) as pool:
        pool.submit(torch.set_num_threads, n_threads).result()


@pytest.mark.parametrize(("broken", "check", "match"), BROKEN, ids=[case[0].__name__ for case in BROKEN])
def test_what_is_broken_fails(broken, check, match, only, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    only(check)
    with pytest.raises(AssertionError, match=rf"(?s)^{broken.__name__} does not pass {check}: .*{match}"):
        check_audio_estimator(broken())


PICKLED = "check_pickle_in_fresh_process"  # needs a class that a new process can import


@pytest.mark.parametrize("right", [Loader, Pooling])
def test_what_they_are_built_on_passes(right, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = []
    for name, check in audio_checks(right()):
        names.append(name)
        if name != PICKLED:
            check()
    assert names == sorted(set(names), key=names.index)


def test_there_is_a_broken_estimator_for_every_check():
    names = {name for estimator in (Loader(), Pooling()) for name, _ in audio_checks(estimator)}
    assert names == {check for _, check, _ in BROKEN}


def test_weights_loaded_at_construction_are_found():
    check = dict(audio_checks(LoadsWeightsAtConstruction()))["check_nothing_read_at_construction"]
    check()
    check.args[0].set_params(weights="weights.pth")
    with pytest.raises(AssertionError, match="a file was opened at construction"):
        check()


def test_a_pickle_that_fails_in_the_new_process(monkeypatch):
    # pickled by a name that only this process knows
    only_here = type("OnlyHere", (SequencePooling,), {"__module__": "module_of_this_test"})
    module = types.ModuleType("module_of_this_test")
    module.OnlyHere = only_here
    monkeypatch.setitem(sys.modules, "module_of_this_test", module)
    match = r"(?s)the pickle does not work in a new process:.*module_of_this_test"
    with pytest.raises(AssertionError, match=match):
        dict(audio_checks(only_here()))[PICKLED]()


def test_a_pickle_that_gives_something_else_in_the_new_process(monkeypatch):
    # what is patched here is not there
    monkeypatch.setattr(SequencePooling, "transform", lambda self, X: np.zeros((len(X), 8), dtype=np.float32))
    with pytest.raises(AssertionError, match="a pickle in a new process: row 0 differs"):
        dict(audio_checks(SequencePooling()))[PICKLED]()


def test_the_first_check_that_fails_is_named():
    with pytest.raises(AssertionError, match=r"^DependsOnNeighbours does not pass check_\w+: .*row 0 differs"):
        check_audio_estimator(DependsOnNeighbours())


@pytest.mark.parametrize("estimator", [SequencePooling(), AudioLoader(8000)])
def test_right_estimators_pass_as_a_whole(estimator):
    assert check_audio_estimator(estimator) is None


def test_the_estimator_itself_is_left_alone():
    loader = Loader()
    for _, check in audio_checks(loader):
        assert check.args[0] is not loader
    dict(audio_checks(loader))["check_on_error_nan"]()
    assert loader.get_params() == Loader().get_params()


@pytest.mark.parametrize("name", ["check_on_error_nan", "check_background_threads"])
def test_promises_about_parameters_bind_who_has_them(name):
    # has neither on_error nor n_jobs, and no transform that the check could call
    dict(audio_checks(LoadsWeightsAtConstruction()))[name]()
