"""``train``: what it says, what it saves, and what it refuses."""

import signal

import joblib
import numpy as np
import pandas as pd
import pytest

from sklearn_audio.cli import main
from tests import forked

pytestmark = pytest.mark.usefixtures("few_settings")


# ---- what it does ----------------------------------------------------------------------------------------------------


def test_it_says_what_it_found_and_did(folder, tmp_path, run, monkeypatch):
    monkeypatch.undo()  # all settings
    out = run("train", folder, "-o", tmp_path / "m.joblib", "--folds", "3")
    assert "40 recordings, " in out
    assert " 16000 Hz, mono; 3 classes\n" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["recordings", "total", "shortest", "median", "longest"] in rows
    assert {row[0]: int(row[1]) for row in rows if row and row[0] in ("chirp", "noise", "tone")} == {
        "chirp": 14,
        "noise": 13,
        "tone": 13,
    }
    assert "3-fold cross-validation\n" in out
    assert "always answering the most frequent class: 0.350" in out
    assert "best of 21 settings" in out
    assert [path.name for path in tmp_path.iterdir()] == ["m.joblib"]


def test_the_score_is_the_mean_of_the_folds(folder, tmp_path, run):
    out = run("train", folder, "-o", tmp_path / "m.joblib")
    mean, folds = out.split("  accuracy ")[1].split(")")[0].split(" on held-out recordings (folds: ")
    scores = [float(score) for score in folds.split()]
    assert len(scores) == 4
    assert float(mean) == pytest.approx(np.mean(scores), abs=1e-3)
    assert min(scores) > 0.6  # sounds as different as these are told apart


def test_training_twice_gives_the_same_model(folder, sounds, model, tmp_path, run, monkeypatch):
    monkeypatch.undo()  # all settings
    run("train", folder, "-o", tmp_path / "again.joblib", "--jobs", "2")
    again, paths = joblib.load(tmp_path / "again.joblib"), list(sounds.data[:9])
    np.testing.assert_array_equal(again.predict_proba(paths), joblib.load(model).predict_proba(paths))


def test_a_rare_label_neither_warns_nor_spoils_the_score(sounds, tmp_path, capsys):
    labels = [";".join([label, *(["bell"] if i == 7 else [])]) for i, label in enumerate(sounds.target)]
    pd.DataFrame({"path": sounds.data, "labels": labels}).to_csv(tmp_path / "tags.csv", index=False)
    assert main(["train", str(tmp_path / "tags.csv"), "-o", str(tmp_path / "m")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    scores = out.split("folds: ")[1].split(")")[0].split()
    assert sorted(map(float, scores))[1] > 0.8  # only the fold with the bell may be bad


def test_chunks_of_frames_change_nothing(folder, sounds, model, tmp_path, run, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_SECONDS", 1.0)
    run("train", folder, "-o", tmp_path / "m.joblib")
    paths = list(sounds.data[:9])
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "m.joblib").predict_proba(paths), joblib.load(model).predict_proba(paths)
    )


# ---- places it cannot write to ---------------------------------------------------------------------------------------


def test_outputs_that_cannot_be_written(folder, tmp_path, refused):
    refused(["train", folder, "-o", tmp_path], "it is a folder")
    refused(["train", folder, "-o", tmp_path / "no" / "m.joblib"], "does not exist")
    refused(["train", folder, "-o", "/dev/null"], "it is a device")
    assert list(tmp_path.iterdir()) == []


def test_recordings_and_tables_are_never_replaced(tree, tmp_path, refused):
    data = tree()
    before = (data / "a" / "0.wav").read_bytes()
    refused(
        ["train", data, "-o", data / "a" / "0.wav", "--force"],
        "the name of a recording, which a model must not replace",
    )
    assert (data / "a" / "0.wav").read_bytes() == before
    refused(["train", data, "-o", tmp_path / "new.FLAC"], "is the name of a recording")
    (tmp_path / "recording").write_bytes(before)
    refused(["train", data, "-o", tmp_path / "recording", "--force"], "is a recording, which a model must not replace")
    refused(["train", data, "-o", tmp_path / "labels.csv", "--force"], "is the name of a table")


def test_an_output_that_is_there_is_replaced_only_by_force(folder, tmp_path, refused, run):
    (tmp_path / "m.joblib").write_bytes(b"old")
    refused(["train", folder, "-o", tmp_path / "m.joblib"], "exists; name another file, or replace it with --force")
    assert (tmp_path / "m.joblib").read_bytes() == b"old"
    run("train", folder, "-o", tmp_path / "m.joblib", "--force")
    assert joblib.load(tmp_path / "m.joblib").label_names_ == ["chirp", "noise", "tone"]


def test_empty_names_are_refused(folder, tmp_path, refused):
    refused(["train", folder, "-o", ""], "--output is empty", "Is a variable not set?")
    refused(["train", "", "-o", tmp_path / "m"], "the name of the folder or table is empty")


def test_an_output_folder_that_is_read_only(folder, tmp_path, refused, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    refused(["train", folder, "-o", tmp_path / "m.joblib"], "is not writable")


def test_the_table_is_not_overwritten(table, tmp_path, refused):
    path = table(tmp_path / "table.csv")
    before = path.read_bytes()
    refused(["train", path, "-o", path], "is the training table")
    assert path.read_bytes() == before


# ---- interruptions ---------------------------------------------------------------------------------------------------


def test_an_interrupt_leaves_the_old_model_and_nothing_else(folder, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    (tmp_path / "m.joblib").write_bytes(b"the previous model")
    assert main(["train", folder, "-o", str(tmp_path / "m.joblib"), "--force"]) == 130
    assert capsys.readouterr().err == "sklearn-audio: interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["m.joblib"]
    assert (tmp_path / "m.joblib").read_bytes() == b"the previous model"


_STOPPED_AT = """
import os, sys, time
import {module}
def stop(*_, **__):
    print("here", flush=True)
    time.sleep(60)
{module}.{name} = stop
from sklearn_audio.cli import main
main(["train", sys.argv[1], "-o", sys.argv[2], "--quiet", "--force"])
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [("sklearn.model_selection", "GridSearchCV.fit"), ("os", "fsync"), ("os", "replace")],
    ids=["while training", "while writing", "before moving"],
)
def test_a_kill_leaves_the_old_model(folder, model, tmp_path, module, name):
    target = tmp_path / "m.joblib"
    with open(model, "rb") as file:
        before = file.read()
    target.write_bytes(before)
    code = _STOPPED_AT.format(module=module, name=name)
    with forked.reading(["-c", code, folder, target]) as (process, out):
        assert "here\n" in iter(out.readline, "")
        process.kill()
    assert process.exitcode == -signal.SIGKILL
    assert target.read_bytes() == before
    assert joblib.load(target).label_names_ == ["chirp", "noise", "tone"]
