"""The kinds of X, and values that are no X at all."""

import io
from array import array
from collections import UserDict, UserList, deque
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from sklearn_audio import Ragged
from sklearn_audio.validation import container_kind

PATHS = ["a.wav", "b.wav"]
CLIPS = [np.zeros(5), np.zeros(3)]


@pytest.mark.parametrize(
    ("X", "wanted"),
    [
        (PATHS, PATHS),
        (tuple(PATHS), tuple(PATHS)),
        (np.array(PATHS), PATHS),
        (np.array(PATHS, dtype="S"), [b"a.wav", b"b.wav"]),
        (np.array(PATHS, dtype=object)[:, None], PATHS),
        (np.array([Path("a.wav"), "b.wav"], dtype=object), [Path("a.wav"), "b.wav"]),
        (pd.Series(PATHS, index=[7, 3]), PATHS),
        (pd.Series(PATHS, dtype="string"), PATHS),
        (pd.DataFrame({"file": PATHS}), PATHS),
        (UserList(PATHS), PATHS),
        (
            pd.DataFrame({"path": PATHS, "start": [0.0, 1.0], "end": [1.0, 2.0]}),
            [("a.wav", 0.0, 1.0), ("b.wav", 1.0, 2.0)],
        ),
        (pd.DataFrame({"path": PATHS, "start": 0, "end": 1}, index=[4, 2]), [("a.wav", 0, 1), ("b.wav", 0, 1)]),
        ([("a.wav", 0.0, 1.0)], [("a.wav", 0.0, 1.0)]),
        ([b"RIFF", b"RIFF"], [b"RIFF", b"RIFF"]),
    ],
)
def test_sequences_of_clips(X, wanted):
    kind, rows = container_kind(X)
    assert kind == "rows"
    assert rows == wanted


@pytest.mark.parametrize("X", [CLIPS, tuple(CLIPS), pd.Series(CLIPS), np.array(CLIPS, dtype=object)])
def test_sequences_of_arrays(X):
    kind, rows = container_kind(X)
    assert kind == "rows"
    assert [row is clip for row, clip in zip(rows, CLIPS, strict=True)] == [True, True]


@pytest.mark.parametrize("clip", [{"array": np.zeros(3), "sampling_rate": 8000}, (np.zeros(3), 8000), io.BytesIO(b"x")])
def test_rows_of_every_kind(clip):
    assert container_kind([clip, clip]) == ("rows", [clip, clip])


def test_rows_of_one_length_stay_rows():
    # decided by the container and its first element, never by whether lengths happen to agree
    rows = [np.zeros(5), np.zeros(5)]
    assert container_kind(rows) == ("rows", rows)


def test_ragged_is_rows():
    ragged = Ragged.from_list(CLIPS)
    assert container_kind(ragged) == ("rows", ragged)


class WithInterface:
    def __init__(self):
        self.values = np.zeros((2, 3))
        self.__array_interface__ = self.values.__array_interface__


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((2, 3)),
        np.zeros((2, 3), dtype=np.int16),
        np.zeros((2, 3), dtype=object),
        np.zeros(3),
        np.zeros((2, 3, 4)),
        np.array(1.0),
        np.array([["a", "b"], ["c", "d"]]),
        pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 2.0]}),
        pd.DataFrame({"a": [0.0, 1.0]}),
        pd.Series([0.0, 1.0]),
        [[0.0, 1.0], [2.0, 3.0]],
        [(0.0, 1.0), (2.0, 3.0)],
        [[]],
        pd.DataFrame({"read": [0.0], "features": [1.0], "collect": [2.0], "levels": [3.0]}),
        pd.Series([1, 2], dtype="Int64"),
        [np.nan, np.nan],
        [1.0, 2.0],
        [np.float32(1.0)],
        np.zeros((0, 3)),
        scipy.sparse.csr_matrix((2, 3)),
        scipy.sparse.dok_matrix((2, 3)),
        WithInterface(),
        memoryview(array("d", [1.0])).cast("B").cast("d"),
    ],
)
def test_what_scikit_learn_validates(X):
    kind, items = container_kind(X)
    assert kind == "array"
    assert items is X


@pytest.mark.parametrize(
    ("X", "name"),
    [
        ("dog.wav", "str"),
        (Path("dog.wav"), "PosixPath|WindowsPath"),
        (b"RIFF", "bytes"),
        (bytearray(b"RIFF"), "bytearray"),
        (io.BytesIO(b"RIFF"), "BytesIO"),
        ({"array": np.zeros(3), "sampling_rate": 8000}, "dict"),
        ((np.zeros(3), 8000), "tuple"),
        (([0.0, 1.0], 8000), "tuple"),
        (("a.wav", 0.5, 1.0), "tuple"),
        (["a.wav", 0.5, None], "list"),
        (np.array("a.wav"), "ndarray"),
        (UserDict(path="a.wav"), "UserDict"),
    ],
)
def test_one_clip_is_no_sequence(X, name):
    with pytest.raises(
        ValueError, match=rf"X is one clip \(({name})\) where a sequence of clips is expected\. Wrap it"
    ):
        container_kind(X)


@pytest.mark.parametrize("X", [{"a.wav"}, (path for path in PATHS), None, 3, object()])
def test_no_sequence_at_all(X):
    with pytest.raises(TypeError, match=rf"X must be a sequence of clips .*, got {type(X).__name__}\. .* list\(X\)"):
        container_kind(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"path": PATHS, "label": ["x", "y"]}),
        pd.DataFrame({"first": [0.0, 0.0], "second": PATHS}),
    ],
)
def test_a_table_of_more_than_clips(X):
    with pytest.raises(ValueError, match=r"a DataFrame of clips has one column, or .* got \[.*\]\. Pick the column"):
        container_kind(X)


def test_a_table_of_more_than_parts_is_told_its_columns():
    table = pd.DataFrame({"file": PATHS, "start_time": 0.0, "end_time": 1.0, "label": "x"})
    match = r"got \['file', 'start_time', 'end_time', 'label'\]\. Pick .*: X\[\['file', 'start_time', 'end_time'\]\]"
    with pytest.raises(ValueError, match=match):
        container_kind(table)


def test_a_table_says_one_end():
    with pytest.raises(ValueError, match="X has the columns 'end' and 'duration'; a part has an end or a duration"):
        container_kind(pd.DataFrame({"path": PATHS, "start": 0, "end": 1, "duration": 1}))


@pytest.mark.parametrize(
    "X",
    [
        [],
        (),
        np.array([]),
        np.array([], dtype=object),
        np.array([], dtype=str),
        pd.Series([], dtype=object),
        pd.Series([], dtype=float),
        pd.array([], dtype="Int64"),
        pd.Index([]),
        {}.keys(),
    ],
)
def test_an_empty_container(X):
    with pytest.raises(
        ValueError, match=rf"X holds no clips, it is an empty {type(X).__name__}\. .* at least one clip"
    ):
        container_kind(X)


@pytest.mark.parametrize("dtype", [object, float])
@pytest.mark.parametrize("columns", [["path"], ["path", "label"]])
def test_an_empty_table(columns, dtype):
    with pytest.raises(ValueError, match="X holds no clips, it is an empty DataFrame"):
        container_kind(pd.DataFrame(columns=columns, dtype=dtype))


class WithDtype(list):
    """A column of a library that no one has heard of."""

    dtype = "Utf8"
    ndim = 1


@pytest.mark.parametrize(
    "X",
    [
        deque(PATHS),
        WithDtype(PATHS),
        dict.fromkeys(PATHS).keys(),
        pd.Index(PATHS),
        pd.Series(PATHS).array,
        pd.Categorical(PATHS),
        np.ma.array(PATHS, mask=False),
    ],
)
def test_a_container_of_one_dimension_without_numbers_is_a_list(X):
    assert container_kind(X) == ("rows", PATHS)


@pytest.mark.parametrize("gone", [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT", "s")])
def test_a_missing_clip_at_the_start_leaves_a_list_a_list(gone):
    assert container_kind([gone, "a.wav"]) == ("rows", [gone, "a.wav"])
    assert container_kind(np.array([gone, "a.wav"], dtype=object))[0] == "rows"


@pytest.mark.parametrize("column", [pd.Series([[0.0, 1.0], [2.0]]), pd.DataFrame({"wave": [[0.0, 1.0], [2.0]]})])
def test_a_column_of_lists_is_a_list_of_arrays(column):
    kind, rows = container_kind(column)
    assert kind == "rows"
    assert [np.asarray(row).tolist() for row in rows] == [[0.0, 1.0], [2.0]]


INDEX = pd.MultiIndex.from_arrays([PATHS, [0.0, 1.0], [1.0, 2.0]], names=["file", "start_time", "end_time"])
LABELS = pd.DataFrame({"dog": [0, 1], "rain": [1, 1]}, index=INDEX)


@pytest.mark.parametrize(
    "table", [LABELS, LABELS * 0.3, LABELS.droplevel([1, 2]), LABELS.droplevel([1, 2]) > 0, LABELS["dog"]]
)
def test_labels_are_no_waveforms(table):
    with pytest.raises(
        ValueError, match=r"index names recordings \('file'.*\): labels .* X\.index\.to_frame\(index=False\)"
    ):
        container_kind(table, audio=True)
    assert container_kind(table)[0] == "array"


def test_the_index_of_labels_is_x():
    parts = [("a.wav", 0.0, 1.0), ("b.wav", 1.0, 2.0)]
    assert container_kind(INDEX.to_frame(index=False)) == ("rows", parts)
    assert container_kind(INDEX) == ("rows", parts)
    assert container_kind(INDEX.set_names([None] * 3)) == ("rows", parts)


def test_waveforms_under_names_of_files_are_waveforms():
    table = pd.DataFrame(np.full((2, 3), 0.5), index=pd.Index(PATHS, name="file"))
    assert container_kind(table, audio=True) == ("array", table)


class Lazy:
    columns = ("path",)

    def collect(self):
        pass


def test_rows_that_are_not_computed_yet():
    with pytest.raises(TypeError, match=r"X is a Lazy, whose rows are not computed yet\. Compute them: X\.collect\(\)"):
        container_kind(Lazy())
