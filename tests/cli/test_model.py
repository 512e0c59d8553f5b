"""Model files: the old or the new one, and one sentence for what is none."""

import os
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio.cli._model import load_model, save_model


def content(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_fresh_process_predicts_from_paths(sounds, model):
    code = "import joblib, sys; print(*joblib.load(sys.argv[1]).predict(sys.argv[2:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, model, *sounds.data[:4]], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == sounds.target[:4].tolist()
    assert run.stderr == ""


def test_files_that_are_no_models(folder, model, tmp_path, refused):
    refused(["predict", tmp_path / "none.joblib", "x.wav"], "no model file at", "none.joblib")
    refused(["predict", tmp_path, "x.wav"], "is a folder, not a model file")
    for name, data in {
        "text": b"not a model",
        "empty": b"",
        "cut": content(model)[:500],
        "pickle": b"\x80\x04",
    }.items():
        (tmp_path / name).write_bytes(data)
        refused(["predict", tmp_path / name, "x.wav"], name, "is not a model file, is damaged")
        refused(["report", tmp_path / name, folder], name, "is not a model file, is damaged")


def test_damage_anywhere_is_noticed(model, tmp_path):
    whole, rng = content(model), np.random.default_rng(0)
    for place in rng.integers(2, len(whole), size=40):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "m").write_bytes(damaged)
        with pytest.raises(ValueError, match="is not a model file, is damaged"):
            load_model(tmp_path / "m")


def test_objects_that_are_no_models(tmp_path, refused):
    for name, thing in {"dict": {"a": 1}, "Pipeline": Pipeline([("scale", StandardScaler())])}.items():
        joblib.dump(thing, tmp_path / name)
        refused(["predict", tmp_path / name, "x.wav"], f"holds a {name}, which is not a fitted classifier")


def test_an_error_while_writing_leaves_the_old_model(model, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    (tmp_path / "m.joblib").write_bytes(b"old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(joblib.load(model), tmp_path / "m.joblib")
    assert [path.name for path in tmp_path.iterdir()] == ["m.joblib"]
    assert content(tmp_path / "m.joblib") == b"old"


def test_what_killed_processes_left_goes_and_what_others_write_stays(model, tmp_path):
    names = (f".m.joblib.{'0' * 16}.partial", f".m.joblib.{'1' * 16}.partial", f".x.{'0' * 16}.partial")
    old, young, other = (tmp_path / name for name in names)
    for path in (old, young, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (time.time() - 7200,) * 2)
    save_model(joblib.load(model), tmp_path / "m.joblib")
    assert {path.name for path in tmp_path.iterdir()} == {"m.joblib", young.name, other.name}


def test_a_link_keeps_pointing_where_it_points(model, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "m.joblib").symlink_to(tmp_path / "real" / "m.joblib")
    save_model(joblib.load(model), tmp_path / "m.joblib")
    assert (tmp_path / "m.joblib").is_symlink()
    assert load_model(tmp_path / "real" / "m.joblib").names == ["chirp", "noise", "tone"]
