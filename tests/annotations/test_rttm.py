"""RTTM files."""

import pytest

from sklearn_audio import annotations
from tests.annotations.texts import rows, table

TURNS = (
    ";; a comment\n"
    "SPKR-INFO rec1 1 <NA> <NA> <NA> adult_male anna <NA> <NA>\n"
    "SPEAKER rec1 1 0.100 0.2 <NA> <NA> anna <NA> <NA>\n"
    "SPEAKER rec2 1 3.500 1.25 <NA> <NA> 007 <NA> <NA>\n"
)


def read(tmp_path, text, **options):
    (tmp_path / "turns.rttm").write_text(text)
    return annotations.read(tmp_path / "turns.rttm", **options)


def test_turns(tmp_path):
    events = read(tmp_path, TURNS)
    assert list(events.columns) == ["path", "start", "end", "label"]
    assert rows(events) == [("rec1", 0.1, 0.3, "anna"), ("rec2", 3.5, 4.75, "007")]


def test_ids_become_recordings_of_a_folder(tmp_path):
    (tmp_path / "rec1.flac").touch()
    assert read(tmp_path, TURNS, root=tmp_path)["path"].tolist() == [
        str(tmp_path / "rec1.flac"),
        str(tmp_path / "rec2"),
    ]


def test_other_fields_are_columns_where_they_say_something(tmp_path):
    text = TURNS + "LEXEME rec2 2 4.000 0.5 hello lex anna 0.75 <NA>\n"
    events = read(tmp_path, text)
    assert rows(events, "type", "channel", "orthography", "subtype")[2] == ("LEXEME", 2, "hello", "lex")
    assert events["score"].fillna(-1).tolist() == [-1, -1, 0.75]
    annotations.write(events, tmp_path / "b.rttm")
    assert (tmp_path / "b.rttm").read_text().splitlines() == text.splitlines()[2:]


def test_nine_fields_are_enough(tmp_path):
    assert rows(read(tmp_path, "SPEAKER a 1 0 1 <NA> <NA> <NA> <NA>\n")) == [("a", 0.0, 1.0, "")]


def test_a_table_is_read_back(tmp_path):
    given = table().assign(label=["dog", "cat", "click", "007"])
    annotations.write(given, tmp_path / "b.rttm")
    assert rows(annotations.read(tmp_path / "b.rttm")) == rows(given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TURNS + "SPEAKER rec1 1 0.1\n", r"line 5 of .* is not an RTTM event, which has ten fields"),
        (TURNS + "TALKER rec1 1 0 1 <NA> <NA> a <NA> <NA>\n", r"line 5 of .* is not an RTTM event"),
        ("SPEAKER rec1 1 0 one <NA> <NA> a <NA> <NA>\n", r"line 1 of .* has the start '0' and the duration 'one'"),
        ("SPEAKER rec1 1 0 -1 <NA> <NA> a <NA> <NA>\n", r"row 0 of .* ends before it starts: 0\.0 to -1\.0 s"),
    ],
)
def test_damage(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_a_label_that_means_none(tmp_path):
    with pytest.raises(ValueError, match="row 0 of the annotations has the label '<NA>', which means no label in RTTM"):
        annotations.write(table(("a.wav", 0.0, 1.0, "<NA>")), tmp_path / "b.rttm")


@pytest.mark.parametrize("name", ["label", "path"])
def test_spaces_part_the_fields(tmp_path, name):
    events = table(("a.wav", 0.0, 1.0, "dog")).assign(**{name: "big dog"})
    with pytest.raises(ValueError, match=f"row 0 .* has 'big dog' in the column '{name}'; 'rttm' cannot hold ' '"):
        annotations.write(events, tmp_path / "b.rttm")
