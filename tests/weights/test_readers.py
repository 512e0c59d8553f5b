"""Local checkpoints in every published layout, and files that are none."""

import gzip
import io
import os
import pickle
import random

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import read_checkpoint
from tests.registered import NPZ, PANNS, SAMPLER, STATE, equal, torch_bytes, write


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        {"iteration": 1, "model": STATE, "sampler": SAMPLER},
        {"model": {f"module.{name}": value for name, value in STATE.items()}},
        STATE,
        {"model": {f"base.{name}": value for name, value in STATE.items()} | {"fc_transfer.weight": torch.zeros(2)}},
    ],
    ids=["published", "data-parallel", "bare", "transfer"],
)
def test_panns(tmp_path, content, legacy):
    body = torch_bytes(content, _use_new_zipfile_serialization=not legacy)
    assert equal(read_checkpoint(write(tmp_path, body), "panns"), STATE)


def test_arrays_pickled_by_numpy_1(tmp_path):
    body = torch_bytes({"model": STATE, "sampler": SAMPLER}, _use_new_zipfile_serialization=False)
    assert b"numpy._core" in body
    # in an old pickle the length of a name does not matter to what follows
    old = body.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert b"numpy.core.multiarray" in old
    assert equal(read_checkpoint(write(tmp_path, old), "panns"), STATE)


class Malicious:
    def __reduce__(self):
        return os.system, ("touch hacked",)


@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: {"model": STATE, "sampler": bad}])
def test_code_is_never_run(tmp_path, monkeypatch, wrap):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, torch_bytes(wrap(Malicious())))
    never = (
        rf"or holds more than tensors and NumPy arrays, which is never loaded: it names {os.system.__module__}\.system"
    )
    with pytest.raises(WeightsError, match=never):
        read_checkpoint(path, "panns")
    plain = write(tmp_path, pickle.dumps(Malicious()), "plain.pt")
    with pytest.raises(WeightsError, match=r"plain\.pt' is damaged, no PyTorch checkpoint"):
        read_checkpoint(plain, "panns")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("converter", ["panns", "ast", "efficientat", "vggish", "vggish_pca"])
def test_converted_files_pass_as_they_are(tmp_path, converter):
    path = tmp_path / "converted.safetensors"
    save_file(STATE, path, {"converter": converter})
    assert equal(read_checkpoint(path, converter), STATE)


def test_converted_files_of_another_family(tmp_path):
    path = tmp_path / "converted.safetensors"
    save_file(STATE, path, {"converter": "panns"})
    with pytest.raises(WeightsError, match=r"converted\.safetensors' holds converted weights of 'panns', not of 'ast'"):
        read_checkpoint(path, "ast")


def test_unknown_converter(tmp_path):
    with pytest.raises(ValueError, match=r"unknown converter 'pann'; did you mean 'panns'\? Choose one of \['ast', "):
        read_checkpoint(write(tmp_path, PANNS), "pann")


LEGACY = torch_bytes({"model": STATE, "sampler": SAMPLER}, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("name", ["file", "file.ckpt", "file.npz", "file.pth.tar", "file.safetensors", "FILE.PT"])
@pytest.mark.parametrize("body", [PANNS, LEGACY, save(STATE)], ids=["torch", "torch of old", "safetensors"])
def test_content_counts_and_not_the_name(tmp_path, body, name):
    assert equal(read_checkpoint(write(tmp_path, body, name), "panns"), STATE)


def test_arrays_under_another_name(tmp_path):
    assert read_checkpoint(write(tmp_path, NPZ, "matrix.pth"), "vggish_pca")["means"].tolist() == [1, 1, 1]


def test_names_that_are_no_text_are_left_out(tmp_path):
    body = torch_bytes({"model": {**STATE, 1: torch.zeros(1)}, 2: torch.zeros(1)})
    assert equal(read_checkpoint(write(tmp_path, body), "panns"), STATE)


@pytest.mark.parametrize(
    ("body", "converter"),
    [(PANNS, "panns"), (LEGACY, "panns"), (save(STATE), "panns"), (NPZ, "vggish_pca")],
    ids=["torch", "torch of old", "safetensors", "npz"],
)
@pytest.mark.parametrize("name", ["file.pth", "file.npz"])
def test_damage_is_one_kind_of_error(tmp_path, body, converter, name):
    rng, refused = random.Random(0), 0
    for i in range(100):
        damaged = bytearray(body[: rng.randrange(len(body))] if i % 2 else body)
        for _ in range(20 * (1 - i % 2)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            read_checkpoint(write(tmp_path, bytes(damaged), name), converter)
        except WeightsError:
            refused += 1
    assert refused > 80  # what hits a number goes unseen without a hash


def npy_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.pth", b"", "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pth", b"text, not weights", "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pt", PANNS[:200], "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pth", torch_bytes(torch.zeros(3)), "holds a Tensor, not named tensors; save its state_dict"),
        ("a.safetensors", b"", "is damaged or no safetensors file"),
        ("a.safetensors", b"x" * 100, "is damaged or no safetensors file"),
        ("a.npz", b"x" * 100, r"is damaged or no \.npz file: it is no zip archive, or cut short\.$"),
        ("a.npz", b"\x80\x04" + b"x" * 100, "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pth", b"PK\x03\x04" + b"x" * 100, "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.npz", b"", r"is damaged or no \.npz file"),
        ("a.npz", b"PK\x03\x04" + b"x" * 100, r"is damaged or no \.npz file"),
        ("a.npz", npy_bytes(np.zeros(3)), r"holds no named arrays; write it with numpy\.savez"),
        ("a.h5", b"x" * 100, r"is no checkpoint of PyTorch or TensorFlow, and no safetensors, ONNX or \.npz file"),
    ],
)
def test_files_that_are_no_checkpoints(tmp_path, name, content, match):
    with pytest.raises(WeightsError, match=rf"{name}' {match}"):
        read_checkpoint(write(tmp_path, content, name), "panns")


def test_arrays_that_would_need_pickle(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, pca_means=np.array([{}], dtype=object))
    with pytest.raises(WeightsError, match=r"is damaged or no \.npz file: Object arrays cannot be loaded"):
        read_checkpoint(path, "vggish_pca")


def test_files_that_are_compressed(tmp_path):
    assert (
        read_checkpoint(write(tmp_path, gzip.compress(NPZ), "matrix.npz.gz"), "vggish_pca")["means"].tolist() == [1] * 3
    )
    assert equal(read_checkpoint(write(tmp_path, gzip.compress(PANNS), "file.pth"), "panns"), STATE)
    with pytest.raises(WeightsError, match=r"cut\.npz\.gz' is damaged or no gzip file"):
        read_checkpoint(write(tmp_path, gzip.compress(NPZ)[:-20], "cut.npz.gz"), "vggish_pca")
    with pytest.raises(WeightsError, match=rf"'{tmp_path}/a\.npz\.gz' holds no named arrays"):
        read_checkpoint(write(tmp_path, gzip.compress(npy_bytes(np.zeros(3))), "a.npz.gz"), "panns")


def test_places_without_a_checkpoint(tmp_path):
    with pytest.raises(WeightsError, match=r"there is no checkpoint 'no/such\.pth'; check the path"):
        read_checkpoint("no/such.pth", "panns")
    with pytest.raises(WeightsError, match="holds no TensorFlow checkpoint"):
        read_checkpoint(tmp_path, "panns")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.float64])
def test_numbers_that_are_none(tmp_path, bad, kind):
    weight = torch.ones(5, 3, dtype=kind)
    weight[2, 1] = weight[4, 0] = bad
    content = {"bn0.weight": torch.ones(3), "fc1.weight": weight}
    for body in (torch_bytes(content), save(content)):
        with pytest.raises(
            WeightsError, match=r"file\.pth': 2 of the 15 values of the tensor 'fc1\.weight' are NaN or infinite"
        ):
            read_checkpoint(write(tmp_path, body), "panns")


def test_numbers_beyond_float32(tmp_path):
    body = torch_bytes({"fc1.weight": torch.tensor([1.0, 1e300], dtype=torch.float64)})
    with pytest.raises(WeightsError, match=r"1 of the 2 values of the tensor 'fc1\.weight' are NaN or infinite in"):
        read_checkpoint(write(tmp_path, body), "panns")
    large = {"fc1.weight": torch.full((4,), 3e38)}  # their sum overflows, they do not
    assert equal(read_checkpoint(write(tmp_path, torch_bytes(large)), "panns"), large)


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = write(tmp_path, PANNS)
    load = torch.load

    def overwrite(stream, **options):
        raw = load(stream, **options)
        path.write_bytes(PANNS + b"more")
        return raw

    monkeypatch.setattr(torch, "load", overwrite)
    with pytest.raises(WeightsError, match=r"file\.pth' changed while it was read\. Use it when it is complete\."):
        read_checkpoint(path, "panns")


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    path = write(tmp_path, PANNS)

    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(WeightsError, match=r"file\.pth' cannot be read: Permission denied\."):
        read_checkpoint(path, "panns")
