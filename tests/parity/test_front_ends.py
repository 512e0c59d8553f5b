"""The front ends against librosa, Kaldi's filterbank as torchaudio has it, and published golden values."""

import importlib.util
import math
import sys
import types

import librosa
import numpy as np
import pytest
import torch

from sklearn_audio.dsp import FrontEnd, preset
from sklearn_audio.files import read_audio

CLIPS = ["examples/audio/198-209-0000.ogg", "environment/audio/rooster/1-26806-A.ogg", "digits/audio/3_theo_5.flac"]


def recording(shared_data, name, rate):
    candidates = (
        [shared_data / name] if (shared_data / name).exists() else sorted((shared_data / name).parent.iterdir())
    )
    return read_audio(candidates[0], sample_rate=rate, end=10.0)[0]


@pytest.fixture(scope="module")
def kaldi():
    """torchaudio's Kaldi port alone: the package around it needs libraries that a CPU build of torch lacks."""
    spec = importlib.util.find_spec("torchaudio")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("torchaudio, the oracle of Kaldi's filterbank, is not installed")
    path = f"{spec.submodule_search_locations[0]}/compliance/kaldi.py"
    module_spec = importlib.util.spec_from_file_location("kaldi_oracle", path)
    module = importlib.util.module_from_spec(module_spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchaudio", types.ModuleType("torchaudio"))
        module_spec.loader.exec_module(module)
    return module


# ---- librosa ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIPS)
def test_defaults_equal_librosa(shared_data, name):
    y = recording(shared_data, name, 22050).astype(np.float64)
    mel = librosa.feature.melspectrogram(y=y, sr=22050, n_fft=1024, hop_length=512, n_mels=64)
    decibels = librosa.power_to_db(mel)
    linear = FrontEnd(log=None)
    np.testing.assert_allclose(FrontEnd()(torch.from_numpy(y)).numpy(), decibels.T, atol=1e-4)
    single = torch.from_numpy(y.astype(np.float32))
    np.testing.assert_allclose(FrontEnd()(single).numpy(), decibels.T, atol=2e-3)
    loudest = mel.T.max()
    np.testing.assert_allclose(linear(single).numpy(), mel.T, rtol=1e-4, atol=1e-9 * loudest)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({"mel_scale": "htk", "mel_norm": None}, {"htk": True, "norm": None}),
        ({"win_length": 700, "fmin": 50.0, "fmax": 7000.0}, {"win_length": 700, "fmin": 50.0, "fmax": 7000.0}),
        ({"center": False}, {"center": False}),
        ({"pad_mode": "reflect", "power": 1.0}, {"pad_mode": "reflect", "power": 1.0}),
        ({"hop_length": 333, "window": "hamming"}, {"hop_length": 333, "window": "hamming"}),
    ],
)
def test_every_convention_librosa_has(shared_data, name, settings, theirs):
    y = recording(shared_data, name, 22050).astype(np.float64)
    wanted = librosa.feature.melspectrogram(
        y=y, sr=22050, **({"n_fft": 1024, "hop_length": 512, "n_mels": 64} | theirs)
    )
    ours = FrontEnd(log=None, **settings)(torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(ours, wanted.T, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["panns_32k", "panns_16k", "panns_8k", "few_audio", "deep_audio_features", "audio_tokens", "musicnn"]
)
def test_presets_with_librosa_conventions(shared_data, name):
    front_end = preset(name)
    y = recording(shared_data, CLIPS[0], front_end.sample_rate).astype(np.float64)
    htk = name == "audio_tokens"
    mel = librosa.feature.melspectrogram(
        y=y, sr=front_end.sample_rate, n_fft=front_end.n_fft, hop_length=front_end.hop_length, n_mels=front_end.n_mels,
        fmin=front_end.fmin, fmax=front_end.fmax, pad_mode="reflect", htk=htk, norm=None if htk else "slaney",
    ).T  # fmt: skip
    if name == "few_audio":
        wanted = np.log10(mel + np.finfo(np.float64).eps)
    elif name == "deep_audio_features":
        wanted = librosa.power_to_db(mel, ref=np.max)
    elif name == "musicnn":
        with np.errstate(over="ignore"):
            wanted = np.log10(np.float16(10000) * mel.astype(np.float16) + np.float16(1)).astype(np.float64)
        wanted[np.isinf(wanted)] = np.log10(65504)  # where the original overflows, ours stays at the largest number
    else:
        wanted = 10 * np.log10(np.maximum(mel, 1e-10))
    tolerance = 2e-3 if name == "musicnn" else 1e-4  # one unit in the last place of float16 below 4
    np.testing.assert_allclose(front_end(torch.from_numpy(y)).numpy(), wanted, atol=tolerance)


@pytest.mark.parametrize(("name", "n_mels"), [("openl3_mel256", 256), ("openl3_mel128", 128), ("openl3_linear", None)])
def test_openl3_with_librosa(shared_data, name, n_mels):
    """Magnitudes of the frames that begin within a second, ten times their logarithm, below the maximum."""
    y = recording(shared_data, CLIPS[0], 48000).astype(np.float64)[:48000]
    n_fft, n_frames = (2048, 199) if n_mels else (512, 197)
    y = np.pad(y, (0, (n_frames - 1) * 242 + n_fft - len(y))) if n_mels else y
    wanted = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=242, center=False))
    if n_mels:
        wanted = librosa.filters.mel(sr=48000, n_fft=n_fft, n_mels=n_mels, dtype=np.float64) @ wanted
    wanted = librosa.power_to_db(wanted, ref=np.max, amin=1e-10, top_db=80)
    ours = preset(name)(torch.from_numpy(y[:48000])).numpy()
    assert ours.shape == (n_frames, n_mels or 257)
    np.testing.assert_allclose(ours, wanted.T, atol=1e-4)


# ---- Kaldi -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIPS)
def test_ast_equals_kaldi(shared_data, kaldi, name):
    y = torch.from_numpy(recording(shared_data, name, 16000))
    wanted = kaldi.fbank(
        y[None], htk_compat=True, sample_frequency=16000, use_energy=False, window_type="hanning", num_mel_bins=128,
        dither=0.0, frame_shift=10,
    )  # fmt: skip
    ours = preset("ast")(y)
    assert ours.shape == wanted.shape
    torch.testing.assert_close(ours.exp(), wanted.exp(), rtol=1e-3, atol=1e-6)
    double = kaldi.fbank(
        y[None].double(), htk_compat=True, sample_frequency=16000, use_energy=False, window_type="hanning",
        num_mel_bins=128, dither=0.0, frame_shift=10,
    )  # fmt: skip
    torch.testing.assert_close(preset("ast")(y.double()), double, rtol=0, atol=1e-3)


def test_efficientat_equals_its_definition(shared_data, kaldi):
    """Pre-emphasis, torch's STFT and Kaldi's banks, put together as the paper's code describes them."""
    y = torch.from_numpy(recording(shared_data, CLIPS[0], 32000))
    emphasised = torch.nn.functional.conv1d(y[None, None], torch.tensor([[[-0.97, 1.0]]]))[0]
    window = torch.hann_window(800, periodic=False)
    spectrum = torch.stft(emphasised, 1024, 320, 800, window, center=True, pad_mode="reflect", return_complex=True)[0]
    banks, _ = kaldi.get_mel_banks(128, 1024, 32000.0, 0.0, 15000.0, 100.0, -500.0, 1.0)
    mel = torch.nn.functional.pad(banks, (0, 1)) @ spectrum.abs().square()
    wanted = ((mel + 1e-5).log() + 4.5) / 5
    torch.testing.assert_close(preset("efficientat")(y), wanted.T, rtol=0, atol=1e-3)


# ---- published golden values -----------------------------------------------------------------------------------------


def test_vggish_golden_values():
    """The smoke test of VGGish's released code: a tone of 1 kHz, 3 s at 16 kHz, in float64."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / 16000))
    frames = preset("vggish")(torch.from_numpy(tone)).numpy()
    assert frames.shape == (298, 64)
    np.testing.assert_allclose(frames[0, :3], [-4.48313252, -4.27083405, -4.17064267], atol=1e-6)
    np.testing.assert_allclose(frames[0, -3:], [-4.60069383, -4.60098887, -4.60116305], atol=1e-6)
    assert frames.mean(axis=0).argmax() == 19
    np.testing.assert_allclose(
        [frames.max(), frames.mean(), frames.std()], [4.811117725, -3.429618696, 2.126577336], atol=1e-6
    )


def test_ast_golden_values():
    """torchaudio 2.11's Kaldi filterbank of two tones, 1 s at 16 kHz, generated in float32."""
    t = torch.arange(16000) / 16000
    tones = 0.5 * torch.sin(2 * math.pi * 1000 * t) + 0.1 * torch.sin(2 * math.pi * 3333 * t)
    frames = preset("ast")(tones).numpy()
    assert frames.shape == (98, 128)
    np.testing.assert_allclose(frames[0, :3], [-15.0484, -15.9424, -15.6234], atol=2e-3)
    np.testing.assert_allclose(frames[0, 40:44], [-2.0883, 1.2570, 4.4182, 5.6266], atol=1e-3)
    np.testing.assert_allclose([frames.mean(), frames.std()], [-11.4017038, 5.2367730], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "mean", "band", "peak"),
    [
        ("panns_32k", -77.26346, 17, 23.66523),
        ("panns_16k", -79.28817, 20, 19.28075),
        ("panns_8k", -81.52227, 26, 14.42043),
    ],
)
def test_panns_golden_values(name, mean, band, peak):
    """torchlibrosa 0.1.0 of a tone of 1 kHz, 1 s, generated in float32; its sums are a convolution, ours an FFT."""
    front_end = preset(name)
    t = torch.arange(front_end.sample_rate) / front_end.sample_rate
    frames = front_end(0.5 * torch.sin(2 * math.pi * 1000 * t))
    assert frames.shape == (101, 64)
    assert frames[50].argmax() == band
    assert float(frames[50, band]) == pytest.approx(peak, abs=1e-4)
    assert float(frames.mean()) == pytest.approx(mean, abs=2e-3)
