"""Rows that are kept in memory, or in a file without a name."""

import gc
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sklearn_audio.engine.training import ScratchValues, store_rows

ROWS = [np.full((n, 2), n, dtype=np.float32) + np.arange(2, dtype=np.float32) for n in (4, 1, 7, 3)]


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("most_bytes", [None, 0, 45])
def test_stores_rows_in_order(most_bytes, n_jobs):
    view = store_rows(ROWS.__getitem__, 4, (2,), n_jobs=n_jobs, most_bytes=most_bytes)
    assert isinstance(view.values, ScratchValues) == (most_bytes is not None)
    assert all(np.array_equal(view[i], row) for i, row in enumerate(ROWS))
    assert np.array_equal(view[np.array([2, 0])].read(0, 2, 5), ROWS[2][2:5])
    assert view.read(0, 2, 2).shape == (0, 2)


def test_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    n_open = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    view = store_rows(ROWS.__getitem__, 4, (2,), most_bytes=0)
    assert len(view.values) == 15
    if os.name == "posix":
        assert not list(tmp_path.iterdir())
    del view
    gc.collect()
    assert not list(tmp_path.iterdir())
    if n_open is not None:
        assert len(os.listdir("/proc/self/fd")) == n_open


def test_an_error_surfaces_and_ends_the_threads():
    def fail(row):
        if row == 2:
            raise ValueError("row 2 is bad")
        return ROWS[row]

    before = threading.active_count()
    with pytest.raises(ValueError, match="row 2 is bad"):
        store_rows(fail, 4, (2,), n_jobs=2, most_bytes=0)
    assert threading.active_count() == before


def test_threads_may_read_at_once():
    values = ScratchValues((), np.int64)
    values.append(np.arange(10_000))
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda start: values[start : start + 100], range(0, 10_000, 100)))
    assert np.array_equal(np.concatenate(read), np.arange(10_000))


def test_a_file_that_was_cut_is_noticed():
    values = ScratchValues(())
    values.append(np.zeros(10))
    values._file.truncate(8)
    with pytest.raises(OSError, match="shorter than what was written"):
        values[0:10]
