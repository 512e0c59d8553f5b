"""`train --log`: a folder that is written whole, with all that a training was."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.utils import Bunch

from sklearn_audio.cli import main
from sklearn_audio.cli._experiment import data_hash

pytestmark = pytest.mark.usefixtures("few_settings")


def test_what_it_holds(table, tmp_path, run):
    path = table(tmp_path / "t.csv", site=[f"s{i % 8}" for i in range(40)])
    out = run("train", path, "-o", tmp_path / "m", "--groups", "site", "--seed", "3", "--log", tmp_path / "log")
    assert f"wrote {tmp_path / 'log'}" in out
    assert {file.name for file in (tmp_path / "log").iterdir()} == {
        "experiment.json",
        "scores.csv",
        "groups.csv",
        "program.py",
    }
    facts = json.loads((tmp_path / "log" / "experiment.json").read_text())
    assert facts["versions"]["scikit-learn"] == sklearn.__version__
    assert facts["config"] == joblib.load(tmp_path / "m").train_config_
    assert facts["config"]["groups"] == "site"
    assert facts["folds"] == "by groups"
    assert facts["data"]["n_recordings"] == 40
    scores = pd.read_csv(tmp_path / "log" / "scores.csv")
    assert scores.columns.tolist() == ["method", "model", "seed", "fold", "score"]
    best = scores[scores["model"] == facts["model"]]["score"]
    assert best.mean() == pytest.approx(facts["score"])
    assert f"  accuracy {best.mean():.3f} on held-out" in out
    groups = pd.read_csv(tmp_path / "log" / "groups.csv")
    assert groups["group"].tolist() == [f"s{i}" for i in range(8)]
    assert groups["n_recordings"].tolist() == [5] * 8
    # folds of equal size: the mean of the groups is that of the folds
    assert groups["score"].mean() == pytest.approx(facts["score"])
    assert "cross_val_score(model" in (tmp_path / "log" / "program.py").read_text()


def test_a_network_has_a_history(folder, tmp_path, run):
    (tmp_path / "r.toml").write_text(
        '[[steps]]\nestimator = "CNNClassifier"\nparameters.max_epochs = 2\n'
        'parameters.front_end = {estimator = "FrontEnd", parameters.sample_rate = 16000}\n'
    )
    flags = ["--config", tmp_path / "r.toml", "--folds", "2"]
    run("train", folder, "-o", tmp_path / "m.joblib", *flags, "--log", tmp_path / "log")
    history = pd.read_csv(tmp_path / "log" / "history.csv")
    assert len(history) == 2
    assert "train_loss" in history
    assert not (tmp_path / "log" / "groups.csv").exists()


def test_folders_that_are_refused(folder, tmp_path, refused, run, monkeypatch):
    flags = ["train", folder, "-o", tmp_path / "m", "--method", "statistics", "--log"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    refused([*flags, tmp_path / "mine", "--force"], "holds other files; name a new folder")
    refused([*flags, tmp_path / "mine" / "file"], "is a file; name a folder")
    refused([*flags, tmp_path / "no" / "log"], "the folder ", "does not exist")
    refused([*flags, ""], "--log is empty")
    assert not (tmp_path / "m").exists()
    (tmp_path / "log").mkdir()
    run(*flags, tmp_path / "log")
    refused([*flags[:3], tmp_path / "n", *flags[4:], tmp_path / "log"], "exists; name another folder, or replace it")
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_audio.cli._experiment.os.access", lambda path, _: "sub" not in str(path))
        (tmp_path / "sub").mkdir()
        refused([*flags[:3], tmp_path / "n", *flags[4:], tmp_path / "sub" / "log"], "is not writable")
    before = (tmp_path / "log" / "scores.csv").read_text()
    run(*flags, tmp_path / "log", "--force")
    assert (tmp_path / "log" / "scores.csv").read_text() == before


def test_an_error_leaves_nothing(folder, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pandas.DataFrame.to_csv", fail)
    flags = ["--method", "statistics", "--log", str(tmp_path / "log")]
    assert main(["train", folder, "-o", str(tmp_path / "m"), *flags]) == 130
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_the_hash_of_the_data():
    digests = np.array([5, 6, 7], dtype=np.uint64)
    clips = Bunch(target=np.array(["a", "b", "a"]), target_names=np.array(["a", "b"]), groups=None)
    order = [2, 0, 1]
    same = Bunch(target=clips.target[order], target_names=clips.target_names, groups=None)
    assert data_hash(clips, digests) == data_hash(same, digests[order])
    for other in (
        data_hash(same, digests),
        data_hash(clips, digests + np.uint64(1)),
        data_hash(Bunch(**{**clips, "groups": np.array([1, 1, 2])}), digests),
        data_hash(Bunch(**{**clips, "target": np.array([[1, 0], [0, 1], [1, 1]])}), digests),
    ):
        assert other != data_hash(clips, digests)
