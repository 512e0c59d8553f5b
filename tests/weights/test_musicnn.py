"""MusiCNN's variables, in the names and shapes that TensorFlow gives them, to the state of our network."""

import numpy as np
import pytest
import torch

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.nets import MusiCNN
from sklearn_audio.weights._musicnn import convert_musicnn

KERNELS = {
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "conv2d_5": (7, 561, 1, 64),
    "conv2d_6": (7, 64, 1, 64),
    "conv2d_7": (7, 64, 1, 64),
    "dense": (1506, 200),
    "dense_1": (200, 50),
}
NORMS = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)


def variables():
    rng = np.random.default_rng(0)
    raw = {}
    for layer, shape in KERNELS.items():
        raw[f"{layer}/kernel"] = rng.standard_normal(shape, dtype=np.float32)
        raw[f"{layer}/bias"] = rng.standard_normal(shape[-1], dtype=np.float32)
    for i, width in enumerate(NORMS):
        for statistic in ("gamma", "beta", "moving_mean", "moving_variance"):
            raw[f"batch_normalization{f'_{i}' * (i > 0)}/{statistic}"] = rng.random(width, dtype=np.float32)
    return raw


@pytest.fixture(scope="module")
def raw():
    return variables()


@pytest.fixture(scope="module")
def state(raw):
    return convert_musicnn(raw)


def test_the_network_takes_the_state_strictly(state):
    with torch.device("meta"):
        network = MusiCNN()
    network.load_state_dict(state, assign=True)
    assert {name: value.shape for name, value in network.state_dict().items()} == {
        name: value.shape for name, value in state.items()
    }
    assert all(value.is_contiguous() for value in state.values())
    assert {value.dtype for value in state.values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(f"conv2d{'_1' * i}", f"timbral.{i}.conv") for i in range(2)]
    + [(f"conv2d_{2 + i}", f"temporal.{i}.conv") for i in range(3)],
)
def test_kernels_of_the_branches(raw, state, theirs, ours):
    kernel = raw[f"{theirs}/kernel"]
    height, width, _, n_filters = kernel.shape
    for h, w, o in ((0, 0, 0), (height - 1, 0, 3), (0, width - 1, 4), (height // 2, width // 2, n_filters - 1)):
        assert state[f"{ours}.weight"][o, 0, h, w] == kernel[h, w, 0, o]
    np.testing.assert_array_equal(state[f"{ours}.bias"].numpy(), raw[f"{theirs}/bias"])


@pytest.mark.parametrize("i", range(3))
def test_kernels_of_the_middle(raw, state, i):
    kernel = raw[f"conv2d_{5 + i}/kernel"]
    for t, c, o in ((0, 0, 0), (6, 1, 2), (3, kernel.shape[1] - 1, 63)):
        assert state[f"midend.{i}.conv.weight"][o, c, t] == kernel[t, c, 0, o]


@pytest.mark.parametrize(("theirs", "ours"), [("dense", "dense"), ("dense_1", "head")])
def test_dense_kernels(raw, state, theirs, ours):
    np.testing.assert_array_equal(state[f"{ours}.weight"].numpy(), raw[f"{theirs}/kernel"].T)
    np.testing.assert_array_equal(state[f"{ours}.bias"].numpy(), raw[f"{theirs}/bias"])


def test_norms(raw, state):
    ours = ["input_norm", "timbral.0.norm", "timbral.1.norm", "temporal.0.norm", "temporal.1.norm", "temporal.2.norm"]
    ours += ["midend.0.norm", "midend.1.norm", "midend.2.norm", "pool_norm", "dense_norm"]
    for i, norm in enumerate(ours):
        theirs = f"batch_normalization{f'_{i}' * (i > 0)}"
        for their, our in (("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean")):
            np.testing.assert_array_equal(state[f"{norm}.{our}"].numpy(), raw[f"{theirs}/{their}"])
        np.testing.assert_array_equal(state[f"{norm}.running_var"].numpy(), raw[f"{theirs}/moving_variance"])


def test_variables_of_the_optimizer_are_left_out(raw, state):
    slots = {f"{name}/{slot}": value for name, value in raw.items() for slot in ("Adam", "Adam_1")}
    counters = {"beta1_power": np.float32(0.9), "beta2_power": np.float32(0.999), "global_step": np.int64(7)}
    again = convert_musicnn(raw | slots | counters)
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], value) for name, value in state.items())


def test_missing_variables(raw):
    fewer = {name: value for name, value in raw.items() if name not in ("dense/bias", "conv2d_5/kernel")}
    with pytest.raises(WeightsError, match=r"it lacks conv2d_5/kernel, dense/bias \(2 in all\)\. Check the file"):
        convert_musicnn(fewer)


def test_another_network():
    with pytest.raises(WeightsError, match=r"it lacks .* \(64 in all\); it also has 1CNN/kernel \(1 in all\)"):
        convert_musicnn({"1CNN/kernel": np.zeros((3, 3, 1, 128), np.float32)})


def test_another_number_of_axes(raw):
    with pytest.raises(WeightsError, match=r"with another number of axes: dense/kernel \(1506,\) \(1 in all\)"):
        convert_musicnn(raw | {"dense/kernel": raw["dense/kernel"][:, 0]})
