"""OpenL3's variables, in the names and shapes that Keras gives them, to the state of our network."""

import gzip

import numpy as np
import pytest
import torch

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.nets import OpenL3
from sklearn_audio.weights import read_checkpoint
from sklearn_audio.weights._openl3 import convert_openl3

WIDTHS = (1, 64, 64, 128, 128, 256, 256, 512, 512)
LAST = "audio_embedding_layer"


def variables(first=0, ending=":0", nested=True):
    """Layers as Keras numbers them from some number on; without its number, the first of all."""
    rng = np.random.default_rng(0)

    def name(kind, i):
        layer = LAST if kind == "conv2d" and i == 7 else f"{kind}_{first + i}" if first + i else kind
        return f"{layer}/{layer}" if nested else layer

    raw = {}
    for i in range(8):
        raw[f"{name('conv2d', i)}/kernel{ending}"] = rng.normal(size=(3, 3, *WIDTHS[i : i + 2])).astype(np.float32)
        raw[f"{name('conv2d', i)}/bias{ending}"] = rng.normal(size=WIDTHS[i + 1]).astype(np.float32)
        for statistic in ("beta", "gamma", "moving_mean", "moving_variance"):
            raw[f"{name('batch_normalization', i)}/{statistic}{ending}"] = rng.random(WIDTHS[i], dtype=np.float32)
    return raw


@pytest.fixture(scope="module")
def state():
    return convert_openl3(variables())


def test_the_network_takes_the_state_strictly(state):
    with torch.device("meta"):
        network = OpenL3()
    network.load_state_dict(state, assign=True)
    assert {name: value.shape for name, value in network.state_dict().items()} == {
        name: value.shape for name, value in state.items()
    }
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_687_042


def test_kernels_and_norms(state):
    raw = variables()
    for ours, theirs in (("convs.0", "conv2d/conv2d"), ("convs.3", "conv2d_3/conv2d_3"), ("convs.7", f"{LAST}/{LAST}")):
        kernel = raw[f"{theirs}/kernel:0"]
        assert state[f"{ours}.weight"][3, 0, 1, 2] == kernel[1, 2, 0, 3]
        np.testing.assert_array_equal(state[f"{ours}.bias"], raw[f"{theirs}/bias:0"])
    for ours, number in (("input_norm", ""), ("norms.0", "_1"), ("norms.6", "_7")):
        theirs = f"batch_normalization{number}/batch_normalization{number}"
        for key, statistic in (("weight", "gamma"), ("bias", "beta"), ("running_var", "moving_variance")):
            np.testing.assert_array_equal(state[f"{ours}.{key}"], raw[f"{theirs}/{statistic}:0"])


@pytest.mark.parametrize("options", [{"first": 1}, {"first": 6}, {"ending": ""}, {"nested": False}])
def test_numbers_and_order_of_the_layers_in_the_file(state, options):
    raw = variables(**options)
    for names in (sorted(raw), reversed(raw)):
        again = convert_openl3({name: raw[name] for name in names})
        assert again.keys() == state.keys()
        assert all(torch.equal(again[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    ("left_out", "found"),
    [
        (lambda name: "conv2d_4" in name, "it has 7 and 8"),
        (lambda name: "gamma" in name, "it has 8 and 8"),
        (lambda name: True, "it has 0 and 0, and holds nothing"),
    ],
)
def test_files_that_lack_something(left_out, found):
    raw = {name: array for name, array in variables().items() if not left_out(name)}
    with pytest.raises(
        WeightsError, match=rf"not a checkpoint of an audio network of OpenL3, .*: {found}.*Check the file"
    ):
        convert_openl3(raw)


def test_kernels_of_another_kind():
    raw = variables()
    raw["conv2d_2/conv2d_2/kernel:0"] = raw["conv2d_2/conv2d_2/kernel:0"][0]
    with pytest.raises(WeightsError, match="not a checkpoint of an audio network of OpenL3"):
        convert_openl3(raw)


def test_a_file_of_keras_as_it_is_published(tmp_path, state):
    h5py = pytest.importorskip("h5py", reason="h5py, the extra 'hdf5', is not installed")
    path = tmp_path / "openl3.h5"
    with h5py.File(path, "w") as file:
        for name, array in variables(first=1).items():
            file[name] = array
    (tmp_path / "openl3.h5.gz").write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
    for name in ("openl3.h5", "openl3.h5.gz"):
        read = read_checkpoint(tmp_path / name, "openl3")
        assert read.keys() == state.keys()
        assert all(torch.equal(read[key], value) for key, value in state.items())
