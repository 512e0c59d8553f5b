"""YAMNet's weights from Keras, in 8 bits and with folded batch norms: the same network."""

import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.nets import YAMNet
from sklearn_audio.weights import read_checkpoint
from sklearn_audio.weights._yamnet import convert_yamnet
from tests.parity.golden_files import read_golden
from tests.parity.yamnet_layout import arrays

KERAS = arrays(read_golden("yamnet").layout)
STATE = {name: torch.randn(tensor.shape) for name, tensor in YAMNet().state_dict().items()}


def folded(state):
    """The names of a network whose batch norms are in its convolutions."""
    found = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if parts[0] == "dense":
            found[name] = tensor.numpy()
        else:
            step = "conv" if len(parts) == 4 else ("depthwise", "pointwise")[int(parts[2])]
            found[f"layer{int(parts[1]) + 1}.{step}.{parts[-1]}"] = tensor.numpy()
    return found


def test_names_of_folded_networks(tmp_path):
    np.savez(tmp_path / "a.npz", **folded(STATE))
    save_file(STATE, tmp_path / "a.safetensors")
    for file in ("a.npz", "a.safetensors"):
        got = read_checkpoint(tmp_path / file, "yamnet")
        assert got.keys() == STATE.keys()
        assert all(torch.equal(got[name], STATE[name]) for name in STATE)


def test_eight_bits(tmp_path):
    stored = folded(STATE)
    rng = np.random.default_rng(0)
    wanted = dict(STATE)
    for name, ours in (("layer4.depthwise.weight", "blocks.3.0.conv.weight"), ("dense.weight", "dense.weight")):
        codes = rng.integers(-127, 128, stored.pop(name).shape).astype(np.int8)
        scale = rng.uniform(0.01, 0.02, len(codes)).astype(np.float32)
        stored |= {f"{name}.q": codes, f"{name}.scale": scale}
        spread = scale[:, None, None, None] if codes.ndim == 4 else scale[:, None]
        wanted[ours] = torch.from_numpy(codes.astype("f4") * spread)
    np.savez(tmp_path / "a.npz", **stored)
    got = read_checkpoint(tmp_path / "a.npz", "yamnet")
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("name", ["published", "older", "newer"])
def test_names_of_keras(name):
    """The dense layer has had several names, and Keras 3 writes no ":0"."""
    rename = {
        "published": lambda key: key,
        "older": lambda key: re.sub("dense/dense", "logits/logits", key),
        "newer": lambda key: re.sub(r"dense/dense", "dense_1/dense_1", key).removesuffix(":0"),
    }[name]
    state = convert_yamnet({rename(key): array for key, array in KERAS.items()})
    YAMNet().load_state_dict(state)
    torch.testing.assert_close(state["dense.weight"], torch.from_numpy(KERAS["dense/dense/kernel:0"].T))


def test_batch_norms_go_into_the_convolutions():
    state, stem = convert_yamnet(KERAS), "layer3/depthwise_conv"
    x = torch.randn(1, 64, 5, 7)
    kernel = torch.from_numpy(KERAS[f"{stem}/{stem}/depthwise_kernel:0"]).permute(2, 3, 0, 1)
    beta, mean, variance = (
        torch.from_numpy(KERAS[f"{stem}/bn/{stem}/bn/{part}:0"]) for part in ("beta", "moving_mean", "moving_variance")
    )
    wanted = torch.nn.functional.conv2d(x, kernel, groups=64)
    wanted = torch.nn.functional.batch_norm(wanted, mean, variance, bias=beta, eps=1e-4)
    weight, bias = state["blocks.2.0.conv.weight"], state["blocks.2.0.conv.bias"]
    torch.testing.assert_close(torch.nn.functional.conv2d(x, weight, bias, groups=64), wanted)


def without(name):
    return {key: array for key, array in KERAS.items() if key != name}


SHORT = {**KERAS, "layer1/conv/bn/layer1/conv/bn/beta:0": np.zeros(31, dtype=np.float32)}
CODES = {"dense.weight.q": np.zeros((521, 1024), dtype=np.int8), "dense.weight.scale": np.ones(3, dtype=np.float32)}


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (
            without("layer7/depthwise_conv/bn/layer7/depthwise_conv/bn/beta:0"),
            r"YAMNet: 2 of its 56 tensors are missing",
        ),
        ({"a": np.zeros(3)}, r"not a checkpoint of YAMNet: 56 of its 56 tensors are missing, and it holds a \.\.\."),
        ({"a": "text", "b": np.array(["text"])}, r"56 of its 56 tensors are missing, and it holds a, b \.\.\."),
        ({}, r"and it holds nothing \.\.\."),
        (SHORT, r"blocks\.0\.conv has parts that do not match: beta \(31,\), .*kernel \(32, 1, 3, 3\)"),
        (CODES, r"dense\.weight has parts that do not match: q \(521, 1024\), scale \(3,\)"),
    ],
)
def test_other_files(raw, match):
    with pytest.raises(WeightsError, match=match):
        convert_yamnet(raw)


def test_the_weights_at_hand(shared_data):
    state = read_checkpoint(shared_data / "weights" / "yamnet_int8.npz", "yamnet")
    YAMNet().load_state_dict(state)
    with np.load(shared_data / "weights" / "yamnet_int8.npz") as stored:
        wanted = stored["layer9.pointwise.weight.q"].astype("f4")
        wanted *= stored["layer9.pointwise.weight.scale"][:, None, None, None]
    np.testing.assert_array_equal(state["blocks.8.1.conv.weight"], wanted)
