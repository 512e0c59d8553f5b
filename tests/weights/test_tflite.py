"""Constant tensors of TensorFlow Lite files, and files that are none."""

import struct

import numpy as np
import pytest

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._tflite import read_tflite
from tests.weights.model_files import tflite_file

RNG = np.random.default_rng(0)
TENSORS = {"kernel": RNG.normal(size=(5, 3, 1, 2)).astype(np.float32), "half": RNG.normal(size=3).astype(np.float16)}
WHOLE = tflite_file({**TENSORS, "shape": np.arange(3, dtype=np.int32), "quantised": np.arange(4, dtype=np.int8)})


def written(folder, content):
    path = folder / "model.tflite"
    path.write_bytes(content)
    return path


def test_weights_by_their_names(tmp_path):
    arrays = read_tflite(written(tmp_path, WHOLE))
    assert list(arrays) == list(TENSORS)  # whole numbers, and what needs a scale, are left out
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_no_weights(tmp_path):
    with pytest.raises(WeightsError, match=r"tflite' is damaged or no TensorFlow Lite file: it holds no weights in fl"):
        read_tflite(written(tmp_path, tflite_file({"quantised": np.arange(4, dtype=np.int8)})))


@pytest.mark.parametrize("n_bytes", range(0, len(WHOLE) - 24, 7))
def test_files_that_are_cut_short(tmp_path, n_bytes):
    with pytest.raises(WeightsError, match=r"model\.tflite' is damaged or no TensorFlow Lite file"):
        read_tflite(written(tmp_path, WHOLE[:n_bytes]))


def test_a_table_before_the_start(tmp_path):
    # the root table is at byte 8, and its offsets 50 bytes before that
    content = struct.pack("<I4si", 8, b"TFL3", 50).ljust(64, b"\0")
    with pytest.raises(WeightsError, match="it points to a position before its start"):
        read_tflite(written(tmp_path, content))


def test_flipped_bytes_are_an_error_or_other_weights(tmp_path):
    for at in range(0, len(WHOLE), 3):
        damaged = bytearray(WHOLE)
        damaged[at] ^= 0xFF
        try:
            arrays = read_tflite(written(tmp_path, bytes(damaged)))
        except WeightsError:
            continue
        assert all(array.dtype in (np.float32, np.float16) for array in arrays.values())
