"""The files of the cache."""

import os
from pathlib import Path

import pytest

from sklearn_audio.engine._cache_store import Store
from sklearn_audio.engine._vector_cache import parse_bytes

KEYS = [f"{i:064x}" for i in range(5)]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "not" / "there")


def test_what_is_written_is_read(store):
    assert store.read(KEYS[0]) is None
    store.write(KEYS[0], b"one")
    store.write(KEYS[1], b"two")
    store.write(KEYS[0], b"three")
    assert [store.read(key) for key in KEYS[:3]] == [b"three", b"two", None]


def test_reading_counts_as_use(store, tmp_path):
    for key in KEYS:
        store.write(key, b"12345")
    for path in tmp_path.rglob("*.vectors"):
        os.utime(path, (1e9, 1e9))
    store.read(KEYS[3])
    assert store.shrink(9) == 20
    assert [key for key in KEYS if store.read(key)] == [KEYS[3]]


def test_what_cannot_be_read_is_not_there(store, tmp_path):
    store.write(KEYS[0], b"one")
    path = next(tmp_path.rglob("*.vectors"))
    path.unlink()
    path.mkdir()
    assert store.read(KEYS[0]) is None


def test_a_writer_survives_that_the_cache_is_cleared(store, monkeypatch):
    replace, n_calls = os.replace, []

    def late(source, target):
        n_calls.append(1)
        if len(n_calls) == 1:
            Path(source).unlink()
            store.remove_empty_folders()
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    store.write(KEYS[0], b"one")
    assert store.read(KEYS[0]) == b"one"


def test_entries_that_vanish_meanwhile(store, monkeypatch):
    for key in KEYS:
        store.write(key, b"12345")
    status = os.lstat

    def vanishing(path):
        if KEYS[2] in str(path):
            Path(path).unlink()
        return status(path)

    monkeypatch.setattr(os, "lstat", vanishing)
    assert store.shrink(0) == 20


def test_numbers_of_bytes():
    assert [parse_bytes(size, "x") for size in (0, 10, "10", "1k", "1.5 MB", "2G", "1T")] == [
        0,
        10,
        10,
        1024,
        3 << 19,
        2 << 30,
        1 << 40,
    ]
    with pytest.raises(ValueError, match=r"x must be a number of bytes, such as 500000000 or '2G', got '1P'\."):
        parse_bytes("1P", "x")
