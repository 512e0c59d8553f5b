"""Initialisers of ONNX files: packed or not, of all types of weights; and files that are none."""

import numpy as np
import pytest

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import read_checkpoint
from sklearn_audio.weights._onnx import read_onnx
from tests.weights.model_files import field, onnx_file, onnx_tensor

RNG = np.random.default_rng(0)
TENSORS = {
    "kernel": RNG.normal(size=(300, 2, 3)).astype(np.float32),
    "half": RNG.normal(size=4).astype(np.float16),
    "double": RNG.normal(size=(2, 1)),
    "scalar": np.float32(3.5).reshape(()),
}
WHOLE = onnx_file({**TENSORS, "shape": np.arange(3)})


def written(folder, content):
    path = folder / "model.onnx"
    path.write_bytes(content)
    return path


def test_weights_by_their_names(tmp_path):
    arrays = read_onnx(written(tmp_path, WHOLE))
    assert list(arrays) == list(TENSORS)  # without the shape, which is of whole numbers
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_packed_numbers(tmp_path):
    arrays = read_onnx(written(tmp_path, onnx_file({"kernel": TENSORS["kernel"]}, packed=True)))
    np.testing.assert_array_equal(arrays["kernel"], TENSORS["kernel"])


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "it holds no weights"),
        (onnx_file({"shape": np.arange(3)}), "it holds no weights"),
        (WHOLE[:-5], "it ends within a field"),
        (b"\x08\xff", "it ends within a number"),
        (b"\xff" * 12, "a number in it has no end"),
        (b"\x0b", "it holds a field of an unknown kind"),
        (field(7, 3), "it holds a number instead of content"),
        (
            field(7, field(5, onnx_tensor("a", np.ones(3, np.float32)) + field(1, 2))),
            r"the tensor 'a' has 3 values for the shape \(3, 2\)",
        ),
        (field(7, field(5, onnx_tensor("a", np.ones(3, np.float32)) + field(14, 1))), "are in another file; save the"),
    ],
)
def test_damaged_files(tmp_path, content, match):
    with pytest.raises(WeightsError, match=rf"model\.onnx' is damaged or no ONNX file: .*{match}"):
        read_onnx(written(tmp_path, content))


def test_another_network(tmp_path):
    path = written(tmp_path, WHOLE)
    with pytest.raises(
        WeightsError,
        match=r"onnx': this is not a checkpoint of speech_embedding: 40 of its 40 .*holds kernel, half, double",
    ):
        read_checkpoint(path, "speech_embedding")
