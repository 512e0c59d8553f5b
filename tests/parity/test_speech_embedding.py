"""SpeechEmbedder against ONNX Runtime on the published files: what it recorded, and beside it where it is installed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_audio import SpeechEmbedder
from sklearn_audio.dsp import preset

GOLDEN = Path(__file__).parent / "golden" / "speech_embedding.npz"


def waveform():
    t = np.arange(24000) / 16000
    loud = 0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) * (1 + np.sin(2 * np.pi * 3 * t))
    return np.where((t > 0.6) & (t < 0.7), 0, loud).astype(np.float32)


def windows_of(frames):
    return np.stack([frames[i : i + 76] for i in range(0, len(frames) - 75, 8)])


@pytest.fixture(scope="module")
def onnx_file(shared_data):
    return shared_data / "weights" / "speech_embedding.onnx"


def embedder(file, **options):
    return SpeechEmbedder(weights=file, pooling=None, partial="drop", sample_rate=16000, **options)


def test_frames_are_those_of_the_published_front_end():
    with np.load(GOLDEN) as golden:
        ours = preset("speech_embedding")(torch.from_numpy(waveform())).numpy()
        np.testing.assert_allclose(ours[::8], golden["frames"], atol=2e-4)  # its sums are of float32, too
    assert (ours == ours.min()).sum() > 32  # the floor is reached


def test_vectors_are_those_of_onnx_runtime(onnx_file):
    ours = embedder(onnx_file).transform([waveform()])[0]
    with np.load(GOLDEN) as golden:
        assert np.abs(ours[:, ::4] - golden["vectors"]).max() < 1e-5 * np.abs(golden["vectors"]).max()


@pytest.mark.parametrize("n_timepoints", [5000, 20480, 16000 * 7 + 123])
def test_beside_onnx_runtime(onnx_file, n_timepoints):
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    clip = np.random.default_rng(0).normal(scale=0.1, size=n_timepoints).astype(np.float32)
    before = max(0, 20480 - n_timepoints) // 2
    padded = np.pad(clip, (before, max(0, 20480 - n_timepoints - before)))
    names = {"front_end": "speech_embedding_melspectrogram.onnx", "network": "speech_embedding.onnx"}
    run = {key: runtime.InferenceSession(str(onnx_file.with_name(name))) for key, name in names.items()}
    frames = run["front_end"].run(None, {"input": padded[None] * np.float32(32767)})[0].squeeze() / 10 + 2
    theirs = run["network"].run(None, {"input_1": windows_of(frames)[..., None]})[0].squeeze()
    ours = embedder(onnx_file).transform([clip])[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_another_hop_takes_the_same_windows(onnx_file):
    every = embedder(onnx_file).transform([waveform()])[0]
    second = embedder(onnx_file, hop=0.16).transform([waveform()])[0]
    np.testing.assert_allclose(second, every[::2], atol=1e-4)


def test_safetensors_and_bundles_give_the_same_bits(onnx_file, tmp_path):
    import pickle

    from safetensors.torch import save_file

    from sklearn_audio.weights import read_checkpoint

    save_file(
        read_checkpoint(onnx_file, "speech_embedding"),
        tmp_path / "speech.safetensors",
        {"converter": "speech_embedding"},
    )
    wanted = embedder(onnx_file).transform([waveform()])[0]
    np.testing.assert_array_equal(embedder(tmp_path / "speech.safetensors").transform([waveform()])[0], wanted)
    bundled = pickle.loads(pickle.dumps(embedder(onnx_file, bundle_weights=True)))
    np.testing.assert_array_equal(bundled.transform([waveform()])[0], wanted)
