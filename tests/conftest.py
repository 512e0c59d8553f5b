"""Fixtures of all tests, and the environment that must stand before NumPy and SciPy are imported."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

# scikit-learn's checks of array-API input only run with it, and SciPy reads it once, at import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# One thread: results are compared bit by bit, and parallel test processes share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No display: figures are drawn into memory.
os.environ.setdefault("MPLBACKEND", "agg")

# A shell lets what it starts in the background ignore Ctrl-C; tests of interrupts need the handler of every other run.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

from tests.loopback import running

_DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT_DATA))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}; name their folder in SKLEARN_AUDIO_DATA")
    return folder


@pytest.fixture
def loopback(monkeypatch):
    """A server on this machine, and no proxy between the test and it."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    with running() as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", str(folder))
    return folder


@pytest.fixture
def use_registry(tmp_path, monkeypatch):
    """Put tables on top of the registry of weights."""

    def use(text: str) -> None:
        (tmp_path / "registry.toml").write_text(text)
        monkeypatch.setenv("SKLEARN_AUDIO_REGISTRY", str(tmp_path / "registry.toml"))

    return use


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Leave the tests out of garbage collections: thousands are a million objects, each time a second or two."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_make_parametrize_id(config, val, argname):
    """Name the content of a file by its length: the content of some is random, and differs between the workers."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > 16 else None


def pytest_collection_modifyitems(items):
    """Refuse names of tests that hold an address, which differs between the workers of a run."""
    named = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if named:
        raise pytest.UsageError(f"give these tests ids, or their parameters a repr: {named}")
