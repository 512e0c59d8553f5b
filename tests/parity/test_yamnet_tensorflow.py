"""YAMNet from a file of Keras against TensorFlow's own operations, with seeded weights."""

import importlib.util

import numpy as np
import pytest
import torch

from sklearn_audio import YAMNetEmbedder
from sklearn_audio.dsp import preset
from tests.parity.golden_files import read_golden
from tests.parity.yamnet_layout import RATE, arrays, waveforms

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason="TensorFlow, the extra 'tensorflow', is not installed"
    ),
]
HALVING = (1, 3, 5, 7, 13)


LAYOUT_ARRAYS = arrays(read_golden("yamnet").layout)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file of Keras, as the published one is."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path_factory.mktemp("yamnet") / "yamnet.h5"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.3.1"
        for name, array in LAYOUT_ARRAYS.items():
            file[name] = array
    return path


def answer(patches):
    """(P, 96, 64) -> (P, 1024)"""
    import tensorflow as tf

    def normed(x, stem):
        beta, mean, variance = (drawn[f"{stem}/bn/{part}:0"] for part in ("beta", "moving_mean", "moving_variance"))
        return tf.nn.relu(tf.nn.batch_normalization(x, mean, variance, beta, None, 1e-4))

    # Keras writes the names of a layer and of its array, such as a/conv and a/conv/kernel
    halves = {name: name.split("/") for name in LAYOUT_ARRAYS}
    drawn = {"/".join(parts[len(parts) // 2 :]): LAYOUT_ARRAYS[name] for name, parts in halves.items()}
    x = tf.constant(patches[..., None])
    for i in range(1, 15):
        stride = 2 if i in HALVING else 1
        if i == 1:
            x = normed(tf.nn.conv2d(x, drawn["layer1/conv/kernel:0"], stride, "SAME"), "layer1/conv")
            continue
        stem = f"layer{i}/depthwise_conv"
        x = tf.nn.depthwise_conv2d(x, drawn[f"{stem}/depthwise_kernel:0"], (1, stride, stride, 1), "SAME")
        x = normed(x, stem)
        stem = f"layer{i}/pointwise_conv"
        x = normed(tf.nn.conv2d(x, drawn[f"{stem}/kernel:0"], 1, "SAME"), stem)
    return tf.reduce_mean(x, (1, 2)).numpy()


def test_a_file_of_keras(path):
    clip = waveforms()["10.4s"]
    frames = preset("yamnet")(torch.from_numpy(clip)).numpy()
    n_patches = 1 + (len(frames) - 96) // 48
    wanted = answer(np.stack([frames[48 * i : 48 * i + 96] for i in range(n_patches)]))
    got = YAMNetEmbedder(weights=path, sample_rate=RATE, pooling=None, partial="drop").transform([clip])[0]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_a_file_that_keras_wrote(tmp_path, monkeypatch):
    """The names in it are those of the golden layout."""
    pytest.importorskip("tf_keras")
    h5py = pytest.importorskip("h5py")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    from tf_keras import Sequential, layers

    model = Sequential([layers.Conv2D(3, 3, use_bias=False, name="layer1/conv", input_shape=(9, 9, 1))])
    model.add(layers.BatchNormalization(scale=False, name="layer1/conv/bn"))
    model.save_weights(tmp_path / "a.h5")
    found = []
    with h5py.File(tmp_path / "a.h5") as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    assert set(found) <= LAYOUT_ARRAYS.keys()
    assert len(found) == 4
