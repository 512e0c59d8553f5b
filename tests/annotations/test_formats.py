"""The format of a file, from its content and from its name."""

from pathlib import Path

import pytest

from sklearn_audio.annotations._formats import format_by_content, format_by_name, recording_name
from sklearn_audio.annotations._source import open_source


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("0.5\t1.0\tdog\n", "audacity"),
        ("0,500000\t1,000000\tdog\n", "audacity"),
        ("", "audacity"),
        ("\ufeffSelection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\n", "raven"),
        ("View\tBegin Time (s)\tEnd Time (s)\tAnnotation\n", "raven"),
        ("INDIR,FOLDER,IN FILE,OFFSET,DURATION\n", "kaleidoscope"),
        ('"INDIR","FOLDER","IN FILE","OFFSET","DURATION"\n', "kaleidoscope"),
        (";; comment\nSPEAKER a 1 0 1 <NA> <NA> b <NA> <NA>\n", "rttm"),
        (";; comment\n", "rttm"),
        ("SPEAKER a 1 0\n", "rttm"),
        ('\n[{"data": {}}]', "label_studio"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n', "textgrid"),
        ("path,start,end,label\n", "csv"),
        ("onset\toffset\tlabel\n", "csv"),
    ],
)
def test_content_decides(tmp_path, text, format):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert format_by_content(open_source(tmp_path / "a.txt", None, None)) == format


def test_an_empty_file(tmp_path):
    (tmp_path / "a.rttm").touch()
    (tmp_path / "a.csv").write_text(" \n")
    assert format_by_content(open_source(tmp_path / "a.rttm", None, None)) == "rttm"
    with pytest.raises(ValueError, match=r"the annotations '.*a\.csv' are empty"):
        format_by_content(open_source(tmp_path / "a.csv", None, None))


def test_names():
    names = {"a.CSV": "csv", "a.TextGrid": "textgrid", "a.selections.txt": "raven", "a.json": "label_studio"}
    assert {name: format_by_name(Path(name)) for name in names} == names
    assert format_by_name(Path("a.txt")) is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.b.txt", "a.b"),
        ("a.Table.1.selections.txt", "a"),
        ("a.BirdNET.selection.table.txt", "a"),
        ("a.BirdNET.results.csv", "a"),
        ("a.wav.txt", "a.wav"),
        ("a", "a"),
    ],
)
def test_the_recording_of_a_file(file, name):
    assert recording_name(Path("folder", file)) == name
