"""Weights told by their content."""

import os

import numpy as np
from safetensors.numpy import save_file

from sklearn_audio.engine import _cache_weights
from sklearn_audio.engine._cache_weights import content_of

TENSORS = {"a": np.arange(3.0), "b": np.ones((2, 2), np.float32)}


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
        patch.setattr(_cache_weights, "content_hash", None)
        assert content_of(path) == before
    path.write_bytes(b"WEIGHTS")
    os.utime(path, (1e9, 1e9))
    assert content_of(path) != before
