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
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_audio import CNNClassifier, FrontEnd, MelSpectrogramTransformer, SequencePooling
from sklearn_audio.cli import main
from sklearn_audio.datasets import load_audio_table
from tests import forked

COMMAND = ["-m", "sklearn_audio"]
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
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_CLIPS", 7)
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
    out = forked.run([*COMMAND, "predict", model, path], text=False, check=True).stdout
    assert out.splitlines()[1].startswith(path + b"," + sounds.target[0].encode())


def test_parts_of_recordings_named_by_a_table(sounds, model, tmp_path, run):
    path = tmp_path / "parts.csv"
    path.write_text(f"File,Begin Time (s),End Time (s)\n{sounds.data[0]},0.1,0.4\n{sounds.data[1]},,\n")
    rows = parsed(run("predict", model, path))
    assert [(row["path"], row["start"], row["end"]) for row in rows] == [
        (sounds.data[0], "0.1", "0.4"),
        (sounds.data[1], "0.0", "inf"),
    ]
    expected = joblib.load(model).predict_proba([(sounds.data[0], 0.1, 0.4), sounds.data[1]])
    np.testing.assert_allclose([float(row["p(chirp)"]) for row in rows], expected[:, 0], atol=1e-6)


def test_lists_of_recordings(sounds, model, tmp_path, run, monkeypatch, refused):
    paths = list(sounds.data[:3])
    (tmp_path / "list.txt").write_text("\n".join(paths) + "\n")
    wanted = run("predict", model, *paths)
    assert run("predict", model, f"@{tmp_path / 'list.txt'}") == wanted
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(paths)))
    assert run("predict", model, "-") == wanted
    refused(["predict", model, "@no-list.txt"], "the list of recordings 'no-list.txt' cannot be read")
    (tmp_path / "paths.csv").write_text("file\n" + "\n".join(paths))
    assert run("predict", model, tmp_path / "paths.csv") == wanted
    (tmp_path / "other.csv").write_text("what\nx\n")
    refused(["predict", model, tmp_path / "other.csv"], "has no column of paths")
    (tmp_path / "bad.csv").write_text(f"file,start,end\n{paths[0]},0,soon\n")
    refused(["predict", model, tmp_path / "bad.csv"], "row 0", "'soon'", "expected seconds")


def test_an_empty_name_is_refused(model, tmp_path, refused):
    refused(["predict", model, ""], "a recording has an empty name", "Is a variable not set?")
    (tmp_path / "paths.csv").write_text("file,x\n,1\n")
    refused(["predict", model, tmp_path / "paths.csv"], "a recording has an empty name")


def test_a_pipe_is_called_one(model, tmp_path, refused):
    os.mkfifo(tmp_path / "pipe")
    refused(["predict", model, tmp_path / "pipe"], "is a pipe or a device")


def test_recordings_much_longer_than_those_of_the_training_are_asked_about_once(model, tmp_path, capsys):
    for name in ("1.wav", "2.wav"):
        soundfile.write(tmp_path / name, np.random.default_rng(0).uniform(-0.1, 0.1, 16000 * 20), 16000)
    assert main(["predict", model, str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert len(parsed(out)) == 2
    assert err.count("\n") == 1
    assert "1.wav' lasts 20.0 s, but the longest recording in the training set lasts" in err


def test_recordings_much_shorter_than_those_of_the_training(model, tmp_path, capsys):
    for name in ("1.wav", "2.wav"):
        soundfile.write(tmp_path / name, np.random.default_rng(0).uniform(-0.1, 0.1, 500), 16000)
    assert main(["predict", model, str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert len(parsed(out)) == 2
    assert err.count("\n") == 1
    assert "1.wav' lasts 0.0312 s, but the shortest recording in the training set lasts 0.4 s" in err


def test_any_fitted_classifier_of_recordings(sounds, tmp_path, run, refused, capsys):
    paths, labels = list(sounds.data[::2]), sounds.target[::2]
    mel = MelSpectrogramTransformer(16000)
    quiet = make_pipeline(mel, SequencePooling(), StandardScaler(), LinearSVC()).fit(paths, labels)
    loud = make_pipeline(clone(mel), SequencePooling(), StandardScaler(), LogisticRegression()).fit(paths, labels)
    network = CNNClassifier("cnn4", front_end=FrontEnd(sample_rate=16000), max_epochs=1, random_state=0).fit(
        paths, labels
    )
    for name, model in {"quiet": quiet, "loud": loud, "network": network}.items():
        joblib.dump(model, tmp_path / name)
        rows = parsed(run("predict", tmp_path / name, *paths[:3], "--quiet"))
        assert [row["label"] for row in rows] == model.predict(paths[:3]).tolist()
        assert ("p(tone)" in rows[0]) == (name != "quiet")
    rows = run("predict", tmp_path / "quiet", paths[0], "--format", "jsonl")
    assert json.loads(rows) == {"path": paths[0], "label": quiet.predict(paths[:1])[0]}
    (tmp_path / "bad.wav").write_text("this is text")
    for name in ("quiet", "network"):
        arguments = ["predict", str(tmp_path / name), paths[0], str(tmp_path / "bad.wav"), "--on-error", "skip"]
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert [bool(row["label"]) for row in parsed(out)] == [True, False]
        assert "bad.wav" in err
    joblib.dump(StandardScaler(), tmp_path / "scaler")
    refused(["predict", tmp_path / "scaler", paths[0]], "holds a StandardScaler, which is not a fitted classifier")
    joblib.dump(make_pipeline(mel, SequencePooling(), LinearSVC()), tmp_path / "unfitted")
    refused(["predict", tmp_path / "unfitted", paths[0]], "holds a Pipeline, which is not a fitted classifier")


class Quitter:
    """A model that ends the program when it is loaded."""

    def __reduce__(self):
        return sys.exit, (0,)


def test_a_model_that_ends_the_program(sounds, tmp_path, refused):
    joblib.dump(Quitter(), tmp_path / "m")
    refused(["predict", tmp_path / "m", sounds.data[0]], "the model ended the program")


CLOSED = """
import os, sys
os.close(1)
os.execv(sys.executable, [sys.executable, "-m", "sklearn_audio", *sys.argv[1:]])
"""
REFUSED = "sklearn-audio: error: standard output is closed, so the results cannot be written.\n"


def test_closed_streams(sounds, model):
    done = forked.run([*COMMAND, "predict", model, sounds.data[0]], closed=2)
    assert (done.returncode, len(parsed(done.stdout))) == (0, 1)
    done = forked.run([*COMMAND, "predict", model, sounds.data[0]], closed=1)
    assert (done.returncode, done.stderr) == (2, REFUSED)


def test_an_interpreter_that_starts_without_standard_output():
    done = subprocess.run([sys.executable, "-c", CLOSED, "weights", "list"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, REFUSED)


def test_output_is_utf_8_whatever_the_terminal_has(sounds, model, tmp_path):
    path = str(shutil.copy(sounds.data[0], tmp_path / "雄鶏.wav"))
    done = forked.run([*COMMAND, "predict", model, path], check=True, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert path in done.stdout


PRINTING = """
import os, sys
from sklearn_audio.cli import main
from sklearn_audio.files._sndfile import SndfileDecoder

read = SndfileDecoder.read

def print_as_c_does(self, n):
    os.write(1, b"*** a complaint of libsndfile\\n")
    return read(self, n)

SndfileDecoder.read = print_as_c_does
sys.exit(main())
"""


def test_what_libraries_print_is_no_result(sounds, model):
    done = forked.run(["-c", PRINTING, "predict", model, *sounds.data[:3]])
    assert [row["path"] for row in parsed(done.stdout)] == list(sounds.data[:3])
    assert "complaint" not in done.stdout
    assert done.stderr.count("*** a complaint of libsndfile") >= 3


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
    lines = err.splitlines()
    assert sum("warning: skipped" in line for line in lines) == len(skipped)
    assert all(path in err for path in skipped)
    assert all("were read" in line for line in lines if "skipped" not in line)  # cut, and read as far as they go


def test_warnings_name_the_file(model, tmp_path, capsys):
    left = np.sin(np.arange(4000) * 0.2)
    soundfile.write(tmp_path / "cancelling.wav", np.stack([left, -left], axis=1), 16000)
    before = warnings.showwarning
    assert main(["predict", model, str(tmp_path / "cancelling.wav")]) == 0
    err = capsys.readouterr().err
    assert err.startswith(f"sklearn-audio: warning: '{tmp_path}")
    assert err.count("\n") == 1
    assert warnings.showwarning is before
