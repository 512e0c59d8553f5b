"""Files of events: formats, outputs that exist, and runs that were killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from sklearn_audio import SoundEventDetector, annotations
from sklearn_audio.cli import main

FILES = ["csv", "jsonl", "raven", "audacity"]


def events_of(path):
    """Read events from any of the formats."""
    if path.suffix == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    return annotations.read(path)


@pytest.mark.parametrize("name", ["e.csv", "e.jsonl", "e.txt", "e.selections.txt"])
def test_formats_by_the_name_of_the_output(name, night, detector, tmp_path, run):
    assert run("detect", detector, night / "1.wav", "-o", tmp_path / name) == ""
    events = events_of(tmp_path / name)
    assert events["label"].tolist() == ["hum", "hiss"]
    assert ("score" in events) == (name != "e.txt")  # a label track has no scores
    expected = run("detect", detector, night / "1.wav")
    if name == "e.csv":
        assert (tmp_path / name).read_text() == expected


def test_parquet(night, detector, tmp_path, run, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(["detect", detector, night, "-o", tmp_path / "e.parquet"], "pip install 'sklearn-audio[parquet]'")
    monkeypatch.undo()
    pytest.importorskip("pyarrow")
    run("detect", detector, night, "-o", tmp_path / "e.parquet")
    run("detect", detector, night, "-o", tmp_path / "e.csv")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "e.parquet"), pd.read_csv(tmp_path / "e.csv"), check_dtype=False
    )


@pytest.mark.parametrize("form", FILES)
def test_a_file_per_recording(form, night, detector, tmp_path, run, refused):
    command = ["detect", detector, night, "--output-dir", tmp_path / "found", "--format", form]
    run(*command)
    files = sorted(file for file in (tmp_path / "found").iterdir() if not file.name.startswith("."))
    assert [file.name.split(".events.")[0] for file in files] == [str(i) for i in range(10)]
    assert [len(events_of(file)) for file in files] == [1, 2] * 5
    before = [file.read_bytes() for file in files]
    refused(command, "0.events.", "exists (10 of 10 files do); skip finished recordings with --resume")
    for option in ("--resume", "--force"):
        run(*command, option)
        assert [file.read_bytes() for file in files] == before


def test_files_beside_the_recordings(night, detector, tmp_path, run):
    for site in "ab":
        (tmp_path / site).mkdir()
        (tmp_path / site / "1.wav").write_bytes((night / "1.wav").read_bytes())
    run("detect", detector, tmp_path, "--beside", "--format", "audacity")
    events = annotations.read([tmp_path / site / "1.events.txt" for site in "ab"])
    assert events["path"].tolist() == [str(tmp_path / site / "1.wav") for site in "aabb"]


def test_recordings_without_events(night, detector, tmp_path, run):
    for name in ("e.csv", "e.jsonl", "e.txt", "e.selections.txt"):
        run("detect", detector, night / "0.wav", "--threshold", "2", "-o", tmp_path / name)
        assert len(events_of(tmp_path / name)) == 0 if name != "e.jsonl" else not (tmp_path / name).read_text()
    assert run("detect", detector, night / "0.wav", "--threshold", "2") == "path,start,end,label,score\n"


def test_outputs_that_are_refused(night, detector, tmp_path, refused):
    command = ["detect", detector, night]
    (tmp_path / "e.csv").write_text("old")
    refused([*command, "-o", tmp_path / "e.csv"], "e.csv' exists; name another file", "--resume", "--force")
    refused([*command, "-o", tmp_path / "e.csv", "--resume"], "exists, but not its journal")
    assert (tmp_path / "e.csv").read_text() == "old"
    refused([*command, "-o", tmp_path / "events"], "has no known format; give --format")
    refused([*command, "-o", ""], "--output is empty; name a file such as events.csv")
    refused([*command, "-o", tmp_path, "--format", "csv"], "cannot write the events", "it is a folder")
    refused([*command, "-o", tmp_path / "no" / "e.csv"], "does not exist")
    refused([*command, "-o", night / "0.wav", "--format", "csv"], "is the name of a recording")
    refused([*command, "-o", tmp_path / "e.txt"], "--format audacity holds one recording per file, and there are 10")
    refused([*command, "--format", "raven"], "--format raven needs a file; give --output")
    refused([*command, "--resume"], "--resume needs a file; give --output")
    refused([*command, "--force"], "--force needs a file; give --output")
    (tmp_path / "0.flac").write_bytes((night / "0.wav").read_bytes())
    both = [night / "0.wav", tmp_path / "0.flac"]
    refused(["detect", detector, *both, "--output-dir", tmp_path], "would have the same file", "0.events.csv")
    (tmp_path / "parts.csv").write_text(f"path,start,end\n{night}/1.wav,0.5,2.5\n")
    refused(["detect", detector, tmp_path / "parts.csv", "--beside"], "a table gives parts of recordings")


def test_names_that_are_no_text(night, detector, tmp_path, refused):
    path = os.fsencode(tmp_path) + b"/\xff.wav"
    with open(path, "wb") as file:
        file.write((night / "0.wav").read_bytes())
    refused(["detect", detector, tmp_path, "-o", tmp_path / "e.csv"], "is not valid text")


class Killed(BaseException):
    """Ends a run as a signal would: nothing catches it."""


@pytest.fixture
def run_until(monkeypatch):
    """Run a command that is killed at its n-th recording; returns the recordings that it read."""

    def call(command, n):
        read, predict = [], SoundEventDetector.predict

        def predict_or_die(self, X):
            if len(read) == n:
                raise Killed
            read.append(X[0])
            return predict(self, X)

        with monkeypatch.context() as patch:
            patch.setattr(SoundEventDetector, "predict", predict_or_die)
            try:
                assert main([str(part) for part in command]) == 0
            except Killed:
                assert len(read) == n
        return read

    return call


@pytest.mark.parametrize("place", ["-o", "--output-dir"])
def test_a_run_that_is_killed_and_resumed(place, night, detector, tmp_path, run_until):
    rng = random.Random(0)
    (tmp_path / "whole").mkdir()
    command = ["detect", detector, night, place]
    name = "e.csv" if place == "-o" else "files"
    run_until([*command, tmp_path / "whole" / name], 100)
    read = []
    for n in (0, 2, 3, 1, 2):
        read += run_until([*command, tmp_path / name, "--resume"], n)
        assert not (tmp_path / "e.csv").exists()
        for journal in tmp_path.rglob("*.journal"):
            os.truncate(journal, journal.stat().st_size - rng.randrange(30))  # a line half written
    read += run_until([*command, tmp_path / name, "--resume"], 100)
    assert set(read) == set(map(str, night.iterdir()))
    assert len(read) <= 10 + 5  # at most one is read again after each kill
    assert run_until([*command, tmp_path / name, "--resume"], 100) == []
    assert _contents(tmp_path / name) == _contents(tmp_path / "whole" / name)


def _contents(path):
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if ".journal" not in file.name)
    return [(file.name, file.read_bytes()) for file in files]


def test_an_unfinished_run_is_not_thrown_away(night, detector, tmp_path, run_until, refused):
    command = ["detect", detector, night, "-o", tmp_path / "e.csv"]
    run_until(command, 3)
    refused(command, "an earlier run has not finished", ".e.csv.journal", "continue it with --resume")
    refused([*command, "--resume", "--window", "1"], "had another window (0.5, now 1)", "start anew with --force")
    assert len(run_until([*command, "--window", "1", "--force"], 100)) == 10


def test_what_is_resumed_is_the_same_model_and_the_same_recording(night, detector, tmp_path, run_until, refused):
    for i in range(3):
        (tmp_path / f"{i}.wav").write_bytes((night / f"{i}.wav").read_bytes())
    command = ["detect", detector, tmp_path, "-o", tmp_path / "e.csv"]
    run_until(command, 100)
    (tmp_path / "1.wav").write_bytes((night / "2.wav").read_bytes())
    (tmp_path / "3.wav").write_bytes((night / "3.wav").read_bytes())
    os.utime(tmp_path / "1.wav", (1, 1))
    assert run_until([*command, "--resume"], 100) == [str(tmp_path / "1.wav"), str(tmp_path / "3.wav")]
    assert len(pd.read_csv(tmp_path / "e.csv")) == 1 + 1 + 1 + 2
    other = tmp_path / "other.joblib"
    other.write_bytes(Path(detector).read_bytes() + b"0")
    refused(["detect", other, *command[2:], "--resume"], "had another model; give the same")


@pytest.mark.slow
def test_fifty_recordings_and_five_signals(night, detector, tmp_path):
    for i in range(50):
        (tmp_path / f"{i:02d}.wav").write_bytes((night / f"{i % 10}.wav").read_bytes())
    command = [sys.executable, "-m", "sklearn_audio", "detect", detector, str(tmp_path), "--hop", "0.05", "-o"]
    started = time.monotonic()
    subprocess.run([*command, tmp_path / "whole.csv"], check=True)
    seconds, rng, n_killed = time.monotonic() - started, random.Random(0), 0
    journal = tmp_path / ".e.csv.journal"
    while n_killed < 5:
        n_lines = journal.read_bytes().count(b"\n") if journal.exists() else 0
        with subprocess.Popen([*command, tmp_path / "e.csv", "--resume"]) as process:
            while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") == n_lines):
                time.sleep(0.01)
            time.sleep(rng.uniform(0, seconds / 20))
            process.send_signal(signal.SIGKILL)
        n_killed += process.returncode == -signal.SIGKILL
        assert process.returncode == -signal.SIGKILL, "the run was too fast to be killed"
    subprocess.run([*command, tmp_path / "e.csv", "--resume"], check=True)
    assert (tmp_path / "e.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    names = [json.loads(line)["recording"] for line in journal.read_text().splitlines()]
    assert len(names) == len(set(names)) == 50
