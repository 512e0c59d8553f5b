"""``train``: what it says, what it saves, and what it refuses."""

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


def table(sounds, path, **columns):
    pd.DataFrame({"path": sounds.data, "label": sounds.target, **columns}).to_csv(path, index=False)
    return path


def corrupt_flac(tmp_path):
    soundfile.write(tmp_path / "x.flac", np.random.default_rng(0).uniform(-1, 1, 100_000), 16000)
    whole = bytearray((tmp_path / "x.flac").read_bytes())
    whole[60_000:61_000] = bytes(1000)
    return bytes(whole)


@pytest.fixture(autouse=True)
def few_settings(monkeypatch):
    """Let most tests search over one strength of regularisation, not three."""
    monkeypatch.setattr("sklearn_audio.cli._train._C", [0.1])


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
    assert "best of 18 settings" in out
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


def test_the_seed_moves_the_folds(folder, tmp_path, run, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sklearn_audio.cli._train.copies_on_both_sides", lambda digests, splits: seen.append(splits[0][1].tolist())
    )
    for seed in "010":
        run("train", folder, "-o", tmp_path / "m", "--seed", seed, "--force")
    assert seen[0] == seen[2] != seen[1]


def test_groups_of_a_table_stay_together(sounds, tmp_path, run):
    path = table(sounds, tmp_path / "table.csv", session=sounds.groups)
    out = run("train", path, "-o", tmp_path / "m.joblib", "--groups", "session")
    n_groups = len(set(sounds.groups))
    assert f"by groups: each of the {n_groups} is in one fold" in out
    assert f"\n{min(4, n_groups)}-fold" in out


def test_groups_of_a_folder_come_from_a_pattern(folder, tmp_path, run):
    out = run("train", folder, "-o", tmp_path / "m.joblib", "--group-pattern", r"/(source\d+)_")
    assert "by groups" in out


def test_columns_and_folder_of_a_table_can_be_named(sounds, folder, tmp_path, run):
    names = [path.removeprefix(folder).strip("/") for path in sounds.data]
    pd.DataFrame({"clip": names, "what": sounds.target}).to_csv(tmp_path / "table.tsv", index=False, sep="\t")
    run("train", tmp_path / "table.tsv", "-o", tmp_path / "m", "--path", "clip", "--root", folder, "--label", "what")
    assert set(joblib.load(tmp_path / "m").label_names_) == {"chirp", "noise", "tone"}


def test_a_table_without_an_extension(sounds, tmp_path, run):
    assert "3 classes" in run("train", table(sounds, tmp_path / "table"), "-o", tmp_path / "m")


def test_parts_of_files(sounds, tmp_path, run):
    path = table(sounds, tmp_path / "table.csv", start=0.1, end=0.3)
    assert "40 recordings, 8.0 s in all" in run("train", path, "-o", tmp_path / "m")


def test_several_labels(tags, tmp_path, run):
    out = run("train", tags, "-o", tmp_path / "m")
    assert "; 4 labels\n" in out
    assert "  mean average precision " in out
    assert "  guessing: 0." in out


def test_several_labels_in_columns_with_groups(sounds, tmp_path, run):
    labels = pd.get_dummies(pd.Series(sounds.target)).astype(int).assign(path=sounds.data, session=sounds.groups)
    labels.to_csv(tmp_path / "table.csv", index=False)
    arguments = ["--label", "chirp,noise,tone", "--groups", "session"]
    assert "; 3 labels" in run("train", tmp_path / "table.csv", "-o", tmp_path / "m", *arguments)


def test_a_rare_label_neither_warns_nor_spoils_the_score(sounds, tmp_path, capsys):
    labels = [";".join([label, *(["bell"] if i == 7 else [])]) for i, label in enumerate(sounds.target)]
    pd.DataFrame({"path": sounds.data, "labels": labels}).to_csv(tmp_path / "tags.csv", index=False)
    assert main(["train", str(tmp_path / "tags.csv"), "-o", str(tmp_path / "m")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    scores = out.split("folds: ")[1].split(")")[0].split()
    assert sorted(map(float, scores))[1] > 0.8  # only the fold with the bell may be bad


def test_json_of_tagging_recipes(sounds, tmp_path, run):
    records = [{"wav": path, "labels": label} for path, label in zip(sounds.data, sounds.target, strict=True)]
    (tmp_path / "train.json").write_text(json.dumps({"data": records}))
    assert "; 3 labels" in run("train", tmp_path / "train.json", "-o", tmp_path / "m")


def test_many_classes_are_counted_not_listed(sounds, tmp_path, run, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._data._N_SHOWN", 2)
    out = run("train", table(sounds, tmp_path / "table.csv"), "-o", tmp_path / "m")
    assert "3 classes (sklearn_audio.datasets.summarize_clips lists them)" in out
    assert "longest" not in out


def test_warnings_are_one_line_each(tree, tmp_path, capsys):
    left = np.sin(np.arange(4000) * 0.2).astype(np.float32)
    data = tree({"a/cancelling.wav": np.stack([left, -left], axis=1)})
    assert main(["train", str(data), "-o", str(tmp_path / "m")]) == 0
    out, err = capsys.readouterr()
    assert "mono and stereo" in out
    assert err.startswith("sklearn-audio: warning: '")
    assert "cancelling.wav" in err
    assert err.count("\n") == 1  # told once, although three front ends read the file


# ---- recordings it refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a/bad.wav", b"this is text", ("bad.wav", "text")),
        ("a/bad.wav", b"", ("bad.wav", "empty")),
        ("a/bad.wav", np.empty(0, dtype=np.float32), ("bad.wav", "no samples")),
        ("a/bad.wav", np.full(100, np.nan, dtype=np.float32), ("bad.wav", "NaN")),
        ("a/bad.wav", np.full(100, np.inf, dtype=np.float32), ("bad.wav", "infinit")),
        ("a/bad.flac", corrupt_flac, ("bad.flac",)),
    ],
)
def test_a_recording_that_cannot_be_used(tree, tmp_path, refused, name, content, parts):
    data = tree({name: content(tmp_path) if callable(content) else content})
    message = refused(["train", data, "-o", tmp_path / "m.joblib"], *parts, "skip it with --on-error skip")
    assert "row" not in message
    assert not (tmp_path / "m.joblib").exists()


@pytest.mark.parametrize(
    "name", ["broken/text.wav", "broken/corrupt_middle.flac", "broken/header_only.wav", "edge/nan_inf.wav"]
)
def test_a_real_recording_that_cannot_be_used(shared_data, tree, tmp_path, refused, name):
    file = shared_data / "formats" / name
    data = tree({f"b/{file.name}": file.read_bytes()})
    refused(["train", data, "-o", tmp_path / "m.joblib"], file.name)
    assert not (tmp_path / "m.joblib").exists()


def test_all_recordings_that_cannot_be_used_are_listed_at_once(tree, tmp_path, capsys):
    data = tree(
        {"a/text.wav": b"this is text", "b/nothing.wav": b"", "b/nan.wav": np.full(100, np.nan, dtype=np.float32)}
    )
    assert main(["train", str(data), "-o", str(tmp_path / "m.joblib")]) == 2
    *lines, last = capsys.readouterr().err.splitlines()
    assert [("text.wav" in line, "nothing.wav" in line) for line in lines] == [(True, False), (False, True)]
    assert all(line.startswith("sklearn-audio: unusable: ") for line in lines)
    assert last.startswith(
        "sklearn-audio: error: 2 of 9 recordings cannot be used. Repair them, or skip them with --on"
    )
    assert main(["train", str(data), "-o", str(tmp_path / "m.joblib"), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert [line.split(": ")[1] for line in err.splitlines()] == ["warning"] * 3
    assert all(name in err for name in ("text.wav", "nothing.wav", "nan.wav"))
    assert "7 recordings" in out  # that NaN lies in it shows only when it is decoded


def test_a_recording_that_is_cut_is_used_with_a_warning(tree, tmp_path, capsys):
    data = tree()
    whole = (data / "a" / "2.wav").read_bytes()
    (data / "a" / "2.wav").write_bytes(whole[: len(whole) // 2])
    assert main(["train", str(data), "-o", str(tmp_path / "m")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sklearn-audio: warning: '")
    assert "2.wav': it is cut short" in line
    assert line.endswith("were read. Replace the recording.")


def test_long_lists_end(tree, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._survey._N_LISTED", 2)
    data = tree({f"a/{i}.flac": b"" for i in range(5)})
    assert main(["train", str(data), "-o", str(tmp_path / "m")]) == 2
    assert "... and 3 more" in capsys.readouterr().err


def test_nothing_but_what_cannot_be_used(tree, tmp_path, capsys):
    data = tree({"a/1.wav": b"", "b/1.wav": b""}, n_good=0)
    assert main(["train", str(data), "-o", str(tmp_path / "m"), "--on-error", "skip"]) == 2
    assert "none of the 2 recordings can be used" in capsys.readouterr().err


def test_chunks_of_frames_change_nothing(folder, sounds, model, tmp_path, run, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_SECONDS", 1.0)
    run("train", folder, "-o", tmp_path / "m.joblib")
    paths = list(sounds.data[:9])
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "m.joblib").predict_proba(paths), joblib.load(model).predict_proba(paths)
    )


def test_copies_on_both_sides_are_counted(tree, tmp_path, run):
    """Five of the six recordings of a class are one: two folds of three cannot keep them apart."""
    data = tree(n_good=6)
    for i in range(1, 5):
        (data / "a" / f"{i}.wav").write_bytes((data / "a" / "0.wav").read_bytes())
    for i in range(6):
        soundfile.write(data / "b" / f"{i}.wav", np.sin(np.arange(3000) * 0.02 * (i + 1)), 16000)
    out = run("train", data, "-o", tmp_path / "m.joblib", "--folds", "2")
    assert "\n  5 of 12 held-out recordings are exact copies of training recordings" in out


def test_random_folds_say_so_and_propose_a_column(sounds, folder, tmp_path, run):
    out = run("train", folder, "-o", tmp_path / "1")
    assert "the folds are random" in out
    assert "--groups COLUMN or --group-pattern REGEX keeps them together" in out
    path = table(sounds, tmp_path / "table.csv", Recordist=sounds.groups)
    assert "--groups Recordist keeps them together" in run("train", path, "-o", tmp_path / "2")
    assert "folds are random" not in run("train", path, "-o", tmp_path / "3", "--groups", "Recordist")


def test_a_line_a_minute_where_nobody_sees_a_bar(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._messages._LINE_EVERY_S", 0.0)
    assert main(["train", folder, "-o", str(tmp_path / "m")]) == 0
    lines = capsys.readouterr().err.splitlines()
    for line in ("40 of 40 headers", "120 of 120 recordings", "24 of 24 fits"):
        assert f"sklearn-audio: {line}" in lines
    assert main(["train", folder, "-o", str(tmp_path / "n"), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_folders_that_cannot_be_used(tree, tmp_path, refused):
    output = ["-o", tmp_path / "m.joblib"]
    refused(["train", tmp_path / "missing", *output], "missing", "does not exist")
    (tmp_path / "empty").mkdir()
    refused(["train", tmp_path / "empty", *output], "empty", "no recordings")
    data = tree({"c/1.wav": None})
    refused(["train", data, *output], "the class 'c' has one recording")
    refused(["train", data, *output, "--groups", "speaker"], "--groups is for tables")
    refused(["train", data, *output, "--path", "x"], "--path is for tables")
    refused(["train", data, *output, "--group-pattern", "("], "is not a regular expression")
    assert not (tmp_path / "m.joblib").exists()


def test_one_class(tree, tmp_path, refused):
    data = tree({"a/1.wav": None, "a/2.wav": None}, n_good=0)
    refused(["train", data, "-o", tmp_path / "m.joblib"], "one class, 'a'")


def test_tables_that_cannot_be_used(sounds, tmp_path, refused):
    path, output = table(sounds, tmp_path / "table.csv"), ["-o", tmp_path / "m.joblib"]
    refused(["train", tmp_path / "none.csv", *output], "none.csv", "does not exist")
    refused(["train", path, *output, "--groups", "speaker"], "no column 'speaker'")
    refused(["train", path, *output, "--label", "what"], "no column 'what'")
    refused(["train", path, *output, "--group-pattern", "(.)"], "--group-pattern is for folders")
    refused(["train", sounds.data[0], *output], "not a table of text")
    (tmp_path / "empty.csv").touch()
    refused(["train", tmp_path / "empty.csv", *output], "empty.csv", "is empty")


def test_a_table_of_recordings_that_do_not_exist(tmp_path, refused):
    (tmp_path / "table.csv").write_text("path,label\nno.wav,a\nnone.wav,b\n")
    refused(["train", tmp_path / "table.csv", "-o", tmp_path / "m"], "2 recording(s)", "no.wav")


def test_groups_that_cannot_be_used(sounds, tmp_path, refused):
    path, arguments = tmp_path / "table.csv", ["-o", tmp_path / "m.joblib", "--groups", "speaker"]
    table(sounds, path, speaker="x")
    refused(["train", path, *arguments], "all recordings are of one group, 'x'")
    table(sounds, path, speaker=sounds.target)
    refused(["train", path, *arguments], "all recordings of the class", "from 1 group(s)")


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


def test_messages_speak_of_options(sounds, tmp_path, refused):
    pd.DataFrame({"path": sounds.data, "what": sounds.target}).to_csv(tmp_path / "t.csv", index=False)
    assert "label=" not in refused(["train", tmp_path / "t.csv", "-o", tmp_path / "m"], "--label")
    (tmp_path / "u.csv").write_text("path,label\nno.wav,a\nnone.wav,b\n")
    assert "root=" not in refused(["train", tmp_path / "u.csv", "-o", tmp_path / "m"], "--root")


def test_an_output_folder_that_is_read_only(folder, tmp_path, refused, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    refused(["train", folder, "-o", tmp_path / "m.joblib"], "is not writable")


def test_the_table_is_not_overwritten(sounds, tmp_path, refused):
    path = table(sounds, tmp_path / "table.csv")
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
    with subprocess.Popen(
        [sys.executable, "-c", code, folder, str(target)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert "here\n" in iter(process.stdout.readline, "")
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert target.read_bytes() == before
    assert joblib.load(target).label_names_ == ["chirp", "noise", "tone"]
