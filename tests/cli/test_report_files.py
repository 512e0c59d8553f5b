"""``report --plots``: a folder of pictures, and the recordings from the worst to the best."""

import sys

import joblib
import matplotlib.image
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline

from sklearn_audio import MFCCTransformer, SequencePooling


def pictures(folder):
    found = sorted(folder.glob("*.png"))
    assert all(matplotlib.image.imread(file).std() > 0.01 for file in found)
    return [file.stem for file in found]


def test_classes(folder, model, tmp_path, run):
    run("report", model, folder, "--plots", tmp_path / "p")
    assert pictures(tmp_path / "p") == ["calibration", "confusion", "f1_per_label", "precision_recall"]
    table = pd.read_csv(tmp_path / "p" / "recordings.csv")
    assert len(table) == 40
    assert table["probability"].is_monotonic_increasing
    lines = {line.split(",")[0]: line.split(",") for line in run("predict", model, folder).splitlines()[1:]}
    names = ["chirp", "noise", "tone"]
    for row in table.itertuples():
        assert row.predicted == lines[row.path][1]
        assert row.probability == pytest.approx(float(lines[row.path][2 + names.index(row.truth)]), abs=2e-6)


def test_several_labels(tags, tagger, tmp_path, run):
    run("report", tagger, tags, "--plots", tmp_path / "p")
    assert pictures(tmp_path / "p") == ["calibration", "f1_per_label", "precision_recall"]
    table = pd.read_csv(tmp_path / "p" / "recordings.csv")
    assert table["truth"].str.contains("tone;?").any()
    assert table["probability"].is_monotonic_increasing


def test_a_model_without_probabilities(sounds, folder, tmp_path, run):
    classifier = make_pipeline(MFCCTransformer(16000), SequencePooling(), RidgeClassifier())
    joblib.dump(classifier.fit(list(sounds.data), sounds.target), tmp_path / "m.joblib")
    run("report", tmp_path / "m.joblib", folder, "--plots", tmp_path / "p")
    assert pictures(tmp_path / "p") == ["confusion", "f1_per_label"]
    table = pd.read_csv(tmp_path / "p" / "recordings.csv")
    assert (table["truth"] == table["predicted"]).is_monotonic_increasing


def test_many_labels(sounds, table, tmp_path, run):
    labels = [f"species {i % 20} of a long name" for i in range(40)]
    classifier = make_pipeline(MFCCTransformer(16000), SequencePooling(), LogisticRegression(max_iter=5000))
    joblib.dump(classifier.fit(list(sounds.data), labels), tmp_path / "m.joblib")
    path = table(tmp_path / "t.csv", species=labels)
    run("report", tmp_path / "m.joblib", path, "--label", "species", "--plots", tmp_path / "p")
    assert len(pictures(tmp_path / "p")) == 4


def test_folders_that_are_refused(folder, model, tmp_path, refused, run, monkeypatch):
    (tmp_path / "file").write_text("mine")
    refused(["report", model, folder, "--plots", tmp_path / "file"], "is a file; name a folder")
    refused(["report", model, folder, "--plots", tmp_path], "is not empty; name another folder")
    run("report", model, folder, "--plots", tmp_path, "--force")
    assert (tmp_path / "file").read_text() == "mine"
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused(["report", model, folder, "--plots", tmp_path / "q"], "--plots needs the package 'matplotlib'")
