"""TensorFlow's second checkpoint format without TensorFlow: tensors, and files that are damaged."""

import sys

import numpy as np
import pytest

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._tensorflow import read_tensorflow
from tests.weights.model_files import bundle_entry, bundle_files, bundle_index, field, varint

DATA = ".data-00000-of-00001"
RNG = np.random.default_rng(0)
TENSORS = {
    "conv/bias": np.array([0.5, -0.25]),
    "conv/kernel": RNG.normal(size=(2, 3, 1, 40)).astype(np.float32),
    "conv/kernel/Adam": np.zeros((0, 3), np.float32),
    "conv_1/half": RNG.normal(size=5).astype(np.float16),
    "dense": np.array([True, False]),
    "global_step": np.array(7, np.int64),
}
INDEX, CONTENT = bundle_files(TENSORS)
ONE = np.ones(3, np.float32)


@pytest.fixture(autouse=True)
def _no_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)


def written(folder, index=INDEX, content=CONTENT, data=DATA):
    (folder / "model.index").write_bytes(index)
    (folder / f"model{data}").write_bytes(content)
    return folder / "model"


def read(folder, index=INDEX, content=CONTENT):
    return read_tensorflow(written(folder, index, content))


def index_of(entry, **options):
    return bundle_index({b"": field(1, 1), b"a": entry}, **options)


def test_tensors_by_their_names(tmp_path):
    arrays = read(tmp_path)
    assert list(arrays) == list(TENSORS)
    for name, array in TENSORS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].flags.writeable


@pytest.mark.parametrize("name", ["mod[1]", "mod*"])
def test_names_that_tensorflow_takes_for_patterns(tmp_path, name):
    (tmp_path / f"{name}.index").write_bytes(INDEX)
    (tmp_path / f"{name}{DATA}").write_bytes(CONTENT)
    assert list(read_tensorflow(tmp_path / name)) == list(TENSORS)


def test_data_in_several_files(tmp_path):
    entries = {b"": field(1, 2), b"a": bundle_entry(ONE, 0), b"b": bundle_entry(2 * ONE, 4, more=field(3, 1))}
    written(tmp_path, bundle_index(entries), ONE.tobytes(), ".data-00000-of-00002")
    with pytest.raises(WeightsError, match=r"\(the file 'model\.data-00001-of-00002' is missing\)\. Download it again"):
        read_tensorflow(tmp_path)
    (tmp_path / "model.data-00001-of-00002").write_bytes(b"----" + (2 * ONE).tobytes())
    np.testing.assert_array_equal(read_tensorflow(tmp_path)["b"], 2 * ONE)


def test_the_other_byte_order(tmp_path):
    big = ONE.astype(">f4")
    index = bundle_index({b"": field(1, 1) + field(2, 1), b"a": bundle_entry(big, 0)})
    array = read(tmp_path, index, big.tobytes())["a"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, ONE)


def test_texts_are_left_out(tmp_path):
    entries = {b"": field(1, 1), b"a": bundle_entry(ONE, 0), b"objects": bundle_entry(ONE, 0, kind=7)}
    assert list(read(tmp_path, bundle_index(entries), ONE.tobytes())) == ["a"]


@pytest.mark.parametrize(
    ("index", "content", "match"),
    [
        (b"", b"", "the index is truncated, or not an index"),
        (INDEX[:-1], CONTENT, "the index is truncated, or not an index"),
        (INDEX[-48:], CONTENT, "the index is truncated"),
        (INDEX[:9] + bytes([INDEX[9] ^ 1]) + INDEX[10:], CONTENT, "a block of the index has another checksum"),
        (index_of(bundle_entry(ONE, 0), compression=1), ONE.tobytes(), "the index is compressed; save the checkpoint"),
        (bundle_index({b"a": bundle_entry(ONE, 0)}), ONE.tobytes(), "the index lacks its description"),
        (INDEX, CONTENT[:-1], "the data ends within the tensor 'global_step'"),
        (INDEX, bytes([CONTENT[0] ^ 1]) + CONTENT[1:], "the tensor 'conv/bias' has another checksum than the index"),
        (index_of(bundle_entry(ONE, 0, kind=21)), ONE.tobytes(), "the tensor 'a' is of the type 21, which is not"),
        (index_of(bundle_entry(ONE, 0, kind=2)), ONE.tobytes(), r"the tensor 'a' has 12 bytes for the shape \(3,\)"),
        (index_of(bundle_entry(ONE, 0, more=field(7, b""))), ONE.tobytes(), "the tensor 'a' is stored in slices; save"),
        (index_of(bundle_entry(ONE, 0, more=field(3, 4))), ONE.tobytes(), r"the tensor 'a' is in file 4 of 1"),
        (index_of(field(2, 3)), ONE.tobytes(), "it holds a number instead of content"),
        (index_of(bundle_entry(ONE, 0, more=field(1, b"a"))), ONE.tobytes(), "it holds content instead of a number"),
        (index_of(varint(1 << 3) + b"\xff"), ONE.tobytes(), "it ends within a number"),
    ],
)
def test_damaged_files(tmp_path, index, content, match):
    with pytest.raises(WeightsError, match=rf"model' cannot be read as a TensorFlow checkpoint \({match}.*\)\. Down"):
        read(tmp_path, index, content)


def test_flipped_bytes_never_change_a_value(tmp_path):
    for at in range(0, len(INDEX), 3):
        damaged = bytearray(INDEX)
        damaged[at] ^= 0xFF
        try:
            arrays = read(tmp_path, bytes(damaged))
        except WeightsError:
            continue
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, TENSORS[name])
