"""The published CSV layouts."""

import pytest

from sklearn_audio.datasets import read_audioset_labels, read_audioset_segments
from sklearn_audio.engine.models import audioset_labels
from tests.datasets.audioset_files import write_tables


def test_segments_of_the_published_layout(tmp_path):
    segments = read_audioset_segments(write_tables(tmp_path)[0])
    assert segments.columns.tolist() == ["ytid", "start", "end", "labels"]
    assert len(segments) == 6
    assert segments["ytid"][0] == "--PJHxphWEs"
    assert segments["ytid"][1] == "00000000012"  # text: no number, no leading zero lost
    assert segments["labels"][4] == ("/m/rain", "/m/dog", "/m/cat")
    assert segments[["start", "end"]].to_numpy()[2].tolist() == [21.5, 31.5]


def test_line_ends_of_windows_a_byte_order_mark_and_blank_lines(tmp_path):
    file = tmp_path / "segments.csv"
    file.write_bytes(b'\xef\xbb\xbf# comment\r\nabc, 0.000, 10.000, "/m/a,/m/b"\r\n\r\n')
    assert read_audioset_segments(file)["labels"].tolist() == [("/m/a", "/m/b")]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("abc, 0.000, 10.000, /m/a,/m/b", r"line 2 of .* has 5 fields, expected 4.*in quotes"),
        ("abc\t0\t10\t/m/a", "has 1 fields, expected 4"),
        ('abc, start, 10.000, "/m/a"', "has the times 'start' and '10.000', expected seconds"),
        (', 0.000, 10.000, "/m/a"', "has no YTID"),
        ('abc, 0.000, 10.000, ""', "has no label"),
        ('abc, 10.000, 10.000, "/m/a"', "runs from 10 s to 10 s; the end must be later"),
        ('abc, nan, 10.000, "/m/a"', "runs from nan s to 10 s"),
    ],
)
def test_lines_of_another_layout_are_named(tmp_path, line, match):
    file = tmp_path / "segments.csv"
    file.write_text(f"# comment\n{line}\n")
    with pytest.raises(ValueError, match=match):
        read_audioset_segments(file)


def test_segments_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"the table of segments .* does not exist"):
        read_audioset_segments(tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("# only comments\n")
    with pytest.raises(ValueError, match="is empty: it has no rows"):
        read_audioset_segments(tmp_path / "empty.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ValueError, match="is not a table of text"):
        read_audioset_segments(tmp_path / "binary.csv")


def test_class_labels(tmp_path):
    shipped = read_audioset_labels()
    assert list(shipped.values()) == audioset_labels().tolist()
    assert list(shipped)[:2] == ["/m/09x0r", "/m/05zppz"]
    assert read_audioset_labels(write_tables(tmp_path)[1]) == {
        "/m/speech": "Speech",
        "/m/dog": "Dog",
        "/m/cat": "Cat",
        "/m/rain": "Rain, drizzle",
    }
    with pytest.raises(ValueError, match=r"the class labels .* do not exist"):
        read_audioset_labels(tmp_path / "absent.csv")
