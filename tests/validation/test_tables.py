"""Columns and tables of libraries that need not be installed, by classes that have of theirs what is looked at."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from sklearn_audio.validation import container_kind

PATHS, SPANS = ["a.wav", "b.wav"], {"path": ["a.wav", "b.wav"], "start": [0.5, 1.0], "end": [1.0, None]}


class Type(str):
    """A type that is known by its name, such as polars' String and Arrow's double."""


class Column:
    """polars' Series and Arrow's arrays: iterable, with a type, and an array of NumPy on request."""

    def __init__(self, items, dtype="String"):
        self.items, self.dtype = list(items), Type(dtype)

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.items, dtype=object if self.dtype == "String" else dtype)


def types_of(columns):
    return [Type("String" if isinstance(items[0], str) else "Float64") for items in columns.values()]


class PolarsFrame:
    def __init__(self, columns):
        self._columns, self._types = columns, types_of(columns)

    columns = property(lambda self: list(self._columns))
    dtypes = property(lambda self: self._types)

    def __len__(self):
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name):
        items = self._columns[name]
        return Column(items, "String" if isinstance(items[0], str) else "Object")


class LazyFrame(PolarsFrame):
    def collect(self):
        raise AssertionError("computed without being asked")


class ArrowTable(PolarsFrame):
    column_names = property(lambda self: list(self._columns))
    columns = property(lambda self: [self[name] for name in self._columns])
    schema = property(lambda self: SimpleNamespace(types=self._types))
    dtypes = None


class Dataset(PolarsFrame):
    """Hugging Face's: its features tell the types."""

    column_names = property(lambda self: list(self._columns))
    columns = dtypes = None
    features = property(
        lambda self: {n: SimpleNamespace(dtype=t) for n, t in zip(self._columns, self._types, strict=True)}
    )


class AudioColumn:
    """Hugging Face's column of recordings, which would decode each row that is asked for."""

    column_name = "audio"

    def __init__(self, rate=None, *, decode=True):
        self.features = AudioFeature(decode=decode, rate=rate)
        self.source = SimpleNamespace(
            format={"type": None}, cast_column=lambda _, feature: {"audio": RAW[feature.decode]}
        )

    def __len__(self):
        return 2

    def __iter__(self):
        raise AssertionError("opened all decoders at once")

    def __getitem__(self, row):
        return SimpleNamespace(get_all_samples=lambda: f"samples of {row}")


class AudioFeature:
    num_channels: ClassVar[None] = None

    def __init__(self, decode=True, rate=None):
        self.decode, self.sampling_rate = decode, rate


RAW = {False: [{"path": path, "bytes": None} for path in PATHS]}


def test_columns_of_paths():
    assert container_kind(Column(PATHS)) == ("rows", PATHS)


TABLES = pytest.mark.parametrize("table", [PolarsFrame, ArrowTable, Dataset])


@TABLES
def test_tables_of_one_column(table):
    assert container_kind(table({"file": PATHS})) == ("rows", PATHS)


@TABLES
def test_tables_of_parts(table):
    assert container_kind(table(SPANS)) == ("rows", [("a.wav", 0.5, 1.0), ("b.wav", 1.0, None)])


@TABLES
def test_tables_of_numbers_are_arrays(table):
    assert container_kind(table({"x0": [0.0, 1.0], "x1": [2.0, 3.0]}))[0] == "array"


@TABLES
def test_tables_of_other_columns_are_refused(table):
    with pytest.raises(ValueError, match=rf"a {table.__name__} of clips has one column, or the columns path"):
        container_kind(table({"path": PATHS, "speaker": ["x", "y"]}))


def test_tables_that_are_not_computed_are_refused():
    with pytest.raises(TypeError, match=r"whose rows are not computed yet\. Compute them: X\.collect\(\)"):
        container_kind(LazyFrame({"path": PATHS}))


def test_recordings_are_not_decoded_before_they_are_read():
    assert container_kind(AudioColumn()) == ("rows", RAW[False])


def test_decoders_open_one_by_one():
    kind, rows = container_kind(AudioColumn(rate=16000))
    assert (kind, len(rows)) == ("rows", 2)
    assert [row.get_all_samples() for row in rows] == ["samples of 0", "samples of 1"]
