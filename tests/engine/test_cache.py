"""The files of the cache, and the weights that its keys name."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sklearn_audio.engine import _cache
from sklearn_audio.engine._cache import DiskCache, content_of, parse_bytes

TENSORS = {"a": np.arange(3.0), "b": np.ones((2, 2), np.float32)}
KEYS = [f"{i:064x}" for i in range(5)]


@pytest.fixture
def disk(tmp_path):
    return DiskCache(tmp_path / "not" / "there")


def test_what_is_written_is_read(disk):
    assert disk.read(KEYS[0]) is None
    disk.write(KEYS[0], b"one")
    disk.write(KEYS[1], b"two")
    disk.write(KEYS[0], b"three")
    assert [disk.read(key) for key in KEYS[:3]] == [b"three", b"two", None]


def test_reading_counts_as_use(disk, tmp_path):
    for key in KEYS:
        disk.write(key, b"12345")
    for path in tmp_path.rglob("*.vectors"):
        os.utime(path, (1e9, 1e9))
    disk.read(KEYS[3])
    assert disk.shrink(9) == 20
    assert [key for key in KEYS if disk.read(key)] == [KEYS[3]]


def test_what_cannot_be_read_is_not_there(disk, tmp_path):
    disk.write(KEYS[0], b"one")
    path = next(tmp_path.rglob("*.vectors"))
    path.unlink()
    path.mkdir()
    assert disk.read(KEYS[0]) is None


def test_a_writer_survives_that_the_cache_is_cleared(disk, monkeypatch):
    replace, n_calls = os.replace, []

    def late(source, target):
        n_calls.append(1)
        if len(n_calls) == 1:
            Path(source).unlink()
            disk.remove_empty_folders()
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    disk.write(KEYS[0], b"one")
    assert disk.read(KEYS[0]) == b"one"


def test_entries_that_vanish_meanwhile(disk, monkeypatch):
    for key in KEYS:
        disk.write(key, b"12345")
    status = os.lstat

    def vanishing(path):
        if KEYS[2] in str(path):
            Path(path).unlink()
        return status(path)

    monkeypatch.setattr(os, "lstat", vanishing)
    assert disk.shrink(0) == 20


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


def test_any_byte_counts(tmp_path):
    path = tmp_path / "weights.pth"
    seen = set()
    for content in (b"", b"short", b"a longer file", b"a longer filf", bytes(100)):
        path.write_bytes(content)
        seen.add(content_of(path))
    assert len(seen) == 5


def test_what_a_safetensors_file_says_of_itself_does_not_count(tmp_path):
    path = tmp_path / "weights.safetensors"
    seen = []
    for about in (None, {"converter": "panns"}, {"converter": "panns", "url": "x"}, {"converter": "ast"}):
        save_file(TENSORS, path, about)
        seen.append(content_of(path))
    assert seen[1] == seen[2]
    assert len(set(seen)) == 3
    save_file(TENSORS | {"b": np.zeros((2, 2), np.float32)}, path, {"converter": "panns"})
    assert content_of(path) not in seen
    save_file({"c": TENSORS["a"], "b": TENSORS["b"]}, path, {"converter": "panns"})
    assert content_of(path) not in seen


def test_a_checkpoint_of_tensorflow_is_all_its_files(tmp_path):
    names = ["vgg.ckpt.index", "vgg.ckpt.data-00000-of-00001"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "vgg.ckpt.txt").write_bytes(b"notes")
    before = content_of(tmp_path / "vgg.ckpt")
    assert len(before) == 2
    assert content_of(tmp_path / names[0]) == content_of(tmp_path / names[1]) == before
    assert content_of(tmp_path) == before
    (tmp_path / names[1]).write_bytes(b"others")
    for path in (tmp_path, tmp_path / "vgg.ckpt", tmp_path / names[0]):
        assert content_of(path) != before


def test_what_is_not_there_has_no_content(tmp_path):
    assert content_of(tmp_path / "missing.pth") == content_of(tmp_path / "no" / "folder.pth") == ()


def test_a_file_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights")
    before = content_of(path)
    with monkeypatch.context() as patch:
        patch.setattr(_cache, "content_hash", None)
        assert content_of(path) == before
    path.write_bytes(b"WEIGHTS")
    os.utime(path, (1e9, 1e9))
    assert content_of(path) != before
