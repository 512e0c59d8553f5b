"""speech_embedding's weights from both of its files: the same network."""

import numpy as np
import pytest
import torch

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.nets import SpeechEmbedding
from sklearn_audio.weights import read_checkpoint
from sklearn_audio.weights._speech_embedding import convert_speech_embedding
from tests.weights.model_files import onnx_file, tflite_file

STATE = {name: torch.randn(tensor.shape) for name, tensor in SpeechEmbedding().state_dict().items()}


def onnx_names(state):
    names = {}
    for name, tensor in state.items():
        _, i, part = name.split(".")
        conv = f"model/conv2d{f'_{i}' * (i != '0')}/Conv2D"
        if i != "19":
            names[f"{conv}_{'weights' if part == 'weight' else 'bias'}_fused_bn"] = tensor.numpy()
        elif part == "weight":
            names[f"{conv}/ReadVariableOp:0"] = tensor.numpy()
    return names


def lite_names(state):
    names = {"model/tf.math.maximum/Maximum/y": np.float32(-0.4).reshape(())}
    for name, tensor in state.items():
        _, i, part = name.split(".")
        number = f"_{i}" * (i != "0")
        kernel = np.ascontiguousarray(tensor.permute(0, 2, 3, 1)) if part == "weight" else tensor.numpy()
        if i == "19":
            names[f"model/conv2d_19/Conv2D{'1' * (part == 'weight')}"] = kernel
        elif part == "weight":
            names[f"model/conv2d{number}/Conv2D"] = kernel
        else:
            names[f"model/batch_normalization{number}/FusedBatchNormV3;model/conv2d_2/Conv2D"] = kernel
    return names


@pytest.mark.parametrize(("name", "write"), [("a.onnx", onnx_file), ("a.tflite", tflite_file)])
def test_both_files_give_the_state_of_the_network(tmp_path, name, write):
    (tmp_path / name).write_bytes(write({"a.onnx": onnx_names, "a.tflite": lite_names}[name](STATE)))
    state = read_checkpoint(tmp_path / name, "speech_embedding")
    SpeechEmbedding().load_state_dict(state)
    bias = "convs.19.bias"  # the ONNX file has none
    assert all(torch.equal(state[key], STATE[key]) for key in STATE if key != bias or name == "a.tflite")
    assert name == "a.tflite" or not state[bias].any()


def test_a_file_that_lacks_one():
    names = onnx_names(STATE)
    del names["model/conv2d_7/Conv2D_bias_fused_bn"]
    with pytest.raises(WeightsError, match=r"not a checkpoint of speech_embedding: 1 of its 40 tensors are missing"):
        convert_speech_embedding(names)
