"""Imports from the package, and their errors."""

import importlib
import os
import subprocess
import sys

import pytest

import sklearn_audio

_REASON = "'NoneType' object has no attribute 'split'"


@pytest.fixture
def broken_submodule(monkeypatch):
    """One of the submodules raises while it loads, as where an installation is broken."""
    load = importlib.import_module

    def fail(name, package=None):
        if name == "sklearn_audio.classification":
            raise AttributeError(_REASON)
        return load(name, package)

    monkeypatch.setattr(importlib, "import_module", fail)
    monkeypatch.delitem(sklearn_audio.__dict__, "CNNClassifier", raising=False)


@pytest.mark.usefixtures("broken_submodule")
def test_what_fails_while_a_submodule_loads_is_said():
    with pytest.raises(ImportError, match=f"CNNClassifier cannot be loaded: {_REASON}") as caught:
        from sklearn_audio import CNNClassifier  # noqa: F401
    assert isinstance(caught.value.__cause__, AttributeError)
    with pytest.raises(ImportError, match="cannot be loaded"):
        sklearn_audio.CNNClassifier  # noqa: B018


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert not hasattr(sklearn_audio, "GNNClassifier")
    with pytest.raises(ImportError, match="cannot import name 'GNNClassifier'"):
        from sklearn_audio import GNNClassifier  # noqa: F401


@pytest.mark.slow
def test_without_docstrings_the_reason_is_said():
    program = (
        "from sklearn_audio import MFCCTransformer, SequencePooling, KMeansAudioTokenizer, PANNsEmbedder\n"
        "try:\n    from sklearn_audio import CNNClassifier\n"
        "except ImportError as error:\n    print(error)"
    )
    command = [sys.executable, "-OO", "-c", program]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    if run.stdout:  # a skorch that loads without docstrings needs no word
        assert "skorch" in run.stdout
        assert "use python -O." in run.stdout
        assert "cannot import name" not in run.stdout
