"""Embedders as modules of HEAR, encoders of X-ARES and models of MTEB, by the checks of those where installed."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from sklearn_audio import (
    EfficientATEmbedder,
    HEAREmbedder,
    PANNsEmbedder,
    SpeechEmbedder,
    VGGishEmbedder,
    to_hear,
    to_mteb,
    to_xares,
)
from sklearn_audio.preprocessing import AcousticFeatures
from tests import hear_module

NOISE = np.random.default_rng(0).normal(scale=0.1, size=(3, 24000)).astype(np.float32)


def small(**options):
    return EfficientATEmbedder("mn04_as", weights=None, **options)


def test_scenes_are_the_vectors_of_the_embedder():
    hear = to_hear(small(), sample_rate=16000)
    model = hear.load_model()
    found = hear.get_scene_embeddings(torch.from_numpy(NOISE), model)
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found, small(sample_rate=16000).transform(list(NOISE)))
    assert (model.sample_rate, model.scene_embedding_size, model.timestamp_embedding_size) == (16000, 384, 384)


def test_timestamps_are_the_centres_of_the_patches():
    hear = to_hear(small(pooling="mean_max", window=1.0), timestamps=small(window=0.5, hop=0.25), sample_rate=16000)
    model = hear.load_model()
    found, times = hear.get_timestamp_embeddings(torch.from_numpy(NOISE), model)
    assert model.scene_embedding_size == 768
    assert found.shape == (3, 5, 384)
    assert times.tolist() == [[250.0, 500.0, 750.0, 1000.0, 1250.0]] * 3
    _, expected = small(window=0.5, hop=0.25, sample_rate=16000).segments(list(NOISE), return_vectors=True)
    np.testing.assert_array_equal(found.reshape(-1, 384), expected.values)


@pytest.mark.parametrize(
    ("embedder", "rate"),
    [
        (SpeechEmbedder(weights=None), 16000),
        (PANNsEmbedder("leenet11", weights=None), 44100),
        (HEAREmbedder(hear_module, pooling=None), 16000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_there_and_back(embedder, rate):
    hear = to_hear(embedder)
    assert hear.load_model().sample_rate == rate
    pooling = "mean" if embedder.pooling is None else embedder.pooling
    expected = embedder.set_params(sample_rate=rate, pooling=pooling).transform(list(NOISE))
    np.testing.assert_array_equal(HEAREmbedder(hear, sample_rate=rate).transform(list(NOISE)), expected)


def test_the_file_of_load_model_is_that_of_the_embedder():
    hear = to_hear(HEAREmbedder(hear_module, sample_rate=16000))
    twice = hear.get_scene_embeddings(torch.ones(1, 800), hear.load_model("2"))
    np.testing.assert_allclose(twice[0], 2 * np.linspace(0.5, 2.0, 5) + 1, rtol=1e-6)


def test_an_encoder_gives_the_patches():
    encoder = to_xares(VGGishEmbedder(weights=None))
    assert (encoder.sampling_rate, encoder.output_dim, encoder.hop_size_in_ms) == (16000, 128, 960.0)
    found = encoder(torch.from_numpy(NOISE[:2]))
    expected = VGGishEmbedder(weights=None, pooling=None, sample_rate=16000).transform(list(NOISE[:2]))
    np.testing.assert_array_equal(found.reshape(-1, 128), expected.values)
    assert encoder(torch.from_numpy(NOISE[0])).shape == (1, *found.shape[1:])


@pytest.mark.parametrize("bridge", [to_hear, to_xares, lambda embedder: to_mteb(embedder, "me/it")])
@pytest.mark.parametrize("embedder", [AcousticFeatures(), EfficientATEmbedder, None, "panns"])
def test_what_is_no_embedder_is_refused(bridge, embedder):
    with pytest.raises(TypeError, match="is no embedder of this library; give one"):
        bridge(embedder)


def test_refuses():
    with pytest.raises(ValueError, match="sample_rate=32000 is none of the HEAR API"):
        to_hear(small(), sample_rate=32000)
    with pytest.raises(ValueError, match=r"returns a single vector of a clip of 10 s.*set its window and hop"):
        to_xares(small())
    with pytest.raises(ValueError, match="pooling=None returns several vectors per clip"):
        to_mteb(small(pooling=None), "me/it")
    hear = to_hear(small())
    with pytest.raises(TypeError, match="model is a Linear; give what load_model returned"):
        hear.get_scene_embeddings(torch.zeros(1, 16000), torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"audio must have shape \(n_clips, n_timepoints\), got \(1, 1, 16000\)"):
        hear.get_scene_embeddings(torch.zeros(1, 1, 16000), hear.load_model())
    with pytest.raises(TypeError, match="audio is a ndarray; give a Tensor of torch"):
        hear.get_scene_embeddings(np.zeros((1, 16000)), hear.load_model())


def test_a_clip_that_fails_is_named_also_with_on_error_nan():
    audio = torch.from_numpy(NOISE).clone()
    audio[1, 7] = torch.nan
    hear = to_hear(small(window=0.5, on_error="nan"), sample_rate=16000)
    with pytest.raises(ValueError, match="row 1: the clip contains NaN"):
        hear.get_timestamp_embeddings(audio, hear.load_model())
    with pytest.raises(ValueError, match="row 1: the clip contains NaN"):
        to_xares(small(window=0.5, on_error="nan"))(audio)
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used"):
        found = hear.get_scene_embeddings(audio, hear.load_model())
    assert found.isnan().any(dim=1).tolist() == [False, True, False]


def test_without_mteb(monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(ImportError, match=r"to_mteb needs mteb 2: .*pip install 'mteb>=2'"):
        to_mteb(small(), "me/it")


@pytest.mark.parametrize("embedder", [VGGishEmbedder(weights=None), small(window=0.5, hop=0.25)])
def test_the_check_of_xares(embedder):
    checker = pytest.importorskip("xares.audio_encoder_checker", reason="xares is not installed")
    assert checker.check_audio_encoder(to_xares(embedder))


def test_the_validator_of_hear(monkeypatch):
    tensorflow = ModuleType("tensorflow")  # of which the validator asks whether the model is its
    tensorflow.Module = type("Module", (), {})
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    validator = pytest.importorskip("hearvalidator.validate", reason="hearvalidator is not installed")
    hear = to_hear(small(), timestamps=small(window=0.2, hop=0.05))
    monkeypatch.setitem(sys.modules, "ours", hear)
    validator.ValidateModel("ours", "", device="cpu")()


def test_a_model_of_mteb():
    protocols = pytest.importorskip("mteb.models.models_protocols", reason="mteb is not installed")
    model = to_mteb(small(), "me/mn04")
    assert isinstance(model, protocols.EncoderProtocol)
    assert model.mteb_model_meta.name == "me/mn04"
    batches = [{"audio": [{"array": clip, "sampling_rate": 16000} for clip in NOISE[rows]]} for rows in ([0, 1], [2])]
    found = model.encode(batches, task_metadata=None, hf_split="test", hf_subset="default")
    np.testing.assert_array_equal(found, small(sample_rate=16000).transform(list(NOISE)))
    stereo = {"array": np.stack([NOISE[0], NOISE[0]]), "sampling_rate": 16000}
    np.testing.assert_array_equal(model.encode([{"audio": [stereo]}])[0], found[0])
