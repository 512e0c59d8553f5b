"""PANNsEmbedder against the authors' code, from seeded checkpoints in the published layout."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from sklearn_audio import PANNsEmbedder
from tests.parity.golden_files import difference, read_golden
from tests.parity.seeded import checkpoint, clips

LIGHT = ("leenet11", "mobilenet_v1", "mobilenet_v2")
MIDDLE = ("cnn6", "cnn10", "dainet19")
LARGE = (
    "cnn14",
    "cnn14_16k",
    "cnn14_8k",
    "cnn14_decision_max",
    "cnn14_decision_avg",
    "cnn14_decision_att",
    "resnet22",
    "resnet38",
    "resnet54",
    "leenet24",
    "res1dnet31",
    "res1dnet51",
    "wavegram_cnn14",
    "wavegram_logmel_cnn14",
)
RATES = {"cnn14_16k": 16000, "cnn14_8k": 8000}
HIGHEST = {32000: 14000, 16000: 8000, 8000: 4000}
# measured 1e-5; ten times the offset of every batch norm makes 2e-4 and more in an embedding
TOLERANCE = 1e-4
LAYERS = ("embedding", "probabilities")
SHORT, ALL = ("10s", "4.37s", "1s"), ("10s", "4.37s", "1s", "30s")
CASES = [
    *((model, ALL) for model in LIGHT),
    *((model, SHORT) for model in MIDDLE),
    ("cnn14", ("1s",)),  # the most used of the large ones, so that every run sees it break
    *(pytest.param(model, ("30s",), marks=pytest.mark.slow) for model in MIDDLE),
    *(pytest.param(model, ALL, marks=pytest.mark.slow) for model in LARGE),
]
# the authors' code fails where one of its two branches is a frame longer
FAILS = ("wavegram_logmel_cnn14", "4.37s")


def front_end_tensors(layout, rate):
    """The front end in a checkpoint: the Fourier transform under its window, and the mel filters."""
    n_fft = layout["spectrogram_extractor.stft.conv_real.weight"][2]
    turns = np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) % n_fft / n_fft
    kernel = (librosa.filters.get_window("hann", n_fft) * np.exp(-2j * np.pi * turns))[:, None]  # (n_bins, 1, n_fft)
    mel = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=HIGHEST[rate]).T
    return {
        "spectrogram_extractor.stft.conv_real.weight": kernel.real,
        "spectrogram_extractor.stft.conv_imag.weight": kernel.imag,
        "logmel_extractor.melW": mel,
    }


def published_tensors(model):
    """All tensors of the published layout, seeded but for the front end."""
    layout, rate = read_golden(f"panns_{model}").layout, RATES.get(model, 32000)
    has_front_end = "logmel_extractor.melW" in layout
    fixed = front_end_tensors(layout, rate) if has_front_end else {}
    drawn = checkpoint({name: shape for name, shape in layout.items() if name not in fixed})
    tensors = drawn | {name: array.astype(np.float32) for name, array in fixed.items()}
    assert {name: array.shape for name, array in tensors.items()} == layout
    return {name: torch.from_numpy(np.asarray(tensors[name])) for name in layout}


def save(path, tensors):
    """Write a checkpoint as the authors do; the state of their sampler holds arrays."""
    sampler = {"indexes": np.arange(20), "pointer": 3, "classes_set": [0, 1]}
    torch.save({"iteration": 600000, "model": tensors, "sampler": sampler}, path)
    return path


def embedder(model, path, **parameters):
    return PANNsEmbedder(model, weights=path, sample_rate=RATES.get(model, 32000), **parameters)


def is_recorded(model, clip, layer):
    """Whether the authors' code has an answer; it returns no embedding of a network that decides before it pools."""
    return (model, clip) != FAILS and not (layer == "embedding" and "decision" in model)


def test_golden_files_are_complete():
    for model in (*LIGHT, *MIDDLE, *LARGE):
        answers = read_golden(f"panns_{model}").answers
        recorded = {(clip, layer) for clip, layers in answers.items() for layer in layers}
        expected = {(clip, layer) for clip in ALL for layer in LAYERS if is_recorded(model, clip, layer)}
        assert recorded == expected, model


@pytest.mark.parametrize(("model", "names"), CASES)
def test_clips_as_in_the_authors_code(model, names, tmp_path):
    path = save(tmp_path / "checkpoint.pth", published_tensors(model))
    waveforms, golden = clips(RATES.get(model, 32000)), read_golden(f"panns_{model}").answers
    for layer in LAYERS:
        recorded = [clip for clip in names if is_recorded(model, clip, layer)]
        if not recorded:
            continue
        answers = embedder(model, path, layer=layer).transform([waveforms[clip] for clip in recorded])
        for clip, answer in zip(recorded, answers, strict=True):
            assert difference(answer, golden[clip][layer], layer) < TOLERANCE, clip


@pytest.mark.slow
def test_clip_on_which_the_authors_code_fails(tmp_path):
    """Two branches of which one is a frame longer: the last frame is left out, so 10 ms less change little."""
    model, clip = FAILS
    assert clip not in read_golden(f"panns_{model}").answers
    path = save(tmp_path / "checkpoint.pth", published_tensors(model))
    waveform = clips(32000)[clip]
    whole, shorter = embedder(model, path).transform([waveform, waveform[:-320]])
    assert np.linalg.norm(whole - shorter) < 0.05 * np.linalg.norm(whole)


@pytest.mark.parametrize("model", ["cnn6", pytest.param("cnn14", marks=pytest.mark.slow)])
def test_fine_tuned_checkpoint_embeds_as_its_base(model, tmp_path):
    """The layout of the authors' template for other tasks, the one class they publish it for being Cnn14."""
    tensors = {f"base.{name}": tensor for name, tensor in published_tensors(model).items()}
    width = tensors["base.fc1.weight"].shape[0]
    tensors |= {"fc_transfer.weight": torch.ones(50, width), "fc_transfer.bias": torch.ones(50)}
    path = save(tmp_path / "fine_tuned.pth", tensors)
    (answer,) = embedder(model, path).transform([clips(32000)["4.37s"]])
    assert difference(answer, read_golden(f"panns_{model}").answers["4.37s"]["embedding"], "embedding") < TOLERANCE
