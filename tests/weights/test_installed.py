"""Weights that an installed package carries: found without importing it, and nothing is downloaded."""

import hashlib
import sys

import pytest

from sklearn_audio.weights import fetch, read_checkpoint
from sklearn_audio.weights._store import state_of
from tests.registered import PANNS, STATE, equal, toml


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that must not be imported, with the weights in a folder."""
    folder = tmp_path / "packages" / "carries_weights"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "models" / "small.pth").write_bytes(PANNS)
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def register(use_registry, url, package="carries_weights/models/small.pth", content=PANNS):
    sha256 = hashlib.sha256(content).hexdigest()
    use_registry(
        toml("small", url, PANNS, sha256=hashlib.sha256(PANNS).hexdigest(), package=package, package_sha256=sha256)
    )


def test_nothing_is_downloaded_or_imported(package, loopback, home, use_registry):
    register(use_registry, loopback.serve("/small.pth", PANNS))
    assert fetch("small") == package / "models" / "small.pth"
    assert equal(read_checkpoint(fetch("small"), "panns"), STATE)
    assert state_of("small") == "installed"
    assert loopback.paths == []
    assert "carries_weights" not in sys.modules
    assert not home.exists() or not list(home.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("no_such_package/models/small.pth", PANNS),
        ("carries_weights/small.pth", PANNS),
        ("carries_weights/models/small.pth", b"other"),
    ],
)
def test_without_that_file_it_is_downloaded(package, loopback, home, use_registry, name, content):
    register(use_registry, loopback.serve("/small.pth", PANNS), name, content)
    assert state_of("small") == ""
    assert fetch("small") == home / "weights" / "small.safetensors"
    assert state_of("small") == "here"
