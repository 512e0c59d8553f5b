"""MusiCNN with its published weights against the graph of its paper in TensorFlow, on real recordings.

The weights are those of the distribution `musicnn`: where it is installed (`pip install --no-deps musicnn`), or in the
folder that SKLEARN_AUDIO_MUSICNN names, which holds `MSD_musicnn` and `MTT_musicnn`.
"""

import importlib.util
import os
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from sklearn_audio.dsp import preset
from sklearn_audio.files import read_audio
from sklearn_audio.nets import MusiCNN
from sklearn_audio.weights._musicnn import convert_musicnn
from sklearn_audio.weights._tensorflow import read_tensorflow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason="TensorFlow, the extra 'tensorflow', is not installed"
    ),
]
N_FRAMES = 187
CLIPS = [
    "198-209-0000",
    "Hungarian_Dance_number_5_-_Allegro_in_F_sharp_minor_string_orchestra",
    "Karissa_Hobbs_-_Lets_Go_Fishin",
    "Kevin_MacLeod_-_P_I_Tchaikovsky_Dance_of_the_Sugar_Plum_Fairy",
    "Kevin_MacLeod_-_Vibe_Ace",
    "glacier-bay-humpback",
    "sorohanro_-_solo-trumpet-06",
]


@pytest.fixture(scope="module")
def published():
    """The folder with the author's checkpoints."""
    spec = importlib.util.find_spec("musicnn")
    installed = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
    folder = Path(os.environ.get("SKLEARN_AUDIO_MUSICNN", installed))
    if not (folder / "MSD_musicnn" / ".index").is_file():
        pytest.skip("no weights of MusiCNN: install musicnn, or name its unpacked folder in SKLEARN_AUDIO_MUSICNN")
    return folder


@pytest.fixture(scope="module", params=["MSD_musicnn", "MTT_musicnn"])
def variables(request, published):
    return read_tensorflow(published / request.param)


@pytest.fixture(scope="module")
def waveforms(shared_data):
    return {
        name: read_audio(shared_data / "examples" / "audio" / f"{name}.ogg", sample_rate=16000, end=15.0)[0]
        for name in CLIPS
    }


@pytest.fixture(scope="module")
def patches(waveforms):
    """Two patches of each recording, as our front end makes them."""
    front_end = preset("musicnn")
    rows = []
    for waveform in waveforms.values():
        frames = front_end(torch.from_numpy(waveform))
        rows += frames[: 2 * N_FRAMES].split(N_FRAMES)
    return torch.stack([row for row in rows if len(row) == N_FRAMES])


@pytest.mark.parametrize("name", ["MSD_musicnn", "MTT_musicnn", "MSD_vgg", "MTT_vgg"])
def test_variables_equal_those_that_tensorflow_reads(published, name):
    import tensorflow as tf

    reader = tf.compat.v1.train.NewCheckpointReader(f"{published / name}{os.sep}")
    ours = read_tensorflow(published / name)
    assert list(ours) == sorted(reader.get_variable_to_shape_map())
    for variable, array in ours.items():
        np.testing.assert_array_equal(array, reader.get_tensor(variable), strict=True)


class Graph:
    """The network as the paper draws it, in TensorFlow's own operations and layout (patch, frame, band, channel)."""

    def __init__(self, variables):
        self.variables = variables
        self.made = {"conv2d": 0, "batch_normalization": 0, "dense": 0}

    def layer(self, kind):
        """Return the variables of the next layer of a kind; the saved names count layers as they were made."""
        count = self.made[kind]
        self.made[kind] += 1
        prefix = f"{kind}_{count}/" if count else f"{kind}/"
        return {name.removeprefix(prefix): value for name, value in self.variables.items() if name.startswith(prefix)}

    def norm(self, x):
        import tensorflow as tf

        own = self.layer("batch_normalization")
        return tf.nn.batch_normalization(
            x, own["moving_mean"], own["moving_variance"], own["beta"], own["gamma"], variance_epsilon=1e-3
        )

    def conv(self, x, padding):
        import tensorflow as tf

        own = self.layer("conv2d")
        return self.norm(tf.nn.relu(tf.nn.conv2d(x, own["kernel"], strides=1, padding=padding) + own["bias"]))

    def dense(self, x):
        own = self.layer("dense")
        return x @ own["kernel"] + own["bias"]

    def run(self, frames):
        """Return every layer of some patches, maps as (patch, frame, feature)."""
        import tensorflow as tf

        def padded(x):
            return tf.pad(x, [[0, 0], [3, 3], [0, 0], [0, 0]])

        x = self.norm(tf.constant(frames)[..., None])
        timbral = tf.concat([tf.reduce_max(self.conv(padded(x), "VALID"), axis=2) for _ in range(2)], axis=2)
        temporal = tf.concat([tf.reduce_max(self.conv(x, "SAME"), axis=2) for _ in range(3)], axis=2)
        features = [tf.concat([timbral, temporal], axis=2)]
        for i in range(3):
            out = self.conv(padded(features[-1][..., None]), "VALID")[:, :, 0]
            features.append(out + features[-1] if i else out)
        dense = tf.concat(features, axis=2)
        mean, highest = tf.reduce_mean(dense, axis=1), tf.reduce_max(dense, axis=1)
        pooled = tf.reshape(tf.stack([highest, mean], axis=2), [len(frames), -1])
        penultimate = self.norm(tf.nn.relu(self.dense(self.norm(pooled))))
        logits = self.dense(penultimate)
        layers = {"timbral": timbral, "temporal": temporal, "mean_pool": mean, "max_pool": highest}
        layers |= {f"cnn{i}": features[i] for i in (1, 2, 3)}
        layers |= {"penultimate": penultimate, "logits": logits, "taggram": tf.sigmoid(logits)}
        return {name: value.numpy() for name, value in layers.items()}


@pytest.fixture(scope="module")
def layers(variables, patches):
    """Every layer of all patches: ours, and the graph's."""
    network = MusiCNN().eval()
    network.load_state_dict(convert_musicnn(variables))
    with torch.no_grad():
        ours = {layer: network(patches, layer=layer).numpy() for layer in network.layers}
    theirs = Graph(variables).run(patches.numpy())
    return ours, {name: value.mean(axis=1) if value.ndim == 3 else value for name, value in theirs.items()}


@pytest.mark.parametrize("layer", MusiCNN.layers)
def test_layers_equal_the_graph(layers, layer):
    ours, theirs = (kind[layer] for kind in layers)
    assert ours.shape == theirs.shape
    assert theirs.std() > 1e-3
    # 1e-4 for values up to 5; a few maxima reach 140, where both float32 sums are off by some 3e-4 from float64's
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * max(5.0, float(np.abs(theirs).max())))


@pytest.mark.parametrize("n_frames", [1, 40, 129])
def test_other_numbers_of_frames(variables, patches, n_frames):
    """A short input lies within the zeros of every convolution, so the padding must be TensorFlow's."""
    network = MusiCNN().eval()
    network.load_state_dict(convert_musicnn(variables))
    few = patches[:3, :n_frames].contiguous()
    with torch.no_grad():
        ours = network(few).numpy()
    np.testing.assert_allclose(ours, Graph(variables).run(few.numpy())["taggram"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", CLIPS)
def test_front_end_equals_librosa_and_half_precision(waveforms, name):
    """librosa's power in float16, then a logarithm in float16; librosa padded by reflection when this was written."""
    waveform = waveforms[name]
    power = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect"
    ).T.astype(np.float16)
    with np.errstate(over="ignore"):
        wanted = np.log10(np.float16(10000) * power + np.float16(1)).astype(np.float32)
    wanted[np.isinf(wanted)] = np.log10(65504)  # where the original overflows, ours stays at the largest number
    ours = preset("musicnn")(torch.from_numpy(waveform)).numpy()
    assert ours.shape == wanted.shape
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=4e-3)  # a unit in the last place of float16 from 4 on
    assert (ours != wanted).mean() < 0.02  # and only where the powers lie on either side of a rounding
