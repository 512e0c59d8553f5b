"""Label tracks of Audacity."""

import numpy as np
import pytest

from sklearn_audio import annotations
from tests.annotations.texts import rows, table

# The extended format of the manual of Audacity: an undefined limit is -1.
TRACK = (
    "1.000000\t1.000000\tpoint\n\\\t6928.456055\t6928.456055\n"
    "2.000000\t2.500000\tno lower limit\n\\\t-1.000000\t6334.588867\n"
    "4.000000\t4.500000\t\n"
)


def read(tmp_path, text, **options):
    file = tmp_path / "a.txt"
    file.write_text(text, encoding=options.get("encoding", "utf-8"))
    return annotations.read(file, audio="a.wav", **options)


def test_labels_and_frequencies(tmp_path):
    events = read(tmp_path, TRACK)
    assert rows(events, "start", "end", "label") == [
        (1.0, 1.0, "point"),
        (2.0, 2.5, "no lower limit"),
        (4.0, 4.5, ""),
    ]
    np.testing.assert_array_equal(events["low_frequency"], [6928.456055, np.nan, np.nan])
    np.testing.assert_array_equal(events["high_frequency"], [6928.456055, 6334.588867, np.nan])


def test_a_track_is_written_as_it_was(tmp_path):
    annotations.write(read(tmp_path, TRACK), tmp_path / "b.txt", "audacity")
    assert (tmp_path / "b.txt").read_text() == TRACK


def test_times_keep_all_their_digits(tmp_path):
    annotations.write(table(), tmp_path / "b.txt", "audacity")
    assert (tmp_path / "b.txt").read_text().splitlines()[1].startswith("0.3333333333333333\t2.400000\t")
    assert rows(annotations.read(tmp_path / "b.txt", audio="site/a.wav")) == rows(table())


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("0,500000\t1,250000\tdog\n", (0.5, 1.25, "dog")),  # decimals of some languages
        ("0.5\tdog\n", (0.5, 0.5, "dog")),  # a point without an end
        ("0.5\t1.25\n", (0.5, 1.25, "")),
        ("0.5\t1.25\tdog\r\n\r\n", (0.5, 1.25, "dog")),
    ],
)
def test_other_spellings(tmp_path, text, event):
    assert rows(read(tmp_path, text), "start", "end", "label") == [event]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    assert read(tmp_path, "0.5\t1\tkäuzchen\n", encoding=encoding)["label"].tolist() == ["käuzchen"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\\\t1\t2\n", r"line 1 of the annotations '.*a\.txt' has frequencies, but no label before it"),
        ("0\t1\tdog\n\\\t1\n", r"line 2 .* lacks two frequencies"),
        ("0\t1\tdog\nlabel\t1\n", r"line 2 .* starts with 'label'; expected start, end and label"),
        ("0\t1\tdog\n2\t1\tcat\n", r"row 1 of the annotations '.*a\.txt' ends before it starts: 2\.0 to 1\.0 s"),
        ("-1\t1\tdog\n", r"row 0 .* starts at -1\.0 s; expected seconds, at least 0"),
    ],
)
def test_damage(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, format="audacity")


@pytest.mark.parametrize("label", ["a\tb", "a\nb", "a\rb"])
def test_labels_that_would_break_a_line(tmp_path, label):
    with pytest.raises(ValueError, match=r"row 0 .* has 'a.*b' in the column 'label'; 'audacity' cannot hold"):
        annotations.write(table(("a.wav", 0.0, 1.0, label)), tmp_path / "b.txt", "audacity")
    assert list(tmp_path.iterdir()) == []
