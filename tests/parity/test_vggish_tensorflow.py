"""VGGish from TensorFlow's own file against TensorFlow's own operations, with seeded weights."""

import importlib.util

import numpy as np
import pytest
import torch

from sklearn_audio import VGGishEmbedder
from sklearn_audio.dsp import preset
from tests.parity.seeded import clips

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason="TensorFlow, the extra 'tensorflow', is not installed"
    ),
]
KERNELS = {
    "conv1": (3, 3, 1, 64),
    "conv2": (3, 3, 64, 128),
    "conv3/conv3_1": (3, 3, 128, 256),
    "conv3/conv3_2": (3, 3, 256, 256),
    "conv4/conv4_1": (3, 3, 256, 512),
    "conv4/conv4_2": (3, 3, 512, 512),
    "fc1/fc1_1": (12288, 4096),
    "fc1/fc1_2": (4096, 4096),
    "fc2": (4096, 128),
}
POOLED = ("conv1", "conv2", "conv3/conv3_2", "conv4/conv4_2")


def variables():
    rng = np.random.default_rng(0)
    for name, shape in KERNELS.items():
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        yield (
            name,
            (scale * rng.standard_normal(shape)).astype("f4"),
            (0.05 * rng.standard_normal(shape[-1])).astype("f4"),
        )


def write_checkpoint(path):
    """A checkpoint of the first format, as the published one is."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for name, kernel, bias in variables():
            v1.get_variable(f"vggish/{name}/weights", initializer=kernel)
            v1.get_variable(f"vggish/{name}/biases", initializer=bias)
        session.run(v1.global_variables_initializer())
        v1.train.Saver(write_version=v1.train.SaverDef.V1).save(session, str(path), write_meta_graph=False)


def answer(patches):
    """(P, 96, 64) -> (P, 128)"""
    import tensorflow as tf

    x = tf.constant(patches[..., None])
    for name, kernel, bias in variables():
        if name.startswith("conv"):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
            x = tf.nn.max_pool2d(x, 2, 2, "SAME") if name in POOLED else x
        else:
            x = tf.reshape(x, (len(patches), -1)) @ kernel + bias
            x = x if name == "fc2" else tf.nn.relu(x)
    return x.numpy()


def test_the_published_layout(tmp_path):
    path = tmp_path / "vggish_model.ckpt"
    write_checkpoint(path)
    clip = clips(16000)["4.37s"]
    frames = preset("vggish")(torch.from_numpy(clip)).numpy()
    n_patches = len(frames) // 96
    wanted = answer(frames[: 96 * n_patches].reshape(n_patches, 96, 64))
    got = VGGishEmbedder(weights=path, sample_rate=16000, pooling=None, partial="drop").transform([clip])[0]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
