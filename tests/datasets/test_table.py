"""Tables of recordings."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio import annotations
from sklearn_audio.annotations._formats import FORMATS
from sklearn_audio.datasets import load_audio_table
from sklearn_audio.exceptions import AudioReadError

ONE_LABEL = "path,label\nwav/a.wav,dog\nwav/b.wav,cat\nwav/c.wav,dog\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with three recordings; nothing decodes them, so they are empty."""
    (tmp_path / "wav").mkdir()
    for name in "abc":
        (tmp_path / "wav" / f"{name}.wav").write_bytes(b"")
    return tmp_path


@pytest.fixture
def write(folder):
    def write_table(text, name="clips.csv"):
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write_table


def frame(**columns):
    return pd.DataFrame({"path": ["a.wav", "b.wav", "c.wav"], **columns})


def load_frame(table, **parameters):
    return load_audio_table(table, check_files=False, **parameters)


# ---- one label ------------------------------------------------------------------------------------------------------


def test_csv(write, folder):
    clips = load_audio_table(write(ONE_LABEL))
    assert clips.data.tolist() == [str(folder / "wav" / f"{name}.wav") for name in "abc"]
    assert clips.data.dtype == object
    assert clips.target.tolist() == ["dog", "cat", "dog"]
    assert clips.target_names.tolist() == ["cat", "dog"]
    assert clips.groups is None
    assert clips.filenames is clips.data
    assert "3 clips with 2 labels" in clips.DESCR


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("clips.tsv", ONE_LABEL.replace(",", "\t")),
        ("semicolons.csv", ONE_LABEL.replace(",", ";")),
        ("mark.csv", "\ufeff" + ONE_LABEL),
        ("windows.csv", ONE_LABEL.replace("\n", "\r\n")),
        ("class.csv", ONE_LABEL.replace("path,label", "File,Class Name")),
    ],
)
def test_other_ways_to_write_it(write, name, text):
    assert load_audio_table(write(text, name)).target.tolist() == ["dog", "cat", "dog"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_tables_with_a_byte_order_mark(folder, encoding):
    text = ONE_LABEL.replace(",", "\t").replace("cat", "Käuzchen")
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"  # these two write it by themselves
    (folder / "unicode.txt").write_bytes((mark + text).encode(encoding))
    assert load_audio_table(folder / "unicode.txt").target.tolist() == ["dog", "Käuzchen", "dog"]
    recipe = json.dumps(RECIPE, ensure_ascii=False)
    (folder / "unicode.json").write_bytes((mark + recipe).encode(encoding))
    assert load_audio_table(folder / "unicode.json").target.tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize("path", ["path", "file", "filename", "wav", "audio", "slice_file_name", " Filename "])
@pytest.mark.parametrize("label", ["label", "class", "target", "category", "classname", "Label"])
def test_usual_names(path, label):
    table = pd.DataFrame({path: ["a.wav", "b.wav"], "other": [3, 4], label: ["x", "y"]})
    clips = load_frame(table)
    assert clips.data.tolist() == ["a.wav", "b.wav"]
    assert clips.target.tolist() == ["x", "y"]


@pytest.mark.parametrize("label", ["species", "Genre", "emotion", "speaker"])
def test_the_subject_is_the_label_where_nothing_else_is(label):
    table = pd.DataFrame({"file": ["a.wav", "b.wav"], label: ["x", "y"]})
    assert load_frame(table).target.tolist() == ["x", "y"]
    assert load_frame(table.assign(**{"class": ["u", "v"]})).target.tolist() == ["u", "v"]
    assert load_frame(table.assign(tags=["u,v", "v"])).target.tolist() == [[1, 1], [0, 1]]
    assert load_frame(table.assign(rain=[0, 1], wind=[1, 0])).target.tolist() == [[0, 1], [1, 0]]


def test_columns_by_name(write):
    text = "id,where,what,who\n1,wav/a.wav,dog,ann\n2,wav/b.wav,cat,bob\n"
    clips = load_audio_table(str(write(text)), path="where", label="what", group="who")
    assert clips.target.tolist() == ["dog", "cat"]
    assert clips.groups.tolist() == ["ann", "bob"]


def test_only_a_column_called_group_is_taken_unasked():
    assert load_frame(frame(label=list("xyx"), group=[1, 2, 1])).groups.tolist() == ["1", "2", "1"]
    assert load_frame(frame(label=list("xyx"), speaker=[1, 2, 1])).groups is None


def test_labels_and_groups_stay_text(write):
    text = "path,label,group,fold\nwav/a.wav,007,01,1\nwav/b.wav,NA,02,2\nwav/c.wav, None ,03,2\n"
    clips = load_audio_table(write(text))
    assert clips.target.tolist() == ["007", "NA", "None"]
    assert clips.groups.tolist() == ["01", "02", "03"]
    assert clips.frame["fold"].tolist() == [1, 2, 2]
    assert clips.frame["group"].tolist() == ["01", "02", "03"]
    assert clips.frame["path"].tolist() == clips.data.tolist()


def test_frame_is_not_changed():
    table = frame(label=["x", "y", "x"])
    before = table.copy()
    load_frame(table, root="elsewhere")
    pd.testing.assert_frame_equal(table, before)


def test_absolute_paths_stay(write, folder, tmp_path):
    text = f"path,label\n{folder / 'wav' / 'a.wav'},dog\nwav/b.wav,cat\n"
    assert load_audio_table(write(text)).data[0] == str(tmp_path / "wav" / "a.wav")


def test_root_with_columns_in_it():
    table = pd.DataFrame({"slice_file_name": ["1.wav", "2.wav"], "fold": [3, 10], "class": ["x", "y"]})
    clips = load_frame(table, root="audio/fold{fold}")
    assert [path.replace("\\", "/") for path in clips.data] == ["audio/fold3/1.wav", "audio/fold10/2.wav"]


# ---- spans ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("start", "end"),
        ("start_s", "end_s"),
        ("start_time", "end_time"),
        ("onset", "offset"),
        ("Begin Time (s)", "End Time (s)"),
        ("Start (s)", "offset"),
    ],
)
def test_spans(write, start, end):
    text = f"path,label,{start},{end}\nwav/a.wav,dog,0,1.5\nwav/a.wav,cat,1.5,2\n"
    clips = load_audio_table(write(text))
    assert list(clips.data) == ["path", "start", "end"]
    assert clips.data["path"].tolist() == clips.filenames.tolist()
    assert clips.data["start"].tolist() == [0.0, 1.5]
    assert clips.data["end"].tolist() == [1.5, 2.0]


def test_spans_by_name_and_not_of_slices():
    table = pd.DataFrame({"slice_file_name": ["a", "b"], "start": [60.0, 4.0], "end": [64.0, 8.0], "class": ["x", "y"]})
    assert load_frame(table).data.tolist() == ["a", "b"]
    assert load_frame(table, start="start", end="end").data["start"].tolist() == [60.0, 4.0]


@pytest.mark.parametrize("start", ["start", "offset", "onset"])
def test_spans_of_a_duration(start):
    clips = load_frame(frame(label=list("xyx"), **{start: [0.0, 2.0, 1.0], "duration": [1.5, 0.5, np.nan]}))
    assert clips.data["start"].tolist() == [0.0, 2.0, 1.0]
    np.testing.assert_array_equal(clips.data["end"], [1.5, 2.5, np.nan])
    assert load_frame(frame(label=list("xyx"), duration=[1.5, 0.5, 1.0])).data.shape == (3,)
    with_end = frame(label=list("xyx"), start=[0.0, 2.0, 1.0], end=[1.0, 3.0, 4.0], duration=[9.0] * 3)
    assert load_frame(with_end).data["end"].tolist() == [1.0, 3.0, 4.0]


@pytest.mark.parametrize("gone", [None, np.nan, pd.NA, ""])
def test_an_empty_end_is_that_of_the_file(gone):
    clips = load_frame(frame(label=list("xyx"), start=[0.0, 1.0, 2.0], end=pd.Series([1.0, gone, 3.0], dtype=object)))
    np.testing.assert_array_equal(clips.data["end"], [1.0, np.nan, 3.0])


def test_half_a_span():
    assert load_frame(frame(label=list("xyx"), start=[1, 2, 3])).data.tolist() == ["a.wav", "b.wav", "c.wav"]
    with pytest.raises(ValueError, match="pass both or neither"):
        load_frame(frame(label=list("xyx"), start=[1, 2, 3]), start="start")


@pytest.mark.parametrize("end", [2.0, 1.0])
def test_span_that_does_not_run_forward(end):
    with pytest.raises(ValueError, match=rf"row 1 of the table starts at 2 s and ends at {end:g} s"):
        load_frame(frame(label=list("xyx"), start=[0.0, 2.0, 0.0], end=[1.0, end, 1.0]))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""])
def test_a_missing_start_is_that_of_the_file_and_a_missing_end_its_end(missing):
    clips = load_frame(frame(label=list("xyx"), start=[missing, 2.0, "0.5"], end=[1.0, missing, "1.5"]))
    assert clips.data["start"].tolist() == [0.0, 2.0, 0.5]
    np.testing.assert_array_equal(clips.data["end"], [1.0, np.nan, 1.5])


def test_spans_may_be_durations_of_time():
    times = pd.to_timedelta([0, 500, 1000], unit="ms")
    clips = load_frame(frame(label=list("xyx"), start=times, duration=times + pd.Timedelta("1s")))
    assert clips.data["start"].tolist() == [0.0, 0.5, 1.0]
    assert clips.data["end"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("start", ["soon", "-1", "inf", "nan", "1_0", "1,5"])
def test_span_that_is_no_time(write, start):
    text = f'path,label,start,end\nwav/a.wav,dog,0,1\nwav/b.wav,cat,"{start}",2\n'
    with pytest.raises(ValueError, match=rf"row 1 of .* has '{start}' in the column 'start'; expected seconds"):
        load_audio_table(write(text))


# ---- several labels -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [";", "|", ", "])
def test_labels_in_one_cell(mark):
    clips = load_frame(frame(labels=[f"dog{mark}rain", "", "rain"]))
    assert clips.target_names.tolist() == ["dog", "rain"]
    assert clips.target.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert clips.target.dtype == np.int64


def test_comma_within_a_name_where_something_else_parts():
    clips = load_frame(frame(labels=["Speech, female|Rain", "Rain", None]))
    assert clips.target_names.tolist() == ["Rain", "Speech, female"]


def test_two_marks_need_a_word():
    table = frame(labels=["a;b", "a|b", "a"])
    with pytest.raises(ValueError, match=r"the labels hold both ';' and '\|'; pass separator="):
        load_frame(table)
    assert load_frame(table, separator=";").target_names.tolist() == ["a", "a|b", "b"]


def test_multilabel_can_be_said():
    assert load_frame(frame(label=["a,b", "a", "b"]), multilabel=True).target.tolist() == [[1, 1], [1, 0], [0, 1]]
    assert load_frame(frame(label=["a/b", "a", "b"]), separator="/").target.shape == (3, 2)
    assert load_frame(frame(labels=["a,b", "a", "b"]), multilabel=False).target.tolist() == ["a,b", "a", "b"]


def test_indicator_columns_by_name_and_by_themselves():
    table = frame(dog=[1, 0, 1], rain=[0.0, 0.0, 1.0], wind=[True, False, False], level=[3, 1, 0], group=[0, 1, 1])
    assert load_frame(table, label=["wind", "dog"]).target.tolist() == [[1, 1], [0, 0], [0, 1]]
    clips = load_frame(table)
    assert clips.target_names.tolist() == ["dog", "rain", "wind"]
    assert clips.target.tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 0]]


def test_indicator_columns_of_a_file(write):
    clips = load_audio_table(write("path,dog,rain\nwav/a.wav,1,0\nwav/b.wav,0,1\n"))
    assert clips.target.tolist() == [[1, 0], [0, 1]]
    assert clips.frame["rain"].tolist() == [0, 1]


@pytest.mark.parametrize(("no", "yes"), [("FALSE", "TRUE"), ("False", "True"), ("false", "true")])
def test_indicator_columns_as_spreadsheets_write_them(write, no, yes):
    clips = load_audio_table(write(f"path,dog,rain\nwav/a.wav,{yes},{no}\nwav/b.wav,{no},{yes}\n"))
    assert clips.target.tolist() == [[1, 0], [0, 1]]


def test_indicator_that_is_neither_0_nor_1():
    with pytest.raises(ValueError, match=r"row 2 of the table has '2' in the column 'dog'; .* holds 0 or 1"):
        load_frame(frame(dog=[0, 1, 2], rain=[0, 1, 1]), label=["dog", "rain"])


@pytest.mark.parametrize("columns", [{"labels": ["a", "", "a"]}, {"dog": [1, 0, 1], "rain": [0, 0, 0]}])
def test_one_label_that_occurs(columns):
    with pytest.raises(ValueError, match=r"the table holds 1 label\(s\) that occur"):
        load_frame(frame(**columns))


# ---- JSON of audio tagging recipes ----------------------------------------------------------------------------------

RECIPE = {"data": [{"wav": "wav/a.wav", "labels": "/m/1,/m/2"}, {"wav": "wav/b.wav", "labels": "/m/2"}]}
NAMES = 'index,mid,display_name\n2,/m/1,"Speech, male"\n0,/m/9,Wind\n1,/m/2,Rain\n'


def test_json(write, folder):
    clips = load_audio_table(write(json.dumps(RECIPE), "train.json"))
    assert clips.data.tolist() == [str(folder / "wav/a.wav"), str(folder / "wav/b.wav")]
    assert clips.target_names.tolist() == ["/m/1", "/m/2"]
    assert clips.target.tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize("name", ["class_labels_indices.csv", "other.csv"])
def test_json_with_class_labels(write, name):
    class_labels = write(NAMES, name)
    beside = name == "class_labels_indices.csv"
    clips = load_audio_table(write(json.dumps(RECIPE), "t.json"), class_labels=None if beside else class_labels)
    assert clips.target_names.tolist() == ["Wind", "Rain", "Speech, male"]
    assert clips.target.tolist() == [[0, 1, 1], [0, 1, 0]]


def test_label_that_is_not_in_the_list(write):
    table = write(json.dumps({"data": [*RECIPE["data"], {"wav": "wav/c.wav", "labels": "/m/7"}]}), "t.json")
    with pytest.raises(ValueError, match=r"row 2 of .*t\.json': the label '/m/7' is not in the list of class labels"):
        load_audio_table(table, class_labels=write(NAMES, "names.csv"))


def test_class_labels_without_a_column(write):
    names = write("index,mid\n0,/m/1\n", "names.csv")
    with pytest.raises(ValueError, match=r"names\.csv' have no column 'display_name'"):
        load_audio_table(write(json.dumps(RECIPE), "t.json"), class_labels=names)


def test_class_labels_of_an_index_that_is_no_number(write):
    names = write("index,mid,display_name\nfirst,/m/1,Rain\n", "names.csv")
    with pytest.raises(ValueError, match=r"row 0 of the class labels .* has 'first' in the column 'index'"):
        load_audio_table(write(json.dumps(RECIPE), "t.json"), class_labels=names)


def test_class_labels_need_several_labels_per_clip(write):
    with pytest.raises(ValueError, match="class_labels= names the columns of a multi-label target"):
        load_audio_table(write(ONE_LABEL), class_labels=write(NAMES, "names.csv"))


@pytest.mark.parametrize("text", ["[1, 2]", '{"rows": []}', '{"data": ["a.wav"]}', '{"data": 3}'])
def test_json_of_another_form(write, text):
    with pytest.raises(ValueError, match="is not of the form"):
        load_audio_table(write(text, "t.json"))


def test_json_that_is_none(write):
    with pytest.raises(ValueError, match=r"t\.json' is not JSON"):
        load_audio_table(write("{", "t.json"))


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_missing_table(tmp_path):
    with pytest.raises(ValueError, match=r"the table .*none\.csv' does not exist"):
        load_audio_table(tmp_path / "none.csv")


def test_folder_instead_of_a_table(tmp_path):
    with pytest.raises(ValueError, match="is a folder, not a table; use load_audio_folder"):
        load_audio_table(tmp_path)


@pytest.mark.parametrize("text", ["path,label\n", ""])
def test_empty_table(write, text):
    with pytest.raises(ValueError, match=r"clips\.csv' is empty"):
        load_audio_table(write(text))


def test_empty_json(write):
    with pytest.raises(ValueError, match=r"t\.json' is empty"):
        load_audio_table(write('{"data": []}', "t.json"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF\0\0\0\0WAVE", "is not a table of text"),
        (b"path,label\nwav/a.wav,caf\xe9\n", r"is not a table of text; .* in UTF-8 or, with a byte order mark, UTF-16"),
        (b"path,label\na.wav,dog\nb.wav,cat,x,y\n", "is not a CSV or TSV table"),
        (b"path,label\nx,a.wav,dog\ny,b.wav,cat\n", "rows have more fields than its header"),
        (b'path,label\na.wav,"dog\n', "is not a CSV or TSV table"),
    ],
)
def test_not_a_table(folder, content, message):
    (folder / "odd.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"odd\.csv' .*{message}|{message}"):
        load_audio_table(folder / "odd.csv")


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        ("name,label\nx,y\n", {}, r"has no column 'path', .* its columns are \['name', 'label'\]\. Pass path="),
        ("path,kind\nx,y\n", {}, r"has no column 'label', .* its columns are \['path', 'kind'\]\. Pass label="),
        (ONE_LABEL, {"path": "pfad"}, r"has no column 'pfad'; its columns are \['path', 'label'\]"),
        (ONE_LABEL, {"label": "art"}, r"has no column 'art'"),
        (ONE_LABEL, {"label": ["label", "art"]}, r"has no column 'art'"),
        (ONE_LABEL, {"group": "speaker"}, r"has no column 'speaker'"),
        (ONE_LABEL, {"start": "a", "end": "b"}, r"has no column 'a'"),
    ],
)
def test_missing_column(write, text, parameters, message):
    with pytest.raises(ValueError, match=message):
        load_audio_table(write(text), **parameters)


@pytest.mark.parametrize("column", ["path", "label", "group"])
def test_nothing_in_a_cell(column):
    table = frame(label=["x", "y", "x"], group=["1", "2", "3"])
    table.loc[1, column] = None
    with pytest.raises(ValueError, match=rf"row 1 of the table has nothing in the column '{column}'"):
        load_frame(table)


def test_missing_recordings(write):
    rows = "".join(f"wav/x{i}.wav,{label}\n" for i, label in enumerate("abcde"))
    with pytest.raises(AudioReadError, match=r"5 recording\(s\) of .* do not exist: .*x0.*x1.*x2\.wav', \.\.\.\. Rel"):
        load_audio_table(write(ONE_LABEL + rows))
    assert len(load_audio_table(write(ONE_LABEL + rows), check_files=False).data) == 8


def test_paths_as_windows_writes_them(write, folder):
    table = write("path,label\nwav\\a.wav,dog\nwav\\b.wav,cat\n")
    match = r"2 recording\(s\) .* It is written as on Windows; here the separator is a slash: '.*wav/a\.wav'\."
    with pytest.raises(AudioReadError, match=match):
        load_audio_table(table)


def test_one_class():
    with pytest.raises(ValueError, match="the table holds one class, 'x'; a classifier needs at least two"):
        load_frame(frame(label=["x", "x", "x"]))


# ---- real tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_clips", "n_classes", "group"),
    [("digits", 800, 10, "speaker"), ("commands", 540, 20, "speaker"), ("environment", 180, 10, "fold")],
)
def test_real_table(shared_data, name, n_clips, n_classes, group):
    clips = load_audio_table(shared_data / name / "labels.csv", group=group)
    assert clips.data.shape == (n_clips,)
    assert len(clips.target_names) == n_classes
    assert len(clips.groups) == n_clips


def test_real_multilabel_table_says_the_same_twice(shared_data):
    table = shared_data / "multilabel" / "labels.csv"
    clips = load_audio_table(table)
    again = load_audio_table(table, label=clips.target_names.tolist())
    assert clips.target.shape == (150, 12)
    assert np.array_equal(clips.target, again.target)


def test_real_events_are_spans(shared_data):
    clips = load_audio_table(shared_data / "scenes" / "events.csv")
    assert list(clips.data) == ["path", "start", "end"]
    assert (clips.data["end"] > clips.data["start"]).all()


@pytest.mark.parametrize("format", ["audacity", "raven", "textgrid", "rttm"])
def test_events_of_annotations_are_clips(tmp_path, monkeypatch, format):
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / "a.wav", np.zeros(3000), 1000)
    events = pd.DataFrame({"path": "a.wav", "start": [0.5, 2.0], "end": [1.0, 2.5], "label": ["dog", "cat"]})
    annotations.write(events, f"a{FORMATS[format].suffix}", format)
    clips = load_audio_table(f"a{FORMATS[format].suffix}")
    assert clips.target.tolist() == ["dog", "cat"]
    assert clips.data["path"].tolist() == [str(tmp_path / "a.wav")] * 2
    assert clips.data[["start", "end"]].to_numpy().tolist() == [[0.5, 1.0], [2.0, 2.5]]
    assert load_audio_table(annotations.read(f"a{FORMATS[format].suffix}")).target.tolist() == ["dog", "cat"]
