"""The text of files."""

import pytest

from sklearn_audio.annotations._source import open_source


@pytest.mark.parametrize("part", ["text", "head"])
def test_what_is_no_text_is_refused(tmp_path, part):
    (tmp_path / "a.txt").write_bytes("0\t1\tkäuzchen".encode("cp1252"))
    with pytest.raises(
        ValueError, match=r"the annotations '.*' are not text in utf-8\. Pass encoding=, such as 'cp1252'"
    ):
        getattr(open_source(tmp_path / "a.txt", None, None), part)()
    with pytest.raises(ValueError, match="are not text in utf-16"):
        list(open_source(tmp_path / "a.txt", "utf-16", None).lines())
    assert list(open_source(tmp_path / "a.txt", "cp1252", None).lines()) == [(1, "0\t1\tkäuzchen")]


def test_only_line_breaks_end_a_line(tmp_path):
    (tmp_path / "a.txt").write_bytes("a\x0bb\u2028c\r\nd\x85e".encode())
    assert [line for _, line in open_source(tmp_path / "a.txt", None, None).lines()] == ["a\x0bb\u2028c", "d\x85e"]
