"""Networks of transformers: what transformers gives for a clip on its own, in any company, and errors that help."""

from __future__ import annotations

import pickle
import shutil
import sys
import types

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_audio import HuggingFaceEmbedder
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.testing import check_audio_estimator
from tests.native_models import MODELS, config_of, save_model, skip_without_new_process, transformers_or_skip, waveform


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Folders of small models, written when they are first asked for."""
    folders = {}

    def folder_of(name):
        if name not in folders:
            folders[name] = save_model(name, tmp_path_factory.mktemp(name))
        return folders[name]

    return folder_of


def oracle(name, folder, clip, rate, layer):
    """Mean, deviation and maximum over the frames of a layer, by transformers' own classes."""
    transformers = transformers_or_skip()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    with torch.inference_mode():
        if name.startswith("clap"):
            model = transformers.ClapModel.from_pretrained(folder).eval()
            inputs = extractor(clip, sampling_rate=rate, return_tensors="pt")
            found = model.get_audio_features(**inputs)
            return getattr(found, "pooler_output", found)[:, None][0].numpy()
        if name == "whisper":
            model = transformers.WhisperModel.from_pretrained(folder).eval().encoder
            inputs = extractor(clip, sampling_rate=rate, return_tensors="pt")
            states = model(inputs.input_features, output_hidden_states=True).hidden_states
            return states[layer][0, : -(-len(clip) // 320)].numpy()
        model = transformers.AutoModel.from_pretrained(folder).eval()
        inputs = extractor(clip, sampling_rate=rate, return_tensors="pt")
        out = model(**inputs, output_hidden_states=True)
    if name == "audio-spectrogram-transformer":
        return out.pooler_output.numpy()
    states = out.hidden_states[layer] if layer != 3 else out.last_hidden_state
    if name == "wav2vec2-bert":
        return states[0][inputs.attention_mask[0].bool()].numpy()
    return states[0].numpy()


LONGEST = {"whisper": 30.0, "clap": 10.0, "clap-fused": 10.0, "audio-spectrogram-transformer": 164080 / 16000}


_SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("seconds", "layer"),
    [
        (0.1, 2),
        (1.0, 3),
        *(pytest.param(seconds, layer, marks=_SLOW) for seconds, layer in [(0.1, 3), (1.0, 2)]),
        *(pytest.param(seconds, layer, marks=_SLOW) for seconds in (5.3, 35.0) for layer in (2, 3)),
    ],
)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:At least one mel filter:UserWarning")  # of AST's features, in transformers
def test_equals_transformers(name, seconds, layer, saved):
    folder, rate = saved(name), 48000 if name.startswith("clap") else 16000
    own = name in ("clap", "clap-fused", "audio-spectrogram-transformer")
    clip = waveform(seconds, rate)
    chosen = ("block2" if layer == 2 else None) if not own else None
    window = 30.0 if name == "whisper" else None  # to which transformers fills
    embedder = HuggingFaceEmbedder(folder, sample_rate=rate, layer=chosen, window=window, pooling="mean_std")
    found = embedder.transform([clip])[0]
    size = round(LONGEST.get(name, 60.0) * rate)
    patches = [clip[start : start + size] for start in range(0, len(clip), size)]
    frames = [oracle(name, folder, patch, rate, layer).astype(np.float64) for patch in patches]
    weights = [len(patch) / size for patch in patches]
    mean = np.average([f.mean(axis=0) for f in frames], axis=0, weights=weights)
    squares = np.average([np.square(f).mean(axis=0) for f in frames], axis=0, weights=weights)
    scale = np.abs(np.concatenate(frames)).max()
    np.testing.assert_allclose(found[: len(mean)] / scale, mean / scale, atol=1e-5)
    np.testing.assert_allclose(found[len(mean) :] / scale, np.sqrt(np.maximum(squares - mean**2, 0)) / scale, atol=2e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:At least one mel filter:UserWarning")
def test_neighbours_order_and_batch_size_change_no_bit(name, saved):
    rate = 48000 if name.startswith("clap") else 16000
    clips = [waveform(seconds, rate, seed) for seed, seconds in enumerate([0.3, 1.0, 0.1, 0.3, 0.7, 0.3])]
    embedder = HuggingFaceEmbedder(saved(name), sample_rate=rate, pooling="mean_max")
    alone = np.concatenate([embedder.transform([clip]) for clip in clips])
    np.testing.assert_array_equal(embedder.transform(clips), alone)
    np.testing.assert_array_equal(embedder.set_params(batch_size=1).transform(clips[::-1]), alone[::-1])


@pytest.mark.parametrize("name", ["whisper", "clap", "audio-spectrogram-transformer", "sew"])
@pytest.mark.filterwarnings("ignore:At least one mel filter:UserWarning")
def test_every_layer_has_its_width(name, saved):
    rate = 48000 if name == "clap" else 16000
    embedder = HuggingFaceEmbedder(saved(name), sample_rate=rate)
    for layer in embedder.layers():
        vectors = embedder.set_params(layer=layer).transform([waveform(0.4, rate)])
        names = embedder.get_feature_names_out()
        assert vectors.shape == (1, len(names))
        assert names[-1] == f"{name.replace('-', '_')}_{layer}_{len(names) - 1}"


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:At least one mel filter:UserWarning")
def test_all_layers_of_one_pass_are_those_alone_to_the_bit(name, saved):
    rate = 48000 if name.startswith("clap") else 16000
    clips = [waveform(seconds, rate) for seconds in (0.4, 0.7)]
    embedder = HuggingFaceEmbedder(saved(name), sample_rate=rate, pooling="mean_std")
    names = embedder.layers()
    rows = np.hstack([embedder.set_params(layer=layer).transform(clips) for layer in names])
    np.testing.assert_array_equal(embedder.set_params(layer="all").transform(clips), rows)
    inner = embedder.set_params(layer=[names[1], names[0]]).get_feature_names_out()
    kind = config_of(saved(name))["model_type"].replace("-", "_")
    assert inner[0] == f"{kind}_{names[1]}_0_mean"
    assert inner[-1].startswith(f"{kind}_{names[0]}_")
    assert inner[-1].endswith("_std")
    patches = embedder.set_params(pooling=None).transform(clips)
    means = embedder.set_params(pooling="mean").transform(clips)
    np.testing.assert_array_equal(patches.values, means)


def test_long_clips_in_windows_of_which_the_last_is_not_filled(saved):
    clip = waveform(2.5, 16000)
    embedder = HuggingFaceEmbedder(saved("wavlm"), sample_rate=16000, window=1.0, pooling=None)
    table, vectors = embedder.segments([clip], return_vectors=True)
    assert table[["start", "end"]].to_numpy().tolist() == [[0, 1], [1, 2], [2, 2.5]]
    alone = embedder.set_params(window=None).transform([clip[:16000], clip[16000:32000], clip[32000:]])
    np.testing.assert_array_equal(vectors.values, alone.values)


def test_whisper_fills_up_to_the_window_and_pools_over_sound(saved):
    transformers = transformers_or_skip()
    clip = waveform(0.51, 16000)
    embedder = HuggingFaceEmbedder(saved("whisper"), sample_rate=16000, window=30, layer="block2")
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(saved("whisper"))
    encoder = transformers.WhisperModel.from_pretrained(saved("whisper")).eval().encoder
    with torch.inference_mode():
        mels = extractor(clip, sampling_rate=16000, return_tensors="pt").input_features
        states = encoder(mels, output_hidden_states=True).hidden_states[2][0, :26]
    np.testing.assert_allclose(embedder.transform([clip])[0], states.mean(dim=0), atol=1e-5)
    two = embedder.set_params(window=None).transform([clip])
    np.testing.assert_array_equal(embedder.set_params(window=2.0).transform([clip]), two)
    assert np.abs(embedder.set_params(window=1.0).transform([clip]) - two).max() > 1e-4


def test_weights_with_a_configuration_are_the_model(saved, tmp_path):
    folder, clip = saved("hubert"), waveform(0.4, 16000)
    named = HuggingFaceEmbedder(folder, sample_rate=16000).transform([clip])
    weights, config = folder / "model.safetensors", folder / "config.json"
    by_file = HuggingFaceEmbedder(weights=weights, config=config, sample_rate=16000)
    np.testing.assert_array_equal(by_file.transform([clip]), named)
    values = config_of(folder) | {"feature_extractor": {"do_normalize": True}}
    by_dict = HuggingFaceEmbedder(weights=weights, config=values, sample_rate=16000)
    np.testing.assert_array_equal(by_dict.transform([clip]), named)


def test_pickles_are_small_and_bundled_ones_need_no_folder(saved, tmp_path):
    folder = shutil.copytree(saved("whisper"), tmp_path / "copy")
    embedder = HuggingFaceEmbedder(folder, sample_rate=16000, layer="block1")
    vectors = embedder.transform([waveform(0.4, 16000)])
    assert len(pickle.dumps(make_pipeline(embedder, StandardScaler()))) < 10_000
    bundled = pickle.dumps(clone(embedder).set_params(bundle_weights=True))
    shutil.rmtree(folder)
    loaded = pickle.loads(bundled)
    np.testing.assert_array_equal(loaded.transform([waveform(0.4, 16000)]), vectors)
    assert loaded.layers() == ("input", "block1", "block2", "block3")
    with pytest.raises(WeightsError, match="is neither a folder nor a hub id"):
        clone(embedder).fit([waveform(0.4, 16000)])


def test_the_cache_serves_every_pooling(saved, tmp_path):
    clips = [waveform(0.4, 16000), waveform(1.4, 16000)]
    embedder = HuggingFaceEmbedder(saved("sew"), sample_rate=16000, window=1.0)
    for pooling in ("mean", "mean_std", "mean_max", "max"):
        expected = embedder.set_params(pooling=pooling, cache=None).transform(clips)
        np.testing.assert_array_equal(embedder.set_params(cache=tmp_path).transform(clips), expected)
    assert len(list(tmp_path.rglob("*.vectors"))) == 2


def test_random_weights_follow_the_seed():
    transformers_or_skip()
    config = {"model_type": "whisper", "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2}
    embedder = HuggingFaceEmbedder(config=config, weights=None, sample_rate=16000)
    first = embedder.transform([waveform(0.4, 16000)])
    assert first.shape == (1, 16)
    np.testing.assert_array_equal(clone(embedder).transform([waveform(0.4, 16000)]), first)
    assert not np.array_equal(embedder.set_params(random_state=1).transform([waveform(0.4, 16000)]), first)


def test_the_model_card_and_the_commit(saved):
    embedder = HuggingFaceEmbedder(saved("wav2vec2"), sample_rate=16000)
    (saved("wav2vec2") / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    card = embedder.model_card()
    assert (card["licence"], card["model_type"], card["revision"]) == ("apache-2.0", "wav2vec2", None)
    assert card["sample_rate"] == 16000
    assert card["n_parameters"] > 10_000
    assert embedder.fit([waveform(0.4, 16000)]).revision_ is None


def test_a_fitted_estimator_stays_with_its_commit(saved, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub", reason="the extra transformers is not installed")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))

    def unreachable(*_, **__):
        raise hub.errors.LocalEntryNotFoundError("no network")

    monkeypatch.setattr(hub, "hf_hub_download", unreachable)
    old, new = "0" * 40, "1" * 40
    folder = tmp_path / "models--someone--net"
    shutil.copytree(saved("whisper"), folder / "snapshots" / old)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(old)
    clips = [waveform(0.4, 16000)]
    embedder = HuggingFaceEmbedder("someone/net", sample_rate=16000).fit(clips)
    assert embedder.revision_ == old
    vectors = embedder.transform(clips)
    shutil.copytree(saved("hubert"), folder / "snapshots" / new)
    (folder / "refs" / "main").write_text(new)
    np.testing.assert_array_equal(embedder.transform(clips), vectors)
    assert clone(embedder).model_card()["model_type"] == "hubert"


def test_bfloat16_is_close(saved):
    clip = waveform(0.4, 16000)
    embedder = HuggingFaceEmbedder(saved("whisper"), sample_rate=16000)
    exact = embedder.transform([clip])
    np.testing.assert_allclose(embedder.set_params(precision="bfloat16").transform([clip]), exact, atol=0.1)


CLIP = [np.zeros(16000, np.float32)]
WHISPER = {"model_type": "whisper", "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "give either model, a hub id or a folder, or config with weights=PATH"),
        ({"model": "a/b", "config": WHISPER}, ValueError, "give either model"),
        ({"config": WHISPER}, ValueError, "which has no revision; got weights='pretrained'"),
        ({"config": WHISPER, "weights": None, "revision": "main"}, ValueError, "revision='main'"),
        (
            {"config": {"model_type": "bert"}, "weights": None},
            WeightsError,
            "^config is not a supported audio network, but a 'bert'; choose a model of one of the types",
        ),
        (
            {"config": {}, "weights": None},
            WeightsError,
            "^config has no model_type; choose a model of one of the types",
        ),
        (
            {"config": {"model_type": "dasheng", "auto_map": {}}, "weights": None},
            WeightsError,
            "needs the code of its repository .*'dasheng'.*never run here",
        ),
        ({"config": {"model_type": "hubert"}, "weights": None}, WeightsError, "does not describe its features"),
        (
            {"config": WHISPER, "weights": None, "window": 31},
            ValueError,
            "window=31 is longer than the maximum of whisper, 30 s",
        ),
        (
            {"config": WHISPER, "weights": None, "window": 1e-4},
            ValueError,
            "window=0.0001 is shorter than the minimum of whisper, 0.02 s; give more",
        ),
        (
            {"config": WHISPER | {"d_model": "x"}, "weights": None},
            WeightsError,
            "transformers cannot build the configuration of this whisper from its JSON: .*Correct the file",
        ),
        (
            {"config": WHISPER | {"encoder_layers": -4}, "weights": None},
            WeightsError,
            "the configuration of this whisper has encoder_layers=-4, and needs 1 or more",
        ),
        (
            {"config": WHISPER | {"encoder_attention_heads": 7}, "weights": None},
            WeightsError,
            "transformers cannot build the network of this whisper from its JSON: .*divisible",
        ),
        (
            {"config": WHISPER | {"activation_function": "nope"}, "weights": None},
            WeightsError,
            "transformers cannot build the network of this whisper from its JSON: .*nope",
        ),
        (
            {"config": WHISPER | {"feature_extractor": {"hop_length": "x"}}, "weights": None},
            WeightsError,
            "transformers cannot build the feature extractor of this whisper from its JSON",
        ),
        (
            {"config": WHISPER, "weights": None, "layer": "blok1"},
            ValueError,
            "unknown layer 'blok1'; did you mean 'block1'",
        ),
        (
            {"config": WHISPER, "weights": __file__},
            WeightsError,
            "is not a .safetensors file, the only supported format",
        ),
    ],
)
def test_refuses(options, error, message):
    transformers_or_skip()
    with pytest.raises(error, match=message):
        HuggingFaceEmbedder(**options, sample_rate=16000).fit(CLIP).transform(CLIP)


def test_weights_of_another_model_are_refused(saved):
    weights, config = saved("hubert") / "model.safetensors", config_of(saved("whisper"))
    with pytest.raises(WeightsError, match="this is not a checkpoint of this whisper: it lacks"):
        HuggingFaceEmbedder(weights=weights, config=config, sample_rate=16000).transform(CLIP)
    weights = saved("whisper") / "model.safetensors"
    with pytest.raises(WeightsError, match=r"does not match .* of this whisper: .* has shape \(32.*, not \(64"):
        HuggingFaceEmbedder(weights=weights, config=config | {"d_model": 64}, sample_rate=16000).transform(CLIP)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"HuggingFaceEmbedder needs .*'transformers'.*sklearn-audio\[transformers\]"):
        HuggingFaceEmbedder(config=WHISPER | {"num_mel_bins": 20}, weights=None, sample_rate=16000).fit(CLIP)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "Could not load this library: torchaudio/lib/_torchaudio.so",
            "Uninstall torchaudio, which is not needed here",
        ),
        ("of another kind", r"cannot import WhisperConfig: of another kind. Install a current version"),
    ],
)
def test_a_broken_import_of_transformers(said, message, monkeypatch):
    class Broken(types.ModuleType):
        __version__ = "5.0"

        def __getattr__(self, name):
            raise OSError(said)

    monkeypatch.setitem(sys.modules, "transformers", Broken("transformers"))
    with pytest.raises(ImportError, match=message):
        HuggingFaceEmbedder(config=WHISPER | {"num_mel_bins": 21}, weights=None, sample_rate=16000).fit(CLIP)


@pytest.mark.slow
def test_the_checks_of_scikit_learn_and_of_audio(saved):
    embedder = HuggingFaceEmbedder(saved("whisper"), sample_rate=16000, layer="block1", window=0.5)
    check_estimator(embedder)
    skip_without_new_process()
    check_audio_estimator(embedder)
