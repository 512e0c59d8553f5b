"""Tables of text: encodings, separators and damage."""

import pytest

from sklearn_audio._text_tables import encoding_of, read_text_table


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_every_cell_is_text(tmp_path, encoding, separator):
    (tmp_path / "a.csv").write_text(f"a{separator}b\n007{separator}ä NA\n", encoding=encoding)
    assert read_text_table(tmp_path / "a.csv").to_dict("list") == {"a": ["007"], "b": ["ä NA"]}


def test_the_encoding_can_be_given(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\nä,1\n", encoding="cp1252")
    assert encoding_of(tmp_path / "a.csv") == "utf-8-sig"
    assert read_text_table(tmp_path / "a.csv", encoding="cp1252")["a"].tolist() == ["ä"]


def test_without_quotation_marks(tmp_path):
    (tmp_path / "a.tsv").write_text('a\tb\n"x\ty"\n')
    assert read_text_table(tmp_path / "a.tsv", separator="\t", quotes=False).to_dict("list") == {
        "a": ['"x'],
        "b": ['y"'],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n\xff,1\n", "is not a table of text"),
        (b"a\0b\n1,2\n", "is not a table of text"),
        (b'a,b\n"1,2\n', "is not a CSV or TSV table: .*EOF"),
        (b"a,b\n1,2,3\n", "its rows have more fields than its header"),
    ],
)
def test_damage(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text_table(tmp_path / "a.csv")
