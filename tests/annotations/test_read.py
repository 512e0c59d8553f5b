"""Reading files, folders and lists."""

import numpy as np
import pytest
import soundfile

from sklearn_audio import annotations
from sklearn_audio.exceptions import AudioReadError
from tests.annotations.texts import rows, table

LABELS = "0.5\t1.25\tdog\n"


def test_labels_belong_to_the_recording_beside_them(tmp_path):
    (tmp_path / "a.txt").write_text(LABELS)
    assert annotations.read(tmp_path / "a.txt")["path"].tolist() == [str(tmp_path / "a")]
    (tmp_path / "a.FLAC").touch()
    assert annotations.read(tmp_path / "a.txt")["path"].tolist() == [str(tmp_path / "a.FLAC")]
    (tmp_path / "a.mp3").touch()
    with pytest.raises(ValueError, match=r"of 'a' may belong to 'a\.FLAC' or 'a\.mp3' in .*; pass audio="):
        annotations.read(tmp_path / "a.txt")
    (tmp_path / "a.mp3.txt").write_text(LABELS)
    assert annotations.read(tmp_path / "a.mp3.txt")["path"].tolist() == [str(tmp_path / "a.mp3")]


def test_recordings_in_another_folder(tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.wav").touch()
    (tmp_path / "a.txt").write_text(LABELS)
    (tmp_path / "b.csv").write_text("path,start,end,label\na.wav,0,1,dog\n/x/b.wav,0,1,dog\n")
    path = str(tmp_path / "audio" / "a.wav")
    assert annotations.read(tmp_path / "a.txt", root=tmp_path / "audio")["path"].tolist() == [path]
    assert annotations.read(tmp_path / "b.csv", root=tmp_path / "audio")["path"].tolist() == [path, "/x/b.wav"]


def test_a_folder_of_several_formats(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "b.txt").write_text(LABELS)
    (tmp_path / "a.csv").write_text("path,start,end,label,score\nx.wav,0,1,007,0.5\n")
    for name in ("a.wav", "notes.md", ".hidden.csv"):
        (tmp_path / name).touch()
    events = annotations.read(tmp_path)
    assert rows(events) == [("x.wav", 0.0, 1.0, "007"), (str(tmp_path / "site" / "b"), 0.5, 1.25, "dog")]
    np.testing.assert_array_equal(events["score"], [0.5, np.nan])


def test_a_list_of_files(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(LABELS)
    files = [tmp_path / "b.txt", str(tmp_path / "a.txt")]
    assert annotations.read(files)["path"].tolist() == [str(tmp_path / "b"), str(tmp_path / "a")]
    assert annotations.read(files, audio=["1.wav", "2.wav"])["path"].tolist() == ["1.wav", "2.wav"]
    with pytest.raises(ValueError, match=r"audio= names 1 recordings, but there are 2 annotation files"):
        annotations.read(files, audio="1.wav")


def test_no_events_have_the_columns_of_the_schema(tmp_path):
    for name, text in (("a.txt", ""), ("b.csv", "path,start,end,label\n"), ("c.rttm", "")):
        (tmp_path / name).write_text(text)
        events = annotations.read(tmp_path / name)
        assert list(events.columns) == ["path", "start", "end", "label"]
        assert events["start"].dtype == np.float64


def test_recordings_can_be_checked(tmp_path):
    (tmp_path / "a.txt").write_text(LABELS + "1.0\t2.0\tdog\n")
    soundfile.write(tmp_path / "a.wav", np.zeros(1000), 1000)
    with pytest.raises(
        ValueError, match=r"row 0 of the annotations '.*a\.txt' runs from 0\.5 to 1\.25 s, beyond the end"
    ):
        annotations.read(tmp_path / "a.txt", check_audio=True)
    with pytest.raises(ValueError, match=r"rows 0 and 1 of the annotations '.*a\.txt' overlap"):
        annotations.read(tmp_path / "a.txt", allow_overlap=False)
    with pytest.raises(AudioReadError, match=r"row 0 of the annotations '.*a\.txt' names the recording 'b\.wav'"):
        annotations.read(tmp_path / "a.txt", audio="b.wav", check_audio=True)


def test_a_table_in_memory():
    given = table().rename(columns={"start": "onset", "end": "offset", "path": "filename"})
    assert rows(annotations.read(given)) == rows(table())
    with pytest.raises(ValueError, match="row 1 of the annotations ends before it starts"):
        annotations.read(given.assign(offset=[1.0, 0.0, 3.0, 3.0]))


@pytest.mark.parametrize(
    ("path", "options", "error", "message"),
    [
        ("gone.csv", {}, FileNotFoundError, r"the annotations 'gone\.csv' do not exist; check the path"),
        (3, {}, TypeError, r"path must be a file, a folder, a list of files or a DataFrame, got int"),
        ([], {}, ValueError, r"path is an empty list"),
        ("gone.csv", {"format": "ravn"}, ValueError, r"unknown format 'ravn'; did you mean 'raven'\?"),
    ],
)
def test_what_is_no_path(path, options, error, message):
    with pytest.raises(error, match=message):
        annotations.read(path, **options)


def test_a_folder_without_annotations(tmp_path):
    with pytest.raises(ValueError, match=r"the folder '.*' has no annotations; their suffixes are \.csv, \.json"):
        annotations.read(tmp_path)
