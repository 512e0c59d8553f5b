"""``predict``: lines to parse, and files that cannot be used."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.cli import main
from sklearn_audio.datasets import load_audio_table

NAMES = ("chirp", "noise", "tone")


def parsed(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def text_file(tmp_path):
    (tmp_path / "text.wav").write_text("this is text")
    return str(tmp_path / "text.wav")


def test_csv(sounds, model, run):
    rows = parsed(run("predict", model, *sounds.data[:5]))
    assert [row["path"] for row in rows] == list(sounds.data[:5])
    expected = joblib.load(model).predict_proba(list(sounds.data[:5]))
    for row, probabilities in zip(rows, expected, strict=True):
        shares = [float(row[f"p({name})"]) for name in NAMES]
        np.testing.assert_allclose(shares, probabilities, atol=1e-6)
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert row["label"] == NAMES[int(np.argmax(shares))]


def test_json_lines_over_a_folder(folder, sounds, model, run):
    rows = [json.loads(line) for line in run("predict", model, folder, "--format", "jsonl").splitlines()]
    assert [row["path"] for row in rows] == sorted(map(str, sounds.data))
    for row in rows:
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)


def test_chunks_change_nothing(folder, model, run, monkeypatch):
    whole = run("predict", model, folder)
    monkeypatch.setattr("sklearn_audio.cli._predict._CHUNK", 7)
    assert run("predict", model, folder) == whole


def test_several_labels(sounds, tagger, tmp_path, run):
    rows = [json.loads(line) for line in run("predict", tagger, *sounds.data[:6], "--format", "jsonl").splitlines()]
    for row, label in zip(rows, sounds.target[:6], strict=True):
        assert set(row["probabilities"]) == {*NAMES, "loud"}
        assert row["labels"] == [name for name, share in row["probabilities"].items() if share >= 0.5]
        assert label in row["labels"]
    out = run("predict", tagger, *sounds.data[:6])
    assert [row["labels"].split(";") for row in parsed(out)] == [row["labels"] for row in rows]
    (tmp_path / "labels.csv").write_text(out)  # what is printed is a table that can be read again
    assert set(load_audio_table(tmp_path / "labels.csv").target_names) <= {*NAMES, "loud"}


def test_names_with_all_kinds_of_characters(sounds, model, tmp_path, run):
    names = ['a, "b".wav', "ünïcödé 雄鶏.wav", "it's; #1.wav"]
    paths = [str(shutil.copy(sounds.data[0], tmp_path / name)) for name in names]
    assert [row["path"] for row in parsed(run("predict", model, *paths))] == paths
    lines = run("predict", model, *paths, "--format", "jsonl").splitlines()
    assert [json.loads(line)["path"] for line in lines] == paths
    assert "雄鶏" in lines[1]


def test_classes_with_all_kinds_of_characters(sounds, tmp_path, run):
    names = {"chirp": 'Vogel, "Zwitschern"', "noise": "Rauschen; laut", "tone": "音"}
    labels = [names[label] for label in sounds.target]
    pd.DataFrame({"path": sounds.data, "label": labels}).to_csv(tmp_path / "table.csv", index=False)
    run("train", tmp_path / "table.csv", "-o", tmp_path / "m")
    (row,) = parsed(run("predict", tmp_path / "m", sounds.data[0]))
    assert row["label"] == labels[0]
    assert {f"p({name})" for name in names.values()} <= set(row)
    assert "音" in run("report", tmp_path / "m", tmp_path / "table.csv")


def test_a_file_name_that_is_no_text(sounds, model, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.wav"
    shutil.copy(os.fsencode(sounds.data[0]), path)
    command = [sys.executable, "-m", "sklearn_audio", "predict", model, path]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    assert out.splitlines()[1].startswith(path + b"," + sounds.target[0].encode())


def test_files_that_do_not_exist(model, sounds, refused):
    refused(["predict", model, sounds.data[0], "no/such.wav"], "no/such.wav", "1 of 2 files are missing")


def test_an_empty_folder(model, tmp_path, refused):
    refused(["predict", model, tmp_path], "holds no recordings")


def test_a_file_that_cannot_be_read_is_named_without_a_row(model, text_file, refused):
    message = refused(["predict", model, text_file], "error: cannot read", "text.wav': it is text")
    assert "row" not in message


def test_clips_that_are_not_admissible(model, tmp_path, refused):
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan), 16000, subtype="FLOAT")
    assert "row" not in refused(["predict", model, tmp_path / "nan.wav"], "nan.wav'", "NaN")
    soundfile.write(tmp_path / "none.wav", np.empty(0), 16000)
    refused(["predict", model, tmp_path / "none.wav"], "none.wav'", "no samples")


def test_what_cannot_be_used_may_be_skipped(model, sounds, text_file, capsys):
    arguments = ["predict", model, sounds.data[0], text_file, "missing.wav", sounds.data[1]]
    assert main([*arguments, "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    rows = parsed(out)
    assert [row["label"] for row in rows] == [sounds.target[0], "", "", sounds.target[1]]
    assert [rows[1][f"p({name})"] for name in NAMES] == [""] * 3
    lines = err.splitlines()
    assert lines[0].startswith("sklearn-audio: warning: skipped: cannot read ")
    assert "text.wav" in lines[0]
    assert "missing.wav" in lines[1]
    assert len(lines) == 2
    main(["predict", model, sounds.data[0], sounds.data[1]])
    alone = parsed(capsys.readouterr().out)
    assert [rows[0], rows[3]] == alone


def test_nothing_but_what_cannot_be_used(model, text_file, run):
    (line,) = run("predict", model, text_file, "--on-error", "skip", "--format", "jsonl").splitlines()
    assert json.loads(line) == {"path": text_file, "label": None, "probabilities": None}


def test_broken_files_of_all_kinds(shared_data, model, capsys):
    folder = str(shared_data / "formats" / "broken")
    assert main(["predict", model, folder, "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    skipped = [row["path"] for row in parsed(out) if not row["label"]]
    assert len(skipped) >= 15
    assert len(err.splitlines()) == len(skipped)
    assert all(path in err for path in skipped)


def test_warnings_name_the_file(model, tmp_path, capsys):
    left = np.sin(np.arange(4000) * 0.2)
    soundfile.write(tmp_path / "cancelling.wav", np.stack([left, -left], axis=1), 16000)
    before = warnings.showwarning
    assert main(["predict", model, str(tmp_path / "cancelling.wav")]) == 0
    err = capsys.readouterr().err
    assert err.startswith(f"sklearn-audio: warning: '{tmp_path}")
    assert err.count("\n") == 1
    assert warnings.showwarning is before
