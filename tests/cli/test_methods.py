"""`--method` of train: what each trains, and which options it refuses."""

import functools
from argparse import Namespace
from types import SimpleNamespace

import joblib
import pytest

from sklearn_audio.classification import FineTunedClassifier
from sklearn_audio.cli import _methods
from sklearn_audio.cli._methods import METHODS, _config, _model_at_hand, advice
from sklearn_audio.embedding import EfficientATEmbedder, SpeechEmbedder

pytestmark = pytest.mark.usefixtures("few_settings")


def options(**given):
    defaults = dict.fromkeys(("model", "weights", "layer", "sample_rate"))
    return Namespace(**{**defaults, "method": "auto", "jobs": 1, "device": "cpu", "seed": 0, **given})


def test_a_pretrained_network(folder, sounds, speech_weights, tmp_path, run):
    target = tmp_path / "m.joblib"
    flags = ["--method", "speech", "--weights", speech_weights, "--layer", "conv10,embedding"]
    out = run("train", folder, "-o", target, *flags)
    assert "best of 3 settings" in out
    assert "speech_embedding, " in out
    model = joblib.load(target)
    assert isinstance(model[0], SpeechEmbedder)
    paths = list(sounds.data[:6])
    lines = run("predict", target, *paths).splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == model.predict(paths).tolist()


def test_a_fine_tuned_network(folder, speech_weights, tmp_path, run, refused, monkeypatch):
    short = functools.partial(FineTunedClassifier, strategy="probe")
    monkeypatch.setattr(_methods, "FineTunedClassifier", short)
    flags = ["--method", "finetune", "--folds", "2"]
    network = ["--model", "speech_embedding", "--weights", speech_weights]
    out = run("train", folder, "-o", tmp_path / "m.joblib", *flags, *network)
    assert "speech_embedding, all layers trained" in out
    assert run("predict", tmp_path / "m.joblib", folder).count("\n") == 41
    refused(["train", folder, "-o", tmp_path / "n", *flags, "--model", "cnn41"], "unknown --model 'cnn41'", "'cnn14'")


def test_auto_compares_what_is_at_hand(folder, home, use_registry, speech_weights, tmp_path, run, monkeypatch):
    use_registry(
        f'["speech_embedding"]\nurl = "http://localhost/no"\nfile = "{speech_weights.name}"\n'
        'converter = "speech_embedding"\nlicence = "Apache-2.0"\npaper = "none"\n'
    )
    (home / "weights").mkdir(parents=True)
    (home / "weights" / speech_weights.name).write_bytes(speech_weights.read_bytes())
    monkeypatch.setattr(
        _methods, "_model_at_hand", lambda method: (method == "speech" and _model_at_hand(method)) or None
    )
    out = run("train", folder, "-o", tmp_path / "m.joblib")
    rows = [line.split()[0] for line in out.splitlines() if "±" in line]
    assert sorted(rows) == ["speech", "statistics"]
    assert "best of 12 settings" in out
    assert "panns (panns_cnn14, 327 MB)" in out
    assert "speech (" not in out


def test_the_default_model_is_preferred_and_another_is_used(monkeypatch):
    stored = {"efficientat_mn04_as", "efficientat_mn40_as"}
    monkeypatch.setattr(_methods, "is_at_hand", stored.__contains__)
    assert _model_at_hand("efficientat") == "mn04_as"
    stored.add(f"efficientat_{EfficientATEmbedder().model}")
    assert _model_at_hand("efficientat") == EfficientATEmbedder().model
    assert _model_at_hand("vggish") is None


@pytest.mark.parametrize("cached", [True, False])
def test_whisper_needs_its_library_and_the_cache_of_the_hub(monkeypatch, cached):
    monkeypatch.setattr(_methods, "is_cached", lambda _: cached)
    monkeypatch.setattr(_methods, "find_spec", lambda _: SimpleNamespace())
    assert _model_at_hand("whisper") == ("openai/whisper-base" if cached else None)
    monkeypatch.setattr(_methods, "find_spec", lambda _: None)
    assert _model_at_hand("whisper") is None


def test_the_configuration_of_whisper_is_beside_its_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"put w_config.json or config.json there"):
        _config(tmp_path / "w.safetensors")
    (tmp_path / "config.json").touch()
    assert _config(tmp_path / "w.safetensors") == str(tmp_path / "config.json")
    (tmp_path / "w_config.json").touch()
    assert _config(tmp_path / "w.safetensors") == str(tmp_path / "w_config.json")


def test_what_a_download_would_add():
    said = advice(["vggish", "ast", "whisper"])
    assert "vggish (vggish)" in said
    assert "ast (ast_audioset_10_10_0.4593, 346 MB)" in said
    assert "whisper (openai/whisper-base by the extra transformers, 290 MB)" in said


def test_names(folder, tmp_path, refused):
    train = ["train", folder, "-o", tmp_path / "m"]
    refused(
        [*train, "--method", "eficientat"], "unknown --method 'eficientat'; did you mean 'efficientat'?", METHODS[-1]
    )
    refused([*train, "--method", "panns", "--model", "cnn41"], "unknown --model 'cnn41'; did you mean 'cnn14'?")
    refused([*train, "--method", "speech", "--layer", "conf3"], "unknown layer 'conf3'; did you mean 'conv3'?")


def test_options_without_a_meaning(folder, tmp_path, refused):
    train = ["train", folder, "-o", tmp_path / "m"]
    refused([*train, "--model", "mn04_as"], "--model is for a method with one pretrained network", "--method is auto")
    refused([*train, "--method", "tokens", "--layer", "conv1"], "--layer is for a method with one pretrained network")
    refused(
        [*train, "--method", "speech", "--sample-rate", "8000"], "--sample-rate is without effect for --method speech"
    )
    flags = ["--method", "whisper", "--model", "openai/whisper-tiny", "--weights", "w.safetensors"]
    refused([*train, *flags], "--model and --weights both name a network")


def test_weights_that_are_missing(folder, tmp_path, refused):
    flags = ["--method", "speech", "--weights", tmp_path / "no.safetensors"]
    refused(["train", folder, "-o", tmp_path / "m", *flags], "no.safetensors")
    assert not (tmp_path / "m").exists()
