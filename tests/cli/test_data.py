"""Folders and tables that train takes, and those that it refuses."""

import json

import joblib
import pandas as pd
import pytest

pytestmark = pytest.mark.usefixtures("few_settings")


def test_groups_of_a_table_stay_together(sounds, table, tmp_path, run):
    path = table(tmp_path / "table.csv", session=sounds.groups)
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


def test_a_table_without_an_extension(table, tmp_path, run):
    assert "3 classes" in run("train", table(tmp_path / "table"), "-o", tmp_path / "m")


def test_parts_of_files(table, tmp_path, run):
    path = table(tmp_path / "table.csv", start=0.1, end=0.3)
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


def test_json_of_tagging_recipes(sounds, tmp_path, run):
    records = [{"wav": path, "labels": label} for path, label in zip(sounds.data, sounds.target, strict=True)]
    (tmp_path / "train.json").write_text(json.dumps({"data": records}))
    assert "; 3 labels" in run("train", tmp_path / "train.json", "-o", tmp_path / "m")


def test_many_classes_are_counted_not_listed(table, tmp_path, run, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._data._N_SHOWN", 2)
    out = run("train", table(tmp_path / "table.csv"), "-o", tmp_path / "m")
    assert "3 classes (sklearn_audio.datasets.summarize_clips lists them)" in out
    assert "longest" not in out


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


def test_tables_that_cannot_be_used(sounds, table, tmp_path, refused):
    path, output = table(tmp_path / "table.csv"), ["-o", tmp_path / "m.joblib"]
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
