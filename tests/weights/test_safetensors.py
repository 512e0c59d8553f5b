"""Our reader of safetensors beside the library's, garbage, and the seal that shows a flipped bit."""

import hashlib
import io
import json
import os
import random
import struct

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import save, save_file

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import _safetensors, read_checkpoint
from sklearn_audio.weights._safetensors import SEAL, UNSEALED, check_seal, read_safetensors, read_tensors, seal, whole

TENSORS = {
    "matrix": torch.rand(3, 4),
    "number": torch.tensor(7),
    "half": torch.rand(2).half(),
    "brain": torch.rand(5).bfloat16(),
    "double": torch.rand(2, 1, 3).double(),
    "empty": torch.zeros(0, 3),
    "truth": torch.tensor([True, False, True]),
    "bytes": torch.arange(3, dtype=torch.uint8),
    "short": torch.arange(3, dtype=torch.int16),
    "é ": torch.arange(3, dtype=torch.int32),
}


def read(content):
    return read_tensors(io.BytesIO(content), "it")


def equal(got, wanted):
    same = (torch.equal(got[name], wanted[name]) and got[name].dtype == wanted[name].dtype for name in wanted)
    return got.keys() == wanted.keys() and all(same)


def sealed(path):
    save_file(TENSORS, path, {"converter": "panns", SEAL: UNSEALED, "url": f'a "{SEAL}":"{UNSEALED}"'})
    seal(path)
    return path


@pytest.mark.parametrize("about", [None, {"a": "b", "é": '"\\'}])
def test_what_the_library_writes(about):
    tensors, said = read(save(TENSORS, about))
    assert equal(tensors, TENSORS)
    assert said == (about or {})


def test_headers_are_judged_as_by_the_library():
    whole_file, rng, n_read = save(TENSORS, {"a": "b"}), random.Random(0), 0
    n_header = 8 + int.from_bytes(whole_file[:8], "little")
    for _ in range(3000):
        damaged = bytearray(whole_file)
        damaged[rng.randrange(n_header)] = rng.choice(b'0123456789{}[]",:abFI \x00\xff')
        try:
            theirs = safetensors.torch.load(bytes(damaged))
        except (SafetensorError, KeyError):
            theirs = None
        try:
            ours, _ = read(bytes(damaged))
        except WeightsError:
            ours = None
        assert (ours is None) == (theirs is None)
        n_read += ours is not None and ours.keys() == theirs.keys()
    assert n_read > 20


def file_of(header, n_bytes=16):
    return struct.pack("<Q", len(header)) + header + bytes(n_bytes)


def tensor(**changes):
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes


GARBAGE = {
    "no length": b"\1\0",
    "long": struct.pack("<Q", 1 << 40) + b"{}",
    "deep": file_of(b'{"a":' * 60_000),
    "deep list": file_of(b'{"a":' + b"[" * 90_000),
    "no JSON": file_of(b"{", 0),
    "a list": file_of(b"[]", 0),
    "a number": file_of(b"3", 0),
    "no UTF-8": file_of(b"{\xff}"),
    "huge number": file_of(b'{"a": ' + b"9" * 6000 + b"}"),
    "half of a pair": file_of(b'{"\\ud800": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'),
    "metadata null": file_of(b'{"__metadata__": null}', 0),
    "metadata text": file_of(b'{"__metadata__": "x"}', 0),
    "metadata of a list": file_of(b'{"__metadata__": {"converter": [1]}}', 0),
    "twice": file_of(b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, "a": {}}'),
    **{
        name: file_of(json.dumps({"a": content}).encode())
        for name, content in {
            "not a table": 3,
            "nothing": {},
            "one offset": tensor(data_offsets=[0]),
            "text for a shape": tensor(shape="4"),
            "truth for a size": tensor(shape=[True, 4]),
            "negative": tensor(shape=[-4], data_offsets=[0, -16]),
            "too large": tensor(shape=[1 << 70]),
            "empty and too large": tensor(shape=[0, 1 << 70], data_offsets=[0, 0]),
            "another size": tensor(shape=[5]),
            "a gap": tensor(shape=[3], data_offsets=[4, 16]),
            "too short": tensor(shape=[3], data_offsets=[0, 12]),
            "too long": tensor(shape=[5], data_offsets=[0, 20]),
            "unknown type": tensor(dtype="F31"),
            "no type": tensor(dtype=[1]),
            "another key": tensor(more=1),
        }.items()
    },
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(name, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(GARBAGE[name])
    with pytest.raises(WeightsError, match=r"weights\.safetensors' is damaged or no safetensors file: "):
        read_checkpoint(path, "panns")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("a list", "it is not a mapping"),
        ("metadata of a list", "__metadata__ is not a mapping of text to text"),
        ("twice", "it has a name twice"),
        ("unknown type", "a tensor is of the unknown type 'F31'"),
        ("negative", "the shape or the position of a tensor is not a whole number"),
        ("too large", "a tensor is larger than any memory"),
        ("a gap", "its tensors overlap, leave a gap, or are not as long as their shapes"),
        ("more bytes", "its header states 16 bytes of tensors, but it has 20"),
    ],
)
def test_garbage_is_explained(name, match):
    more = {"more bytes": file_of(json.dumps({"a": tensor()}).encode(), 20)}
    with pytest.raises(WeightsError, match=f"it is damaged or no safetensors file: .*{match}"):
        read((GARBAGE | more)[name])


def test_a_flipped_bit_anywhere_is_found(tmp_path):
    path = sealed(tmp_path / "weights.safetensors")
    content = path.read_bytes()
    assert equal(read(content)[0], TENSORS)
    silent = []
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            _, about = read(bytes(damaged))
        except WeightsError:
            continue
        if SEAL in about:
            silent.append(bit)
    assert silent == []


def test_the_seal_is_the_hash_of_the_file_with_zeros_in_its_place(tmp_path):
    path = sealed(tmp_path / "weights.safetensors")
    digest = check_seal(path)[SEAL].encode()
    content = path.read_bytes()
    assert content.count(digest) == 1
    assert hashlib.sha256(content.replace(digest, UNSEALED.encode())).hexdigest().encode() == digest


def test_a_sealed_file_is_hashed_once_per_process_while_it_stays(tmp_path, monkeypatch):
    path, checked = sealed(tmp_path / "weights.safetensors"), []
    monkeypatch.setattr(_safetensors, "_whole", {})
    compare = _safetensors._compare
    monkeypatch.setattr(_safetensors, "_compare", lambda *args: (checked.append(1), compare(*args)))
    for _ in range(2):
        read_safetensors(path)
        whole(path)
    assert len(checked) == 1
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    times = path.stat()
    path.write_bytes(damaged)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    for find in (whole, read_safetensors, check_seal):
        with pytest.raises(WeightsError, match="its content is not what was written"):
            find(path)


def test_tensors_do_not_lie_in_the_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"fc1.weight": torch.ones(100_000)}, path)
    state = read_checkpoint(path, "panns")
    with path.open("r+b") as file:  # as `cp` over it does: the same inode, cut and written anew
        file.truncate(0)
        assert bool((state["fc1.weight"] == 1).all())
        file.write(bytes(500_000))
    assert bool((state["fc1.weight"] == 1).all())


def test_a_file_that_becomes_shorter_while_it_is_read():
    class Shrinking(io.BytesIO):
        def readinto(self, memory):
            self.truncate(len(self.getbuffer()) - 8)
            return super().readinto(memory)

    with pytest.raises(WeightsError, match="it became shorter while it was read"):
        read_tensors(Shrinking(save({"a": torch.zeros(100), "b": torch.zeros(100)})), "it")


def test_tensors_are_on_the_cpu_whatever_the_default():
    torch.set_default_device("meta")
    try:
        tensors, _ = read(save(TENSORS))
    finally:
        torch.set_default_device(None)
    assert {tensor.device.type for tensor in tensors.values()} == {"cpu"}
