"""``info``: facts about a saved model."""

import joblib
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from sklearn_audio.cli import _info


def test_a_model_of_train(model, run):
    lines = dict(line.split(": ", 1) for line in run("info", model).splitlines())
    assert lines["labels (3)"] == "chirp, noise, tone"
    assert lines["kind"] == "one label per recording"
    assert lines["output"] == "probabilities"
    assert lines["sample rate"] == "16000 Hz"
    assert lines["trained on"] == "0.4 s to 1.0 s of sound per recording"
    assert lines["step"].startswith("LogisticRegression(")


def test_several_labels(tagger, run):
    assert "kind: several labels per recording" in run("info", tagger)


def test_other_classifiers(tmp_path, run):
    joblib.dump(LogisticRegression().fit([[0], [1]], ["a", "b"]), tmp_path / "m.joblib")
    out = run("info", tmp_path / "m.joblib")
    assert "sample rate" not in out
    assert "trained on" not in out
    assert "step: LogisticRegression()" in out


def test_many_labels_are_cut(tmp_path, run):
    joblib.dump(DummyClassifier().fit(np.zeros((120, 1)), np.arange(120) % 60), tmp_path / "m.joblib")
    assert "48, 49, ...\n" in run("info", tmp_path / "m.joblib")


def test_a_network_whose_library_is_missing(model, run, monkeypatch):
    def fail(_):
        raise ImportError("NAME needs the package 'transformers'")

    monkeypatch.setattr(_info, "reading_of", fail)
    assert "sample rate: unknown, as NAME needs the package 'transformers'" in run("info", model)


def test_no_model(tmp_path, refused):
    refused(["info", tmp_path / "no.joblib"], "no model file at")
