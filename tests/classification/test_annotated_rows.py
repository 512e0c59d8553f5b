import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.classification._annotated_rows import check_labels_known, events_of_rows
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.validation import check_audio

RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(folder / name, np.zeros(4 * RATE), RATE)
    return folder


def events(*rows, columns=("path", "start", "end", "label")):
    return pd.DataFrame(rows, columns=list(columns))


def found(annotations, X):
    table = events_of_rows(annotations, check_audio(X, RATE, bare_rate=RATE))
    return sorted(table[["clip", "start", "end", "label"]].itertuples(index=False, name=None))


def test_recordings_are_found_by_path(folder, monkeypatch):
    monkeypatch.chdir(folder)
    X = [folder / "b.wav", str(folder / "a.wav")]
    table = events(("a.wav", 1.0, 2.0, "dog"), (str(folder / "b.wav"), 0.0, np.nan, "cat"))
    assert found(table, X) == [(0, 0.0, 4.0, "cat"), (1, 1.0, 2.0, "dog")]


def test_other_names_of_columns(folder):
    table = events((str(folder / "a.wav"), 1.0, 2.0, "dog"), columns=("filename", "onset", "offset", "event_label"))
    assert found(table, [folder / "a.wav"]) == [(0, 1.0, 2.0, "dog")]


def test_parts_of_files_have_the_events_that_they_overlap(folder):
    path = str(folder / "a.wav")
    table = events((path, 0.5, 1.5, "dog"), (path, 3.0, 4.0, "dog"))
    X = [(path, 0.0, 1.0), (path, 1.0, 2.0), (path, 2.0, 3.0), (path, 3.5, None)]
    assert found(table, X) == [(0, 0.5, 1.0, "dog"), (1, 0.0, 0.5, "dog"), (3, 0.0, 0.5, "dog")]


def test_rows_of_x_are_found_by_clip():
    table = events((1, 0.5, 1.0, "dog"), (0, 0.0, None, "cat"), columns=("clip", "start", "end", "label"))
    assert found(table, [np.zeros(RATE), np.zeros(2 * RATE)]) == [(0, 0.0, 1.0, "cat"), (1, 0.5, 1.0, "dog")]


def test_labels_of_one_recording_may_overlap(folder):
    path = str(folder / "a.wav")
    assert len(found(events((path, 0.0, 2.0, "dog"), (path, 1.0, 3.0, "cat")), [path])) == 2


@pytest.mark.parametrize(
    ("rows", "kind", "message"),
    [
        ([("a.wav", 1.0, 3.0, "dog"), ("a.wav", 2.0, 4.0, "dog")], ValueError, "rows 0 and 1 of .* overlap"),
        ([("a.wav", 1.0, 5.0, "dog")], ValueError, r"row 0 of the annotations .* beyond the end of .*a\.wav' at 4 s"),
        ([("d.wav", 1.0, 2.0, "dog")], AudioReadError, r"names the recording .*d\.wav', which does not exist"),
        ([("a.wav", 1.0, 2.0, "x"), ("c.wav", 1.0, 2.0, "x")], ValueError, r"row 1 .*c\.wav', which is not in X"),
        ([("a.wav", 2.0, 1.0, "dog")], ValueError, "row 0 of the annotations ends before it starts"),
    ],
)
def test_annotations_that_contradict_the_recordings(folder, monkeypatch, rows, kind, message):
    monkeypatch.chdir(folder)
    with pytest.raises(kind, match=message):
        found(events(*rows), ["a.wav", "b.wav"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((2, 0.0, 1.0, "dog"), "row 0 of the annotations is in clip 2, but X has the rows 0 to 1"),
        (("a", 0.0, 1.0, "dog"), "is in clip 'a'"),
        ((0.5, 0.0, 1.0, "dog"), r"is in clip 0\.5"),
        ((1, 0.0, 2.5, "dog"), "beyond the end of row 1 at 2 s"),
        ((1, 3.0, None, "dog"), "beyond the end of row 1 at 2 s"),
    ],
)
def test_annotations_that_contradict_the_rows(row, message):
    with pytest.raises(ValueError, match=message):
        found(events(row, columns=("clip", "start", "end", "label")), [np.zeros(RATE), np.zeros(2 * RATE)])


def test_annotations_without_a_recording(folder):
    table = events((0.0, 1.0, "dog"), columns=("start", "end", "label"))
    with pytest.raises(ValueError, match="do not say which row of X"):
        found(table, [folder / "a.wav"])


def test_labels_that_a_model_does_not_know():
    table = events((0, 0.0, 1.0, "dog"), (0, 0.0, 1.0, "cta"), columns=("clip", "start", "end", "label"))
    with pytest.raises(
        ValueError, match=r"row 1 of the annotations: the model does not know it: .* did you mean 'cat'"
    ):
        check_labels_known(table, np.array(["cat", "dog"]))
    numbered = check_labels_known(table.assign(label=["1", "0"]), np.array([0, 1]))
    assert numbered["label"].tolist() == [1, 0]
