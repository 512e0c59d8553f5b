"""The commands as a user meets them: train, report, predict, and every kind of bad input."""

import csv
import io
import json
import signal
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.cli import main
from sklearn_audio.datasets import write_sound_events


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "sounds"
    return write_sound_events(folder, 40, random_state=0, classes=["chirp", "noise", "tone"])


@pytest.fixture(scope="module")
def folder(sounds):
    return str(sounds.data[0]).rsplit("/", 2)[0]


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    assert main(["train", folder, "-o", str(path)]) == 0
    return str(path)


def refused(capsys, arguments, *parts):
    """Run a command that must end with one sentence and exit code 2."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert "accuracy" not in out
    assert err.startswith("sklearn-audio: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for part in parts:
        assert part in err


# ---- the main job ----------------------------------------------------------------------------------------------------


def test_train_says_what_it_did(folder, tmp_path, capsys):
    assert main(["train", folder, "-o", str(tmp_path / "m.joblib"), "--folds", "3"]) == 0
    out = capsys.readouterr().out
    assert "40 recordings, 3 classes of 13 to 14; 3-fold cross-validation" in out
    assert "cross-validated accuracy" in out
    assert "best of 12 settings" in out
    assert [path.name for path in tmp_path.iterdir()] == ["m.joblib"]


def test_training_is_repeatable(folder, sounds, model, tmp_path):
    again = tmp_path / "again.joblib"
    main(["train", folder, "-o", str(again)])
    paths = list(sounds.data[:5])
    np.testing.assert_array_equal(joblib.load(again).predict_proba(paths), joblib.load(model).predict_proba(paths))


def test_report(folder, model, capsys):
    assert main(["report", model, folder]) == 0
    out = capsys.readouterr().out
    assert out.startswith("accuracy ")
    assert "confusion matrix (rows: truth, columns: prediction)" in out
    assert "precision" in out


def test_predict_as_csv(sounds, model, capsys):
    assert main(["predict", model, *sounds.data[:3]]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["path"] for row in rows] == list(sounds.data[:3])
    for row in rows:
        shares = [float(row[f"p({name})"]) for name in ("chirp", "noise", "tone")]
        assert sum(shares) == pytest.approx(1, abs=2e-4)
        assert row["label"] == ("chirp", "noise", "tone")[int(np.argmax(shares))]


def test_predict_as_json_lines_and_over_folders(folder, sounds, model, capsys):
    assert main(["predict", model, folder, "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(row["path"] for row in rows) == sorted(map(str, sounds.data))
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=2e-4) for row in rows)


def test_the_model_is_an_estimator_of_paths_in_a_fresh_process(sounds, model):
    code = "import joblib, sys; print(*joblib.load(sys.argv[1]).predict(sys.argv[2:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, model, *sounds.data[:4]], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == joblib.load(model).predict(list(sounds.data[:4])).tolist()


def test_the_module_runs(model):
    run = subprocess.run(
        [sys.executable, "-m", "sklearn_audio", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("sklearn-audio 0.")


def test_groups_of_a_table_stay_together(sounds, tmp_path, capsys):
    table = pd.DataFrame({"path": sounds.data, "label": sounds.target, "session": sounds.groups})
    table.to_csv(tmp_path / "table.csv", index=False)
    arguments = ["train", str(tmp_path / "table.csv"), "-o", str(tmp_path / "m.joblib"), "--groups", "session"]
    assert main(arguments) == 0
    assert f"by {len(set(sounds.groups))} groups" in capsys.readouterr().out


def test_groups_of_a_folder_come_from_a_pattern(folder, tmp_path, capsys):
    arguments = ["train", folder, "-o", str(tmp_path / "m.joblib"), "--group-pattern", r"/(source\d+)_"]
    assert main(arguments) == 0
    assert " groups" in capsys.readouterr().out


def test_multilabel(sounds, tmp_path, capsys):
    rng = np.random.default_rng(0)
    tags = [";".join([label, *(["loud"] if rng.random() < 0.5 else [])]) for label in sounds.target]
    pd.DataFrame({"path": sounds.data, "labels": tags}).to_csv(tmp_path / "tags.csv", index=False)
    model = str(tmp_path / "m.joblib")
    assert main(["train", str(tmp_path / "tags.csv"), "-o", model]) == 0
    assert "cross-validated mean average precision" in capsys.readouterr().out
    assert main(["report", model, str(tmp_path / "tags.csv")]) == 0
    assert "mean average precision" in capsys.readouterr().out
    assert main(["predict", model, sounds.data[0], "--format", "jsonl"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert set(row["probabilities"]) == {"chirp", "loud", "noise", "tone"}
    assert set((row["label"] or "").split(";")) >= {sounds.target[0]}


def test_multilabel_with_groups_and_named_columns(sounds, tmp_path):
    table = pd.get_dummies(pd.Series(sounds.target)).astype(int).assign(path=sounds.data, session=sounds.groups)
    table.to_csv(tmp_path / "table.csv", index=False)
    arguments = [
        "train",
        tmp_path / "table.csv",
        "-o",
        tmp_path / "m",
        "--label",
        "chirp,noise,tone",
        "--groups",
        "session",
    ]
    assert main([str(argument) for argument in arguments]) == 0


# ---- bad input -------------------------------------------------------------------------------------------------------


def tree(tmp_path, files):
    """A folder per class; content is bytes, or a waveform."""
    for name, content in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            soundfile.write(path, content, 16000, subtype="FLOAT" if name.endswith(".wav") else None)
    return tmp_path / "data"


GOOD = np.sin(np.arange(4000) * 0.1).astype(np.float32)
CLASSES = {f"{label}/{i}.wav": GOOD * (i + 1) / 4 for label in "ab" for i in range(3)}


def damaged_flac(tmp_path):
    soundfile.write(tmp_path / "x.flac", np.random.default_rng(0).uniform(-1, 1, 100_000), 16000)
    return (tmp_path / "x.flac").read_bytes()[:60_000]


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a/bad.wav", b"this is text", ("row 3", "bad.wav", "text")),
        ("a/bad.wav", np.empty(0, dtype=np.float32), ("row 3", "bad.wav", "no samples")),
        ("a/bad.wav", np.full(100, np.nan, dtype=np.float32), ("row 3", "bad.wav", "NaN")),
        ("a/bad.flac", damaged_flac, ("row 3", "bad.flac")),
    ],
)
def test_a_recording_that_cannot_be_used(tmp_path, capsys, name, content, parts):
    data = tree(tmp_path, CLASSES | {name: content(tmp_path) if callable(content) else content})
    refused(capsys, ["train", data, "-o", tmp_path / "m.joblib"], *parts)
    assert not (tmp_path / "m.joblib").exists()


def test_folders_that_cannot_be_used(tmp_path, capsys):
    output = ["-o", tmp_path / "m.joblib"]
    refused(capsys, ["train", tmp_path / "missing", *output], "missing")
    (tmp_path / "empty").mkdir()
    refused(capsys, ["train", tmp_path / "empty", *output], "empty")
    one = tree(tmp_path, {"a/1.wav": GOOD, "a/2.wav": GOOD})
    refused(capsys, ["train", one, *output], "one class")
    two = tree(tmp_path, {"b/1.wav": GOOD})
    refused(capsys, ["train", two, *output], "the class 'b' has one recording")
    refused(capsys, ["train", two, *output, "--groups", "speaker"], "--groups names a column of a table")


def test_tables_that_cannot_be_used(tmp_path, capsys):
    tree(tmp_path, CLASSES)
    table = pd.DataFrame({"path": [f"data/{name}" for name in CLASSES], "label": [name[0] for name in CLASSES]})
    path, output = tmp_path / "table.csv", ["-o", tmp_path / "m.joblib"]
    table.to_csv(path, index=False)
    refused(capsys, ["train", tmp_path / "none.csv", *output], "none.csv")
    refused(capsys, ["train", path, *output, "--groups", "speaker"], "speaker")
    refused(capsys, ["train", path, *output, "--group-pattern", "(.)"], "--group-pattern is for folders")
    refused(capsys, ["train", path, *output, "--folds", "1"], "--folds 1", "at least 2")
    table.assign(speaker="x").to_csv(path, index=False)
    refused(capsys, ["train", path, *output, "--groups", "speaker"], "all recordings are of one group, 'x'")
    table.assign(speaker=table.label).to_csv(path, index=False)
    refused(capsys, ["train", path, *output, "--groups", "speaker"], "lies in one group alone")


def test_outputs_that_cannot_be_written(folder, tmp_path, capsys):
    refused(capsys, ["train", folder, "-o", tmp_path], "it is a folder")
    refused(capsys, ["train", folder, "-o", tmp_path / "no" / "m.joblib"], "does not exist")
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_is_read_only(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    refused(capsys, ["train", folder, "-o", tmp_path / "m.joblib"], "is not writable")


def test_models_that_cannot_be_used(folder, model, sounds, tmp_path, capsys):
    refused(capsys, ["predict", tmp_path / "none.joblib", "x.wav"], "no model file at")
    (tmp_path / "text.joblib").write_text("not a model")
    refused(capsys, ["predict", tmp_path / "text.joblib", "x.wav"], "is no model file, or a damaged one")
    with open(model, "rb") as file:
        (tmp_path / "cut.joblib").write_bytes(file.read()[:500])
    refused(capsys, ["report", tmp_path / "cut.joblib", folder], "is no model file, or a damaged one")
    joblib.dump({"a": 1}, tmp_path / "dict.joblib")
    refused(capsys, ["predict", tmp_path / "dict.joblib", "x.wav"], "holds a dict, not a model written by")


def test_files_that_cannot_be_predicted(model, sounds, tmp_path, capsys):
    refused(capsys, ["predict", model, sounds.data[0], "no/such.wav"], "no/such.wav", "1 of 2 files are missing")
    (tmp_path / "text.wav").write_text("this is text")
    refused(capsys, ["predict", model, tmp_path / "text.wav"], "error: cannot read", "text.wav': it is text")


def test_predict_may_skip_what_it_cannot_read(model, sounds, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("this is text")
    assert main(["predict", model, str(tmp_path / "text.wav"), sounds.data[0], "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (rows[0]["label"], rows[0]["p(noise)"]) == ("", "")
    assert rows[1]["label"] == sounds.target[0]
    assert err.startswith("sklearn-audio: warning: 1 clip(s) could not be used")
    assert "\n  cannot read " in err
    assert "text.wav" in err
    assert main(["predict", model, str(tmp_path / "text.wav"), "--on-error", "skip", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] is None


def test_a_label_that_the_model_does_not_know(model, tmp_path, capsys):
    data = tree(tmp_path, {"tone/1.wav": GOOD, "whistle/1.wav": GOOD})
    refused(capsys, ["report", model, data], "does not know the label 'whistle'")


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(OSError, match="no model file at"):
        main(["predict", str(tmp_path / "none.joblib"), "x.wav", "--debug"])


def test_an_interrupt_is_no_traceback(folder, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_audio.cli._train.save_model", interrupt)
    assert main(["train", folder, "-o", str(tmp_path / "m.joblib")]) == 130
    assert capsys.readouterr().err == "sklearn-audio: interrupted\n"


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["train", "x"], ["fly"], ["train", "x", "-o", "y", "--folds", "z"]]
)
def test_arguments_that_make_no_sense(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


# ---- a model file is the old or the new one --------------------------------------------------------------------------


def test_a_kill_while_writing_leaves_the_old_model(model, tmp_path):
    target = tmp_path / "model.joblib"
    target.write_bytes(b"the previous model")
    code = (
        "import os, sys, time, joblib\nfrom pathlib import Path\nfrom sklearn_audio.cli import _model\n"
        "def slow(descriptor):\n    print('writing', flush=True)\n    time.sleep(60)\n"
        "os.fsync = slow\n_model.save_model(joblib.load(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, model, str(target)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert target.read_bytes() == b"the previous model"


def test_an_error_while_writing_leaves_nothing(model, tmp_path, monkeypatch):
    from sklearn_audio.cli._model import save_model

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(joblib.load(model), tmp_path / "m.joblib")
    assert list(tmp_path.iterdir()) == []


# ---- the demo --------------------------------------------------------------------------------------------------------


def test_demo_on_synthetic_sounds(capsys):
    assert main(["demo", "--synthetic"]) == 0
    out = capsys.readouterr().out
    assert "120 synthetic sounds" in out
    assert "cross-validated accuracy" in out
    assert "confusion matrix" in out
    assert out.count("$ sklearn-audio ") == 3


def test_demo_falls_back_and_says_so(capsys, monkeypatch):
    def offline():
        raise OSError("no network")

    monkeypatch.setattr("sklearn_audio.cli._demo.fetch_spoken_digits", offline)
    assert main(["demo"]) == 0
    assert "neither on this machine nor to be had from the network" in capsys.readouterr().out


def test_demo_on_real_digits(shared_data, capsys, monkeypatch):
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", str(shared_data))
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "800 real recordings" in out
    assert "by 4 groups" in out
    accuracy = float(out.split("\naccuracy ")[1].split()[0])
    assert accuracy >= 0.85


def test_demo_stops_where_a_command_fails(monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._demo.main", lambda arguments: 2)
    with pytest.raises(SystemExit):
        main(["demo", "--synthetic"])
