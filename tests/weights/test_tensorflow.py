"""TensorFlow's two checkpoint formats, written by TensorFlow and read back; refusals that need no TensorFlow."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._bundle import TABLE_END
from sklearn_audio.weights._tensorflow import read_tensorflow

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow, the extra 'tensorflow', is not installed"
)
VALUES = {
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4),
    "conv/bias": np.array([0.5, -0.25], dtype=np.float64),
    "global_step": np.array(7, dtype=np.int64),
}
DATA = ".data-00000-of-00001"


def write(prefix, version, values=VALUES):
    """Save variables in the first (1) or second (2) format."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(write_version=version)
        saver.save(session, str(prefix), write_meta_graph=False, write_state=False)


@pytest.fixture(scope="module")
def second_format(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("second") / "model.ckpt-100"
    write(prefix, 2)
    return prefix


def assert_read(path):
    read = read_tensorflow(path)
    assert list(read) == sorted(VALUES)
    for name, value in VALUES.items():
        assert isinstance(read[name], np.ndarray)
        assert read[name].dtype == value.dtype
        np.testing.assert_array_equal(read[name], value)


# ---- with TensorFlow -------------------------------------------------------------------------------------------------


@needs_tensorflow
def test_the_first_format_is_one_file(tmp_path):
    write(tmp_path / "model.ckpt", 1)
    assert os.listdir(tmp_path) == ["model.ckpt"]
    assert_read(tmp_path / "model.ckpt")


@needs_tensorflow
def test_the_second_format_by_its_prefix_its_files_and_its_folder(second_format):
    for path in (second_format, f"{second_format}.index", f"{second_format}{DATA}", second_format.parent):
        assert_read(path)


@needs_tensorflow
def test_a_prefix_without_a_name(second_format, tmp_path):
    for part in (".index", DATA):
        (tmp_path / part).write_bytes(Path(f"{second_format}{part}").read_bytes())
    for path in (tmp_path, f"{tmp_path}{os.sep}", tmp_path / ".index", tmp_path / DATA):
        assert_read(path)


@needs_tensorflow
def test_paths_relative_to_the_current_folder(second_format, monkeypatch):
    monkeypatch.chdir(second_format.parent)
    for path in (".", second_format.name, f"{second_format.name}.index"):
        assert_read(path)


@needs_tensorflow
@pytest.mark.parametrize(
    ("part", "damage"),
    [
        (".index", lambda content: content[: len(content) // 2]),
        (".index", lambda content: content[:9] + bytes([content[9] ^ 1]) + content[10:]),
        (DATA, lambda content: content[: len(content) // 2]),
        (DATA, lambda content: content[:9] + bytes([content[9] ^ 1]) + content[10:]),
    ],
    ids=["index cut", "index changed", "data cut", "data changed"],
)
def test_damaged_files_of_the_second_format(second_format, tmp_path, part, damage):
    for name in (".index", DATA):
        content = Path(f"{second_format}{name}").read_bytes()
        (tmp_path / f"model{name}").write_bytes(damage(content) if name == part else content)
    with pytest.raises(WeightsError, match=r"model' cannot be read as a TensorFlow checkpoint \(.+\)\. Download it"):
        read_tensorflow(tmp_path / "model")


@needs_tensorflow
def test_a_missing_piece_of_the_data(second_format, tmp_path):
    (tmp_path / "model.index").write_bytes(Path(f"{second_format}.index").read_bytes())
    (tmp_path / "model.data-00001-of-00002").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"cannot be read .*the file 'model\.data-00000-of-00001' is missing"):
        read_tensorflow(tmp_path / "model")


@needs_tensorflow
def test_the_end_of_a_checkpoint_alone(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(bytes(1000) + TABLE_END)
    with pytest.raises(WeightsError, match=r"model\.ckpt' cannot be read as a TensorFlow checkpoint"):
        read_tensorflow(tmp_path / "model.ckpt")


# ---- without TensorFlow ----------------------------------------------------------------------------------------------


@pytest.fixture
def no_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + bytes(1000), TABLE_END + b"!"])
def test_files_of_another_kind(tmp_path, content, no_tensorflow):
    (tmp_path / "model.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.ckpt' cannot be read as a TensorFlow checkpoint \(it does not end"):
        read_tensorflow(tmp_path / "model.ckpt")


def test_the_extra_is_named(tmp_path, no_tensorflow):
    (tmp_path / "model.ckpt").write_bytes(b"anything" + TABLE_END)
    with pytest.raises(
        ImportError, match=r"reading TensorFlow checkpoints of a single file needs .*'sklearn-audio\[tensorflow\]'"
    ):
        read_tensorflow(tmp_path / "model.ckpt")


@pytest.mark.parametrize("name", ["model.ckpt", "model.ckpt.index", "no/folder/model"])
def test_nothing_there(tmp_path, no_tensorflow, name):
    with pytest.raises(WeightsError, match=r"there is no TensorFlow checkpoint at '.*'\. Give its file, its \.index"):
        read_tensorflow(tmp_path / name)


def test_an_index_alone(tmp_path, no_tensorflow):
    for name in ("model.index", "other.data-00000-of-00001"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(WeightsError, match=r"model\.index' has no data in its folder\. Put the file 'model\.data"):
        read_tensorflow(tmp_path / "model")


def test_a_folder_without_a_checkpoint(tmp_path, no_tensorflow):
    with pytest.raises(WeightsError, match=r"the folder '.*' holds no TensorFlow checkpoint: a file \*\.index"):
        read_tensorflow(tmp_path)


def test_a_folder_with_two(tmp_path, no_tensorflow):
    for name in ("model-1.index", "model-2.index"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(WeightsError, match=r"holds 2 checkpoints: give one of \['model-1\.index', 'model-2\.index'"):
        read_tensorflow(tmp_path)


@pytest.mark.parametrize("name", ["mod[1].ckpt", "mod?.ckpt", "mod*.ckpt"])
def test_names_that_tensorflow_takes_for_patterns(tmp_path, no_tensorflow, name):
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(WeightsError, match=r"TensorFlow interprets '.*' as a pattern .* without any of \* \? \["):
        read_tensorflow(tmp_path / name)
