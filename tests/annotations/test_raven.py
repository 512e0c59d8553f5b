"""Selection tables of Raven and BirdNET."""

import numpy as np
import pytest

from sklearn_audio import annotations
from tests.annotations.texts import rows, table

HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
SELECTIONS = (
    f"{HEADER}\tAnnotation\n"
    "1\tWaveform 1\t1\t0.5\t1.25\t0.0\t8000.0\tdog\n"
    "1\tSpectrogram 1\t1\t0.5\t1.25\t100.5\t4000.0\tdog\n"
    '2\tSpectrogram 1\t2\t2.0\t2.5\t200.0\t5000.0\t"cat"\n'
)
# Begin Time counts from the first recording, File Offset from each.
SEQUENCE = (
    f"{HEADER}\tCommon Name\tConfidence\tBegin Path\tFile Offset (s)\n"
    "1\tSpectrogram 1\t1\t0.0\t3.0\t0\t15000\tRobin\t0.81\tsite/a.wav\t0.0\n"
    "2\tSpectrogram 1\t1\t60.1\t63.1\t0\t15000\tBlackbird\t0.91\tsite/b.wav\t0.1\n"
)


def read(tmp_path, text, **options):
    file = tmp_path / "a.Table.1.selections.txt"
    file.write_text(text)
    return annotations.read(file, **options)


def test_a_selection_counts_once_with_the_limits_of_the_spectrogram(tmp_path):
    (tmp_path / "a.wav").touch()
    events = read(tmp_path, SELECTIONS)
    path = str(tmp_path / "a.wav")
    assert rows(events) == [(path, 0.5, 1.25, "dog"), (path, 2.0, 2.5, '"cat"')]
    assert rows(events, "low_frequency", "high_frequency", "channel") == [(100.5, 4000.0, 1), (200.0, 5000.0, 2)]


def test_times_of_a_sequence_of_recordings_are_those_within_each(tmp_path):
    events = read(tmp_path, SEQUENCE)
    assert rows(events) == [("site/a.wav", 0.0, 3.0, "Robin"), ("site/b.wav", 0.1, 3.1, "Blackbird")]
    assert events["Confidence"].tolist() == [0.81, 0.91]


def test_selections_of_different_tables_may_have_one_number(tmp_path):
    text = SELECTIONS.replace("2\tSpectrogram", "1\tSpectrogram")
    assert read(tmp_path, text)["label"].tolist() == ["dog", '"cat"']


def test_a_table_is_read_back(tmp_path):
    given = table(low_frequency=[1.5, np.nan, 3.0, 4.0], high_frequency=[10.0, np.nan, 30.0, 4.0], note=list("abcd"))
    file = tmp_path / "b.selections.txt"
    annotations.write(given, file)
    header = file.read_text().splitlines()[0]
    assert header == f"{HEADER}\tBegin Path\tBegin File\tFile Offset (s)\tAnnotation\tnote"
    events = annotations.read(file)
    assert rows(events) == rows(given)
    assert events["View"].tolist() == ["Spectrogram 1", "Waveform 1", "Spectrogram 1", "Spectrogram 1"]
    assert events["note"].tolist() == list("abcd")
    np.testing.assert_array_equal(events["low_frequency"], given["low_frequency"])
    annotations.write(events, tmp_path / "c.selections.txt")
    assert (tmp_path / "c.selections.txt").read_text() == file.read_text()


def test_a_table_without_limits_has_no_columns_of_them(tmp_path):
    annotations.write(table(), tmp_path / "b.selections.txt")
    assert "low_frequency" not in annotations.read(tmp_path / "b.selections.txt").columns


def test_a_second_column_of_labels_is_kept(tmp_path):
    events = read(tmp_path, SEQUENCE.replace("Confidence", "Annotation"), label="Common Name")
    annotations.write(events[events["path"] == "site/a.wav"], tmp_path / "b.selections.txt")
    again = annotations.read(tmp_path / "b.selections.txt")
    assert again["label"].tolist() == ["Robin"]
    assert again["Annotation"].tolist() == [0.81]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (SELECTIONS.replace("End Time (s)", "End"), {}, r"have no column 'End Time \(s\)'; their columns are"),
        (
            SELECTIONS.replace("Annotation", "Comments"),
            {},
            r"have no column of labels.*Pass label=",
        ),
        (SELECTIONS, {"label": "Species"}, r"have no column 'Species'"),
        (SEQUENCE.replace("File Offset (s)", "Offset"), {}, r"selections of 2 recordings, but no column 'File Offset"),
        (SEQUENCE, {"audio": "x.wav"}, r"name 2 recordings; audio= gives one"),
        (SELECTIONS.replace("0.5\t1.25", "0.5\tx"), {}, r"row 0 of .* has 'x' in the column 'End Time \(s\)'"),
        (
            SELECTIONS.replace("100.5\t4000", "5000\t4000"),
            {},
            r"row 0 .* frequency limits 5000\.0 and 4000\.0 Hz",
        ),
    ],
)
def test_damage(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, **options)
