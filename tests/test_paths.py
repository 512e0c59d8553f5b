"""A leading ~ in whatever path a user gives, and that of a user who does not exist."""

import json
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_audio import AudioLoader, MFCCTransformer, PANNsEmbedder, SequencePooling, TokenMeanClassifier, clear_cache
from sklearn_audio._paths import local_path, new_folder
from sklearn_audio.cli import main
from sklearn_audio.datasets import (
    fetch_speech_commands,
    fetch_spoken_digits,
    load_audio_folder,
    load_audio_table,
    load_audioset,
    load_esc50,
    load_gtzan,
    load_speech_commands,
    load_tut_scenes_2017,
    load_urbansound8k,
    read_audioset_labels,
    read_audioset_ontology,
    read_audioset_segments,
    write_sound_events,
)
from sklearn_audio.embedding._vggish_postprocess import VGGishPostprocess, load_pca
from sklearn_audio.engine import WeightsSource
from sklearn_audio.engine._cache import weights_identity
from sklearn_audio.engine.models import CARDS
from sklearn_audio.exceptions import AudioReadError, WeightsError
from sklearn_audio.files import audio_info, list_clips, open_audio, read_audio
from sklearn_audio.weights import read_checkpoint
from tests.datasets.trees import touch, write

RATE = 8000
NOBODY = "~nobody-of-this-name"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with one recording; the working directory is another one, and stays empty."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    soundfile.write(tmp_path / "home" / "dog.wav", np.arange(4000) / 8000, RATE, subtype="FLOAT")
    yield tmp_path / "home"
    assert list((tmp_path / "work").iterdir()) == []


# ---- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["~/x.wav", "~", NOBODY, f"{NOBODY}/x", "a/~/b", "a~", "", "./~/x", "~$lock.wav"])
def test_as_python_expands_it(path):
    assert local_path(path) == local_path(os.fsencode(path)) == os.path.expanduser(path)
    assert local_path(Path(path)) == os.path.expanduser(os.fspath(Path(path)))


def test_a_new_folder_in_no_home():
    with pytest.raises(ValueError, match=rf"cache='{NOBODY}/x': there is no home folder of that user\. Give the path"):
        new_folder(f"{NOBODY}/x", "cache")


# ---- recordings ------------------------------------------------------------------------------------------------------

ROWS = {
    "text": lambda path: [path],
    "NumPy text": lambda path: np.array([path]),
    "path": lambda path: [Path(path)],
    "bytes": lambda path: [path.encode()],
    "part": lambda path: [(path, 0, None)],
    "part of a path": lambda path: [(Path(path), 0, None)],
    "dict": lambda path: [{"path": path}],
    "dict of bytes": lambda path: [{"path": None, "bytes": path.encode()}],
    "dict and rate": lambda path: [{"path": path, "sampling_rate": RATE}],
    "table": lambda path: pd.DataFrame({"path": [path], "start": [0.0]}),
    "column": lambda path: pd.Series([path]),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_recordings(home, rows):
    assert AudioLoader(RATE).transform(rows("~/dog.wav"))[0].size == 4000
    with pytest.raises(AudioReadError, match=rf"row 0: cannot read '{NOBODY}/dog\.wav': there is no such file"):
        AudioLoader(RATE).transform(rows(f"{NOBODY}/dog.wav"))


def test_readers_of_files(home):
    assert len(read_audio("~/dog.wav")[0]) == audio_info("~/dog.wav").n_timepoints == 4000
    with open_audio("~/dog.wav") as stream:
        assert stream.sample_rate == RATE
    assert [clip.name for clip in list_clips("~")] == ["dog.wav"]
    for read in (read_audio, audio_info, open_audio):
        with pytest.raises(AudioReadError, match=rf"'{NOBODY}/dog.wav'.* there is no such file"):
            read(f"{NOBODY}/dog.wav")
    with pytest.raises(FileNotFoundError, match=rf"there is no folder '{NOBODY}'"):
        list_clips(NOBODY)


def test_bytes_without_an_extension(home):
    (home / "dog.wav").rename(home / "dog")
    assert AudioLoader(RATE).transform([b"~/dog"])[0].size == 4000


# ---- weights, caches and checkpoints ---------------------------------------------------------------------------------


def test_weights(home):
    card = CARDS["panns"]["leenet11"]
    torch.save({"model": card.build().state_dict()}, home / "net.pth")
    embedder = PANNsEmbedder("leenet11", weights="~/net.pth", sample_rate=RATE)
    assert embedder.get_params()["weights"] == clone(embedder).weights == "~/net.pth"
    assert np.isfinite(embedder.transform(["~/dog.wav"])).all()
    pickle.loads(pickle.dumps(embedder.fit(["~/dog.wav"])))
    assert weights_identity(card, WeightsSource(home / "net.pth")) != ()
    assert weights_identity(card, WeightsSource(Path("~/net.pth"))) == weights_identity(
        card, WeightsSource(home / "net.pth")
    )
    assert read_checkpoint("~/net.pth", "panns").keys() == read_checkpoint(home / "net.pth", "panns").keys()
    with pytest.raises(WeightsError, match=rf"weights='{NOBODY}/net\.pth': there is no"):
        clone(embedder).set_params(weights=f"{NOBODY}/net.pth").transform(["~/dog.wav"])


def test_the_matrix_of_vggish(home):
    torch.save({"pca_eigen_vectors": torch.eye(128), "pca_means": torch.zeros(128, 1)}, home / "pca.pth")
    assert load_pca("~/pca.pth").means.shape == (128,)
    given, wanted = (VGGishPostprocess(None, "pca", path).identity() for path in ("~/pca.pth", home / "pca.pth"))
    assert given == wanted != (None, "pca", ())
    with pytest.raises(WeightsError, match=f"there is no checkpoint '{NOBODY}/pca"):
        load_pca(f"{NOBODY}/pca.pth")


def test_a_cache(home):
    embedder = PANNsEmbedder("leenet11", weights=None, sample_rate=RATE, cache="~/cache")
    embedder.transform(["~/dog.wav"])
    assert clear_cache(home / "cache", max_bytes="1G") == 0
    assert clear_cache("~/cache") > 0
    with pytest.raises(ValueError, match=f"cache='{NOBODY}': there is no home folder of that user"):
        embedder.set_params(cache=NOBODY).transform(["~/dog.wav"])


def test_checkpoints_of_training(home):
    rows, labels = [np.array([i % 2, 1]) for i in range(8)], [i % 2 for i in range(8)]
    classifier = TokenMeanClassifier(embedding_size=2, max_epochs=1, random_state=0, checkpoint_dir="~/runs")
    classifier.fit(rows, labels)
    assert (home / "runs").is_dir()
    with pytest.raises(ValueError, match=f"checkpoint_dir='{NOBODY}/runs': there is no home folder of that user"):
        classifier.set_params(checkpoint_dir=f"{NOBODY}/runs").fit(rows, labels)


# ---- data sets -------------------------------------------------------------------------------------------------------


def test_folders_and_tables(home):
    write_sound_events("~/sounds", 10, random_state=0)
    wanted = [str(path) for path in sorted((home / "sounds").rglob("*.wav"))]
    assert load_audio_folder("~/sounds").data.tolist() == wanted
    write(home / "table.csv", "path,label", "~/dog.wav,dog", "dog.wav,cat", "dog.wav,dog")
    assert load_audio_table("~/table.csv").data.tolist() == [str(home / "dog.wav")] * 3
    frame = pd.DataFrame({"path": ["dog.wav"] * 2, "label": ["dog", "cat"]})
    assert load_audio_table(frame, root="~").data.tolist() == [str(home / "dog.wav")] * 2


def test_class_labels(home):
    (home / "train.json").write_text(json.dumps({"data": [{"wav": "dog.wav", "labels": "/m/1,/m/2"}]}))
    write(home / "class_labels_indices.csv", "index,mid,display_name", "0,/m/1,Dog", "1,/m/2,Bark", "2,/m/3,Cat")
    wanted = ["Dog", "Bark", "Cat"]
    beside = load_audio_table("~/train.json", check_files=False)
    named = load_audio_table("~/train.json", class_labels="~/class_labels_indices.csv", check_files=False)
    assert beside.target_names.tolist() == named.target_names.tolist() == wanted


def test_audioset(home):
    write(home / "segments.csv", "# YTID, start_seconds, end_seconds, positive_labels", '-0123456789, 0, 10, "/m/1"')
    write(home / "labels.csv", "index,mid,display_name", "0,/m/1,Dog")
    record = {"id": "/m/1", "name": "Dog", "child_ids": [], "restrictions": []}
    (home / "ontology.json").write_text(json.dumps([record]))
    (home / "clips").mkdir()
    shutil.copy(home / "dog.wav", home / "clips" / "-0123456789.wav")
    clips = load_audioset(
        "~/segments.csv", "~/clips", labels=["Dog"], class_labels="~/labels.csv", ontology="~/ontology.json"
    )
    assert clips.data == [str(home / "clips" / "-0123456789.wav")]
    assert len(read_audioset_segments("~/segments.csv")) == 1
    assert read_audioset_labels("~/labels.csv") == {"/m/1": "Dog"}


def test_digits_in_a_folder(home, monkeypatch):
    touch(home / "data" / "free-spoken-digit-dataset-1.0.9", ["7_jackson_0.wav", "8_theo_5.wav"])
    assert len(fetch_spoken_digits(data_home="~/data").data) == 2
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", "~/data")
    assert len(fetch_spoken_digits().data) == 2


def test_speech_commands_in_a_folder(home):
    root = home / "speech_commands_v0.02"
    touch(root, ["cat/a_nohash_0.wav", "dog/b_nohash_0.wav", "validation_list.txt"])
    write(root / "testing_list.txt", "cat/a_nohash_0.wav")
    fetched = fetch_speech_commands(data_home="~", download_if_missing=False)
    assert fetched.data.tolist() == load_speech_commands("~").data.tolist()
    assert all(path.startswith(str(home)) for path in fetched.data)


PUBLISHED = [load_esc50, load_gtzan, load_speech_commands, load_tut_scenes_2017, load_urbansound8k]


@pytest.mark.parametrize("load", PUBLISHED)
def test_published_data_sets_are_looked_for_at_home(home, load):
    with pytest.raises(AudioReadError, match=re.escape(str(home / "data"))):
        load("~/data")


READERS = [
    load_audio_folder, load_audio_table, *PUBLISHED,
    read_audioset_labels, read_audioset_ontology, read_audioset_segments,
    lambda path: load_audioset(path, "~"),
    lambda path: load_audioset(pd.DataFrame({"ytid": ["a"], "start": 0.0, "end": 1.0, "labels": [("/m/1",)]}), path),
    lambda path: load_audio_table(pd.DataFrame({"path": ["a.wav"], "label": ["a"]}), root=path),
]  # fmt: skip


@pytest.mark.parametrize("read", READERS)
def test_readers_of_nobody_find_nothing(home, read):
    with pytest.raises((OSError, ValueError), match=NOBODY):
        read(f"{NOBODY}/data")


@pytest.mark.parametrize(
    "make", [lambda path: fetch_spoken_digits(data_home=path), lambda path: fetch_speech_commands(data_home=path)]
)
def test_downloads_for_nobody_go_nowhere(home, make):
    with pytest.raises(ValueError, match=f"data_home='{NOBODY}/data': there is no home folder of that user"):
        make(f"{NOBODY}/data")


def test_sounds_for_nobody_are_not_written(home):
    with pytest.raises(ValueError, match=f"folder='{NOBODY}/data': there is no home folder of that user"):
        write_sound_events(f"{NOBODY}/data", 10)


# ---- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(home):
    for name in ("a.wav", "b.wav", "c.wav"):
        shutil.copy(home / "dog.wav", home / name)
    write(
        home / "train.csv", "path,label", *(f"~/{name}.wav,{label}" for name, label in zip("abc", "xyx", strict=True))
    )
    write(home / "list.txt", "~/a.wav", "~/b.wav")
    return home


@pytest.fixture
def model(tables):
    import joblib

    classifier = make_pipeline(MFCCTransformer(RATE, n_mels=20), SequencePooling(), LogisticRegression())
    joblib.dump(classifier.fit(["~/a.wav", "~/b.wav"], ["x", "y"]), tables / "model.joblib")
    return "~/model.joblib"


@pytest.mark.parametrize("names", [["~/a.wav", "~/b.wav"], ["@~/list.txt"], ["~/ab"], ["~/ab.csv"]])
def test_predict(tables, model, names, capsys):
    (tables / "ab").mkdir()
    for name in ("a.wav", "b.wav"):
        shutil.copy(tables / name, tables / "ab")
    write(tables / "ab.csv", "path", "~/a.wav", "~/b.wav")
    assert main(["predict", model, *names, "-q"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_report(tables, model, capsys):
    assert main(["report", model, "~/train.csv", "-q"]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_train(home, capsys):
    write_sound_events(home / "sounds", 16, random_state=0, classes=["noise", "tone"], duration=0.5)
    assert main(["train", "~/sounds", "-o", "~/new.joblib", "--folds", "2", "-q"]) == 0
    assert (home / "new.joblib").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", f"{NOBODY}/m.joblib", "~/dog.wav"], f"no model file at '{NOBODY}/m.joblib'"),
        (["predict", "~/model.joblib", f"{NOBODY}/dog.wav"], f"no file at '{NOBODY}/dog.wav'"),
        (["predict", "~/model.joblib", f"@{NOBODY}/list"], f"the list of recordings '{NOBODY}/list' cannot be read"),
        (["report", f"{NOBODY}/m.joblib", "~/train.csv"], f"no model file at '{NOBODY}/m.joblib'"),
        (["train", f"{NOBODY}/sounds", "-o", "~/m.joblib"], f"'{NOBODY}/sounds' does not exist"),
        (["train", "~/train.csv", "-o", f"{NOBODY}/m.joblib"], f"the folder '{NOBODY}' does not exist"),
        (["train", "~/train.csv", "-o", "~/m.joblib", "--root", NOBODY], NOBODY),
    ],
)
def test_commands_of_nobody(tables, model, arguments, message, capsys):
    if "--root" in arguments:
        write(tables / "train.csv", "path,label", "a.wav,x", "b.wav,y")
    assert main([*arguments, "-q"]) == 2
    assert message in capsys.readouterr().err
