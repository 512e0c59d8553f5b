"""CSV, TSV and audformat."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio import annotations
from tests.annotations.texts import rows, table


def read(tmp_path, text, *args, **options):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return annotations.read(tmp_path / "a.csv", *args, **options)


@pytest.mark.parametrize(
    "text",
    [
        "path,start,end,label\na.wav,0.5,1.25,dog\n",
        "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.25\tdog\n",
        "Start (s),End (s),Common name,File\n0.5,1.25,dog,a.wav\n",
        "file;begin_time;end_time;species\na.wav;0.5;1.25;dog\n",
        "file,start,duration,class\na.wav,0.5,0.75,dog\n",
        "file,start,end,emotion\na.wav,0 days 00:00:00.5,0 days 00:00:01.250000,dog\n",
    ],
)
def test_names_of_the_field(tmp_path, text):
    assert rows(read(tmp_path, text)) == [("a.wav", 0.5, 1.25, "dog")]


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_a_table_is_read_back(tmp_path, format):
    given = table(
        ("a, b.wav", 0.1, 1 / 3, "007"),
        ("ä.wav", 1.0, np.nan, 'say "hi",\tplease'),
        ("c.wav", 2.0, 2.0, "two\nlines\rthree"),
        score=[0.1 + 0.2, np.nan, 1e-300],
        code=["01", "02", "3"],
        n=[1, 2, 3],
        good=[True, False, True],
        note=["NA", "", " x "],
    )
    file = tmp_path / f"b.{format}"
    annotations.write(given, file)
    pd.testing.assert_frame_equal(annotations.read(file), given, check_exact=True, check_dtype=False)
    assert annotations.read(file).dtypes[["score", "n", "good"]].map(str).tolist() == ["float64", "int64", "bool"]


def test_durations_add_in_decimals(tmp_path):
    assert read(tmp_path, "path,start,duration,label\na.wav,0.1,0.2,dog\n")["end"].tolist() == [0.3]


def test_a_column_of_labels_can_be_named(tmp_path):
    text = "file,start,end,label,genus\na.wav,0,1,robin,Erithacus\n"
    events = read(tmp_path, text, label="genus")
    assert rows(events, "label", "label_other") == [("Erithacus", "robin")]
    with pytest.raises(ValueError, match="have no column 'order'"):
        read(tmp_path, text, label="order")


def test_segments_of_audformat(tmp_path):
    given = table(("a.wav", 0.1, 0.3, "dog"), ("b.wav", 1.0, np.nan, "007"), n=[1, 2])
    annotations.write(given, tmp_path / "b.csv", "audformat")
    assert (tmp_path / "b.csv").read_text().splitlines()[0] == "file,start,end,label,n"
    for format in ("auto", "audformat"):
        pd.testing.assert_frame_equal(
            annotations.read(tmp_path / "b.csv", format), given, check_exact=True, check_dtype=False
        )


def test_tables_of_whole_files(tmp_path):
    events = read(tmp_path, "file,emotion\na.wav,sad\n", "audformat")
    assert rows(events.fillna(-1)) == [("a.wav", 0.0, -1.0, "sad")]
    with pytest.raises(ValueError, match="have no column 'start'"):
        read(tmp_path, "file,emotion\na.wav,sad\n")


def test_the_index_of_audformat_as_an_object():
    given = table(n=[1, 2, 3, 4]).assign(start=[0.1, 0.5, 2.5, 2.7])
    segments = annotations.to_segments(given)
    assert segments.index.names == ["file", "start", "end"]
    assert [str(dtype) for dtype in segments.index.dtypes] == ["string", "timedelta64[ns]", "timedelta64[ns]"]
    assert list(segments.columns) == ["label", "n"]
    assert rows(annotations.read(segments), *given.columns) == rows(given, *given.columns)
    assert rows(annotations.read(segments["label"])) == rows(given)
    assert rows(annotations.read(segments.index), "path", "start", "end") == rows(given, "path", "start", "end")


def test_no_end_is_no_time():
    segments = annotations.to_segments(table(("a.wav", 0.0, np.nan, "dog")))
    assert segments.index.get_level_values("end").isna().all()
    assert annotations.read(segments)["end"].isna().all()


def test_what_audformat_writes(tmp_path):
    audformat = pytest.importorskip("audformat", reason="audformat is not installed")
    database = audformat.Database("test")
    index = audformat.segmented_index(["a.wav", "b.wav"], ["0.1s", "1s"], ["0.3s", pd.NaT])
    database["events"] = audformat.Table(index)
    database["events"]["emotion"] = audformat.Column()
    database["events"]["emotion"].set(["sad", "007"])
    database.save(str(tmp_path), storage_format="csv")
    events = annotations.read(tmp_path / "db.events.csv")
    assert rows(events.fillna(-1)) == [("a.wav", 0.1, 0.3, "sad"), ("b.wav", 1.0, -1.0, "007")]
    pd.testing.assert_index_equal(annotations.to_segments(events).index, index)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,start,label\na.wav,0,dog\n", r"have no column 'end'; their columns are \['path', 'start', 'label'\]"),
        ("path,start,end,a,b\na.wav,0,1,x,y\n", r"have no column 'label'.*Pass label="),
        ("path,start,end,label\na.wav,0,1,x\nb.wav,0:x,1,x\n", r"row 1 of .* has '0:x' in the column 'start'"),
        ("path,start,end,label\na.wav,0,nan,x\n", r"row 0 of .* has 'nan' in the column 'end'"),
        ("path,start,end,label\na.wav,0,inf,x\n", r"row 0 of .* ends at inf s; leave the end empty"),
        ("path,start,end,label\na.wav,2,1,x\na.wav,2,1,x\n", r"row 0 .* Swap or repair the times\. \(1 more such rows"),
        ("path,start,end,label\na.wav,0,1,x,y,z\n", r"more fields than its header"),
    ],
)
def test_damage(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)
