"""Methods of train that are fitted anew for every fold."""

import joblib
import numpy as np
import pytest

from sklearn_audio.classification import CNNClassifier, PrototypicalClassifier
from sklearn_audio.cli import _learners, main
from sklearn_audio.cli._methods import METHODS


@pytest.fixture
def short(monkeypatch):
    """Train for an epoch."""

    def with_few(cls, **few):
        return lambda *args, **options: cls(*args, **options, **few)

    monkeypatch.setattr(_learners, "CNNClassifier", with_few(CNNClassifier, max_epochs=1))
    monkeypatch.setattr(_learners, "PrototypicalClassifier", with_few(PrototypicalClassifier, n_episodes=2))


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("method", list(_learners.LEARNERS))
def test_they_train_and_predict(folder, sounds, tmp_path, run, method):
    assert method in METHODS
    target = tmp_path / "m.joblib"
    out = run("train", folder, "-o", target, "--method", method, "--folds", "2", "--sample-rate", "8000")
    assert "2-fold cross-validation" in out
    assert "best of" not in out
    lines = run("predict", target, *sounds.data[:3]).splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == joblib.load(target).predict(list(sounds.data[:3])).tolist()


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("method", ["crnn", "tokens"])
def test_several_labels(tags, tmp_path, run, method):
    out = run("train", tags, "-o", tmp_path / "m.joblib", "--method", method, "--folds", "2")
    assert "mean average precision " in out


def test_prototypes_have_one_label(tags, tmp_path, refused):
    refused(
        ["train", tags, "-o", tmp_path / "m.joblib", "--method", "prototypes"],
        "--method prototypes gives one label per recording, and the data has several",
    )


@pytest.mark.usefixtures("short")
def test_groups_reach_the_split_of_the_network(table, tmp_path, run, monkeypatch):
    seen = []
    fit = CNNClassifier.fit

    def watched(self, X, y, sample_weight=None, groups=None):
        seen.append(groups)
        return fit(self, X, y, sample_weight, groups)

    monkeypatch.setattr(CNNClassifier, "fit", watched)
    path = table(tmp_path / "t.csv", site=[f"s{i % 8}" for i in range(40)])
    run("train", path, "-o", tmp_path / "m.joblib", "--method", "crnn", "--groups", "site", "--folds", "2")
    assert len(seen) == 3
    assert all(len(set(groups)) >= 4 for groups in seen)


def test_unreadable_recordings_are_skipped(tree, tmp_path, capsys):
    long = {f"{label}/long{i}.wav": np.sin(np.arange(40000) * (i + 1) / 9) for label in "ab" for i in range(4)}
    data = tree({"a/bad.wav": b"RIFF", **long})
    arguments = ["train", str(data), "-o", str(tmp_path / "m.joblib"), "--method", "tokens", "--folds", "2"]
    assert main(arguments) == 2
    capsys.readouterr()
    assert main([*arguments, "--on-error", "skip"]) == 0
    assert "bad.wav" in capsys.readouterr().err
