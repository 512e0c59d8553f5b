from __future__ import annotations

import json

import pytest

from sklearn_audio.optional import require


def test_returns_the_module():
    assert require("json", needed_by="this test", extra="test") is json


def test_returns_a_submodule():
    assert require("os.path", needed_by="this test", extra="test").join("a", "b") in ("a/b", "a\\b")


def test_names_purpose_package_and_extra():
    message = r"Reading m4a needs the package 'no_such_package'.*pip install 'sklearn-audio\[ffmpeg\]'"
    with pytest.raises(ImportError, match=message):
        require("no_such_package", needed_by="Reading m4a", extra="ffmpeg")


def test_keeps_the_cause():
    with pytest.raises(ImportError, match="no_such_package") as raised:
        require("no_such_package", needed_by="This", extra="test")
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)
