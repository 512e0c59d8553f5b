"""What kind of X was passed, and what is no X at all."""

import io
from array import array
from collections import UserList
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
        [],
        [None, "a.wav"],
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
    ],
)
def test_one_clip_is_no_sequence(X, name):
    with pytest.raises(ValueError, match=rf"X is one clip \(({name})\) where a sequence of clips is wanted\. Wrap it"):
        container_kind(X)


@pytest.mark.parametrize("X", [{"a.wav"}, (path for path in PATHS), None, 3, object()])
def test_no_sequence_at_all(X):
    with pytest.raises(TypeError, match=rf"X must be a sequence of clips .*, got {type(X).__name__}\. .* list\(X\)"):
        container_kind(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"path": PATHS, "label": ["x", "y"]}),
        pd.DataFrame({"start": [0.0, 0.0], "path": PATHS, "end": [1.0, 1.0]}),
    ],
)
def test_a_table_of_more_than_clips(X):
    with pytest.raises(ValueError, match=r"a DataFrame of clips has one column, or .* got \[.*\]\. Pick the column"):
        container_kind(X)
