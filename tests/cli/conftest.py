"""A folder of sounds, a model trained on it, and the one way in which a command refuses."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import MFCCTransformer, SequencePooling, SoundEventDetector, SpeechEmbedder
from sklearn_audio.cli import main
from sklearn_audio.datasets import write_sound_events
from sklearn_audio.engine import WeightsSource, read_network
from sklearn_audio.engine.models import CARDS

_RATE = 16000
_GOOD = np.sin(np.arange(4000) * 0.1).astype(np.float32)


@pytest.fixture(scope="session", autouse=True)
def no_weights(tmp_path_factory):
    """No pretrained network is at hand, whatever the caches of this machine hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKLEARN_AUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("sklearn_audio.cli._methods._model_at_hand", lambda _: None)
        yield


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "sounds"
    return write_sound_events(folder, 40, random_state=0, classes=["chirp", "noise", "tone"])


@pytest.fixture(scope="session")
def folder(sounds):
    return str(Path(sounds.data[0]).parents[1])


@pytest.fixture(scope="session")
def model(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    assert main(["train", folder, "-o", str(path)]) == 0
    return str(path)


@pytest.fixture(scope="session")
def tags(sounds, tmp_path_factory):
    """A multi-label table: every label of the sounds, and some of them are loud as well."""
    rng = np.random.default_rng(0)
    labels = [";".join([label, *(["loud"] if rng.random() < 0.5 else [])]) for label in sounds.target]
    path = tmp_path_factory.mktemp("tags") / "tags.csv"
    pd.DataFrame({"path": sounds.data, "labels": labels}).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="session")
def tagger(tags, tmp_path_factory):
    path = tmp_path_factory.mktemp("tagger") / "model.joblib"
    assert main(["train", tags, "-o", str(path)]) == 0
    return str(path)


@pytest.fixture
def table(sounds):
    """Write a table of the sounds with more columns; returns its path."""

    def write(path, **columns):
        pd.DataFrame({"path": sounds.data, "label": sounds.target, **columns}).to_csv(path, index=False)
        return path

    return write


@pytest.fixture(scope="session")
def speech_weights(tmp_path_factory):
    """Random weights of speech_embedding in a file."""
    card = SpeechEmbedder.cards["speech_embedding"]
    path = tmp_path_factory.mktemp("weights") / "speech.safetensors"
    save_file(read_network(card, WeightsSource(None, 0)).state_dict(), path, {"converter": card.converter})
    return path


@pytest.fixture
def few_settings(monkeypatch):
    """Search over one strength of regularisation, not three."""
    monkeypatch.setattr("sklearn_audio.cli._train._C", [0.1])


@pytest.fixture
def run(capsys):
    """Run a command that must succeed; returns its output."""

    def call(*arguments):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 0
        return capsys.readouterr().out

    return call


@pytest.fixture
def refused(capsys):
    """Run a command that must end with one sentence and exit code 2; returns the sentence."""

    def call(arguments, *parts):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        out, err = capsys.readouterr()
        assert "accuracy" not in out
        assert "p(" not in out
        assert err.startswith("sklearn-audio: error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        for part in parts:
            assert part in err
        return err

    return call


@pytest.fixture
def tree(tmp_path):
    """Write a folder per class; content is bytes or a waveform; by default two classes of three good recordings."""

    def write(more=None, *, n_good=3):
        files = {f"{label}/{i}.wav": _GOOD * (i + 1) / 4 for label in "ab" for i in range(n_good)} | (more or {})
        for name, content in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                subtype = "FLOAT" if name.endswith(".wav") else None
                soundfile.write(path, _GOOD if content is None else content, _RATE, subtype=subtype)
        return tmp_path / "data"

    return write


_HUM = 0.3 * np.sin(0.2 * np.arange(8000))


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """A folder of ten recordings of 4 s, in which something hums from 1 s to 2 s, or also hisses from 3 s."""
    folder, rng = tmp_path_factory.mktemp("night"), np.random.default_rng(0)
    for i in range(10):
        wave = 0.002 * rng.normal(size=32000)
        wave[8000:16000] += _HUM
        if i % 2:
            wave[24000:] += 0.2 * rng.normal(size=8000)
        soundfile.write(folder / f"{i}.wav", np.clip(wave, -1, 1), 8000)
    return folder


@pytest.fixture(scope="session")
def hearing():
    """A classifier of clips: background, hiss or hum."""
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(5):
        noise = 0.002 * rng.normal(size=4000)
        clips += [noise, noise + 0.2 * rng.normal(size=4000), noise + _HUM[:4000]]
    model = make_pipeline(MFCCTransformer(8000), SequencePooling("mean"), StandardScaler(), LogisticRegression())
    return model.fit(clips, ["background", "hiss", "hum"] * 5)


@pytest.fixture(scope="session")
def detector(hearing, tmp_path_factory):
    path = tmp_path_factory.mktemp("detector") / "detector.joblib"
    joblib.dump(SoundEventDetector(hearing, prefit=True, threshold=0.5, window=0.5, hop=0.25), path)
    return str(path)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint of the smallest EfficientAT network, with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = CARDS["efficientat"]["mn04_as"].build().state_dict()
    path = tmp_path_factory.mktemp("weights") / "mn04_as.pt"
    torch.save(state, path)
    return path
