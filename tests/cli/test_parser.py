"""Arguments, exit codes, and what becomes of errors, interrupts and readers that go away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sklearn_audio.cli import main
from tests import forked

COMMAND = ["-m", "sklearn_audio"]


def test_the_module_runs():
    run = subprocess.run([sys.executable, *COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("sklearn-audio 0.")


def test_bad_input_of_the_module(tmp_path):
    run = forked.run([*COMMAND, "train", "nowhere", "-o", tmp_path / "m"])
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("sklearn-audio: error: 'nowhere' does not exist")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["train"],
        ["predict"],
        ["report"],
        ["detect"],
        ["tag"],
        ["index"],
        ["similar"],
        ["durations"],
        ["tokenize"],
        ["evaluate"],
        ["weights"],
        ["demo"],
        ["completion"],
    ],
)
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: sklearn-audio")
    assert max(map(len, out.splitlines())) < 120
    for word in ["examples:", f"sklearn-audio {command[0]}"] if command else ["train", "predict", "report", "demo"]:
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "required: COMMAND"),
        (["train"], "required: FOLDER_OR_TABLE"),
        (["train", "x"], "required: -o/--output"),
        (["fly"], "invalid choice: 'fly'"),
        (["predict", "m"], "required: FILE"),
        (["train", "x", "-o", "y", "--folds", "z"], "got 'z'; it must be a whole number"),
        (["train", "x", "-o", "y", "--folds", "1"], "got 1; it must be 2 or more"),
        (["train", "x", "-o", "y", "--sample-rate", "16"], "got 16; it must be 1000 or more"),
        (["predict", "m", "x", "--jobs", "0"], "got 0; it must be 1 or more, or -1"),
        (["predict", "m", "x", "--form", "csv"], "unrecognized arguments: --form"),
    ],
)
def test_arguments_that_make_no_sense(arguments, part, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert part in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(OSError, match="no model file at"):
        main(["predict", str(tmp_path / "none.joblib"), "x.wav", "--debug"])


def raising(error, monkeypatch):
    def run(options):
        raise error

    monkeypatch.setattr("sklearn_audio.cli._predict.run", run)
    return main(["predict", "m", "x"])


def test_an_interrupt_is_no_traceback(capsys, monkeypatch):
    assert raising(KeyboardInterrupt(), monkeypatch) == 130
    assert capsys.readouterr().err == "sklearn-audio: interrupted\n"


def test_a_message_of_several_lines_becomes_one(capsys, monkeypatch):
    assert raising(ValueError("first\n   second"), monkeypatch) == 2
    assert capsys.readouterr().err == "sklearn-audio: error: first second\n"


@pytest.mark.parametrize("error", [TypeError, KeyError, AttributeError, RuntimeError])
def test_mistakes_of_the_program_are_not_hidden(error, monkeypatch):
    with pytest.raises(error, match="a mistake"):
        raising(error("a mistake"), monkeypatch)


def test_a_reader_that_goes_away(model, folder, tmp_path):
    # the output must outgrow the pipe, or nobody notices
    many = [folder] * 60
    command = [*COMMAND, "predict", model, *many]
    with open(tmp_path / "err", "wb") as err, forked.reading(command, stderr=err) as (process, out):
        assert out.readline().startswith("path,label,")
        out.close()
        process.join()
    assert process.exitcode == 141
    assert (tmp_path / "err").read_bytes() == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_disk_that_is_full(model, folder):
    with open("/dev/full", "w") as full:
        run = forked.run([*COMMAND, "report", model, folder], stdout=full)
    assert run.returncode == 2
    assert run.stderr.startswith("sklearn-audio: error: ")
    assert "No space left" in run.stderr
    assert run.stderr.count("\n") == 1


def test_plain_results_go_to_a_file_without_progress_bars(model, folder, tmp_path):
    with open(tmp_path / "labels.csv", "w") as file:
        run = forked.run([*COMMAND, "predict", model, folder], stdout=file)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(Path(tmp_path / "labels.csv").read_text().splitlines()) == 41
