"""Writing files and folders."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio import annotations, find_events
from sklearn_audio.annotations._formats import FORMATS
from tests.annotations.texts import rows, table


def test_a_folder_has_one_file_for_each_recording(tmp_path):
    events = table(("x/a.wav", 0.0, 1.0, "dog"), ("x/b.wav", 2.0, 3.0, "cat"), ("x/a.wav", 4.0, 5.0, "cat"))
    annotations.write(events, tmp_path / "labels", "audacity", recordings=["x/c.wav"])
    assert {file.name: len(file.read_text().splitlines()) for file in (tmp_path / "labels").iterdir()} == {
        "a.txt": 2,
        "b.txt": 1,
        "c.txt": 0,
    }
    with pytest.raises(
        ValueError, match=r"'audacity' holds one recording per file, and the table has 2; give a folder"
    ):
        annotations.write(events, tmp_path / "labels.txt", "audacity")


def test_two_recordings_of_one_name(tmp_path):
    events = table(("x/a.wav", 0.0, 1.0, "dog"), ("y/a.wav", 2.0, 3.0, "cat"))
    with pytest.raises(ValueError, match=r"'x/a\.wav' and 'y/a\.wav' would have the same file 'a\.TextGrid'"):
        annotations.write(events, tmp_path / "labels", "textgrid")


@pytest.mark.parametrize(
    ("format", "columns"),
    [
        ("audacity", ["tier", "score"]),
        ("textgrid", ["low_frequency", "score"]),
        ("rttm", ["low_frequency", "tier"]),
        ("label_studio", ["low_frequency", "tier"]),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, format, columns):
    events = table(("a.wav", 0.0, 1.0, "dog"), low_frequency=1.0, tier="x", score=0.5, clip=0)
    held = [name for name in ("low_frequency", "tier", "score") if name not in columns]
    file = tmp_path / f"a{FORMATS[format].suffix}"
    with pytest.raises(
        ValueError, match=f"{format!r} cannot hold the column.s. '{columns[0]}', '{columns[1]}'. Drop them"
    ):
        annotations.write(events, file, format)
    assert list(tmp_path.iterdir()) == []
    annotations.write(events, file, format, lossy=True)
    read = annotations.read(file, audio="a.wav")
    assert rows(read) == [("a.wav", 0.0, 1.0, "dog")]
    assert set(held) <= set(read.columns)


@pytest.mark.parametrize("format", ["audacity", "raven", "kaleidoscope", "textgrid", "rttm", "label_studio"])
def test_no_end(tmp_path, format):
    with pytest.raises(ValueError, match=f"row 0 of the annotations has no end, which '{format}' needs"):
        annotations.write(table(("a.wav", 0.0, np.nan, "dog")), tmp_path / "a.x", format)


def test_found_events_are_written_with_the_paths_of_their_rows(tmp_path):
    events = find_events([[0.0, 1.0], [1.0, 0.0]], frames_per_second=2, labels=["dog"])
    annotations.write(events, tmp_path / "a.csv", recordings=["a.wav", "b.wav"])
    assert rows(annotations.read(tmp_path / "a.csv")) == [("a.wav", 0.5, 1.0, "dog"), ("b.wav", 0.0, 0.5, "dog")]
    with pytest.raises(ValueError, match=r"have no column 'path'.*pass recordings=X"):
        annotations.write(events, tmp_path / "b.csv")
    with pytest.raises(ValueError, match="row 1 of the annotations has the clip 1, but there are 1 recordings"):
        annotations.write(events, tmp_path / "b.csv", recordings=["a.wav"])


def test_a_failure_leaves_the_old_file(tmp_path):
    annotations.write(table(), tmp_path / "a.csv")
    before = (tmp_path / "a.csv").read_text()
    with pytest.raises(ValueError, match="row 0 of the annotations has list in the column 'n'; 'csv' holds text and"):
        annotations.write(table(("a.wav", 0.0, 1.0, "dog"), n=[[1, 2]]), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_marks_in_other_columns(tmp_path):
    with pytest.raises(ValueError, match="row 0 of the annotations has 'a\\\\tb' in the column 'note'; 'raven' cannot"):
        annotations.write(table(("a.wav", 0.0, 1.0, "dog"), note="a\tb"), tmp_path / "a.selections.txt")


def test_categories_and_integers_are_written(tmp_path):
    events = pd.DataFrame({"file": pd.Categorical(["a.wav"]), "start": [0], "end": [1], "label": pd.Categorical([7])})
    annotations.write(events.assign(low_frequency=["100"], high_frequency=[200]), tmp_path / "a.txt", "audacity")
    assert (tmp_path / "a.txt").read_text() == "0.000000\t1.000000\t7\n\\\t100.000000\t200.000000\n"


@pytest.mark.parametrize(
    ("name", "format", "error", "message"),
    [
        ("a.txt", None, ValueError, r"'.*a\.txt' may have several formats; pass format=, one of \['csv'"),
        ("a.txt", "auto", ValueError, r"unknown format 'auto'"),
        ("gone/a.csv", None, FileNotFoundError, r"there is no folder '.*gone'; create it first"),
    ],
)
def test_no_target(tmp_path, name, format, error, message):
    with pytest.raises(error, match=message):
        annotations.write(table(), tmp_path / name, format)


def test_an_impossible_event_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="row 0 of the annotations ends before it starts"):
        annotations.write(table(("a.wav", 1.0, 0.0, "dog")), tmp_path / "a.csv")
