"""TextGrids of Praat."""

import numpy as np
import pytest
import soundfile

from sklearn_audio import annotations
from tests.annotations.texts import rows, table

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.25
            text = "say ""hi"" ! 2 <exists>"
        intervals [3]:
            xmin = 1.25
            xmax = 3
            text = "two
lines"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 3
        points: size = 1
        points [1]:
            number = 2.5
            mark = ""
"""
SHORT = """File type = "ooTextFile"
"TextGrid"

0
3 ! the end
<exists>
2
"IntervalTier"
"words"
0 3
3
0 0.5 ""
0.5
1.25
"say ""hi"" ! 2 <exists>"
1.25 3 "two
lines"
"TextTier" "clicks" 0 3 1
2.5 ""
"""
EVENTS = [
    (0.5, 1.25, 'say "hi" ! 2 <exists>', "words"),
    (1.25, 3.0, "two\nlines", "words"),
    (2.5, 2.5, "", "clicks"),
]


def read(tmp_path, text, encoding="utf-8"):
    (tmp_path / "a.TextGrid").write_text(text, encoding=encoding)
    return annotations.read(tmp_path / "a.TextGrid")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", [LONG, SHORT], ids=["long", "short"])
def test_both_forms(tmp_path, text, encoding):
    assert rows(read(tmp_path, text, encoding), "start", "end", "label", "tier") == EVENTS


def test_big_endian_and_line_ends_of_windows(tmp_path):
    (tmp_path / "a.TextGrid").write_bytes(b"\xfe\xff" + LONG.replace("\n", "\r\n").encode("utf-16-be"))
    assert rows(annotations.read(tmp_path / "a.TextGrid"), "start", "end", "label", "tier") == EVENTS


def test_a_textgrid_is_written_as_it_was(tmp_path):
    annotations.write(read(tmp_path, LONG), tmp_path / "b.TextGrid")
    written = (tmp_path / "b.TextGrid").read_text()
    assert "".join(written.split()) == "".join(LONG.split())


def test_a_table_is_read_back(tmp_path):
    annotations.write(table(), tmp_path / "b.TextGrid")
    events = annotations.read(tmp_path / "b.TextGrid", audio="site/a.wav")
    assert sorted(rows(events)) == sorted(rows(table()))
    assert set(events["tier"]) == {"labels"}


def test_the_last_interval_lasts_until_the_end_of_the_recording(tmp_path):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.zeros(4000), 1000)
    annotations.write(table((path, 0.0, 1.0, "dog")), tmp_path / "a.TextGrid")
    assert "xmin = 1 \n            xmax = 4 \n" in (tmp_path / "a.TextGrid").read_text()


def test_no_events(tmp_path):
    annotations.write(table().iloc[:0], tmp_path / "b.TextGrid")
    assert len(annotations.read(tmp_path / "b.TextGrid")) == 0
    empty = LONG.split("tiers?")[0] + "tiers? <absent>\n"
    assert len(read(tmp_path, empty)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ooBinaryFile\x08TextGrid", r"are a TextGrid in another format; save it as a text file"),
        ('"Praat chronological TextGrid text file"\n0 1\n', r"are a TextGrid in another format"),
        (LONG.replace('"TextGrid"', '"Sound"'), r"are not a TextGrid"),
        (LONG.replace('"TextTier"', '"PitchTier"'), r"line 29 .* has a tier of the class 'PitchTier'"),
        (LONG.replace("number = 2.5", "number = x"), r"line 36 .* has '\"\"'; expected a number"),
        (LONG[:-12], r"line \d+ .* has nothing; the file is truncated"),
        (LONG.replace("xmax = 1.25", "xmax = 0.25"), r"row 0 of .* ends before it starts: 0\.5 to 0\.25 s"),
    ],
)
def test_damage(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_a_tier_holds_one_interval_at_a_time(tmp_path):
    events = table(("a.wav", 0.0, 2.0, "dog"), ("a.wav", 1.0, 3.0, "cat"))
    with pytest.raises(ValueError, match=r"rows 0 and 1 of the annotations overlap: 'a\.wav', 'labels'.*column 'tier'"):
        annotations.write(events, tmp_path / "b.TextGrid")
    annotations.write(events.assign(tier=events["label"]), tmp_path / "b.TextGrid")
    assert annotations.read(tmp_path / "b.TextGrid")["tier"].tolist() == ["dog", "cat"]


def test_an_interval_without_a_label_is_no_event(tmp_path):
    with pytest.raises(ValueError, match="row 0 of the annotations has an empty label"):
        annotations.write(table(("a.wav", 0.0, 2.0, "")), tmp_path / "b.TextGrid")


@pytest.mark.parametrize("form", ["short_textgrid", "long_textgrid"])
def test_praatio_reads_and_writes_the_same(tmp_path, form):
    textgrid = pytest.importorskip("praatio.textgrid", reason="praatio is not installed")
    events = table(("a.wav", 0.5, 1 / 3 + 1, 'say "hi"'), ("a.wav", 2.0, 3.0, "two\nlines"))
    annotations.write(events, tmp_path / "a.TextGrid")
    grid = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False)
    assert [tuple(entry) for entry in grid.getTier("labels").entries] == rows(events, "start", "end", "label")
    grid.save(str(tmp_path / "b.TextGrid"), form, includeBlankSpaces=True)
    assert rows(annotations.read(tmp_path / "b.TextGrid", audio="a.wav")) == rows(events)
