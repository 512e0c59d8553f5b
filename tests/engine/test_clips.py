"""One ragged row per clip: errors, NaN, threads, progress."""

import threading

import numpy as np
import pytest

from sklearn_audio.engine import _clips
from sklearn_audio.engine._clips import ClipErrors, collect_rows
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.validation import check_audio

N_JOBS = pytest.mark.parametrize("n_jobs", [None, 2])


def clips_of(*lengths):
    return check_audio([np.full(n, n, dtype=np.float32) for n in lengths], 8000, bare_rate=8000)


def pairs(clips):
    """Two equal numbers per timepoint, in two pieces per block."""

    def extract(row):
        for block in clips.stream(row):
            frames = np.stack([block, block], axis=1)
            yield frames[:1]
            yield frames[1:]

    return extract


def failing(clips, bad, error, *, pieces_before=0):
    def extract(row):
        for _ in range(pieces_before if row == bad else 0):
            yield np.ones(3, dtype=np.float32)
        if row == bad:
            raise error
        yield from clips.stream(row)

    return extract


@N_JOBS
def test_rows(n_jobs):
    clips = clips_of(3, 1, 5, 2)
    rows, failed = collect_rows(clips, pairs(clips), item_shape=(2,), n_jobs=n_jobs)
    assert failed == []
    assert rows.dtype == np.float32
    assert [row.tolist() for row in rows] == [[[n, n]] * n for n in (3, 1, 5, 2)]


@N_JOBS
def test_long_rows_come_in_pieces(monkeypatch, n_jobs):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", 3)

    def extract(row):
        for i in range(10):
            yield np.full(2, 10 * row + i, dtype=np.float32)

    rows, _ = collect_rows(clips_of(1, 1, 1), extract, item_shape=(), n_jobs=n_jobs)
    assert [row.tolist() for row in rows] == [np.repeat(np.arange(10) + 10 * r, 2).tolist() for r in range(3)]


@N_JOBS
def test_complete_changes_the_finished_row_and_no_failed_one(n_jobs):
    clips, lengths = clips_of(3, 1, 5), []

    def complete(row):
        lengths.append(len(row))
        row *= -1

    extract = failing(clips, 1, ValueError("bad"))
    with pytest.warns(UserWarning, match="bad"):
        rows, _ = collect_rows(clips, extract, item_shape=(), complete=complete, n_jobs=n_jobs, on_error="nan")
    assert lengths == [3, 5]
    np.testing.assert_array_equal(rows.values, [-3, -3, -3, np.nan, -5, -5, -5, -5, -5])


@N_JOBS
@pytest.mark.parametrize("error", [AudioReadError("row 1: x"), ValueError("row 1: x"), TypeError("row 1: x")])
@pytest.mark.parametrize("pieces_before", [0, 2])
@pytest.mark.parametrize("ahead", [0, 1 << 21])
def test_a_failed_row_becomes_one_item_of_nan(monkeypatch, n_jobs, error, pieces_before, ahead):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", ahead)
    clips = clips_of(2, 3, 1)
    extract = failing(clips, 1, error, pieces_before=pieces_before)
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used and became NaN:\n  row 1: x") as caught:
        rows, failed = collect_rows(clips, extract, item_shape=(), n_jobs=n_jobs, on_error="nan")
    assert len(caught) == 1
    assert failed == [1]
    np.testing.assert_array_equal(rows.values, [2, 2, np.nan, 1])
    assert rows.lengths.tolist() == [2, 1, 1]


def test_one_warning_lists_every_failed_row():
    clips = clips_of(2, 0, 1, 0)
    with pytest.warns(UserWarning, match="became NaN") as caught:
        rows, failed = collect_rows(clips, pairs(clips), item_shape=(2,), on_error="nan")
    assert [str(entry.message) for entry in caught] == [
        "2 clip(s) could not be used and became NaN:\n"
        "  row 1: the clip has no samples. Leave it out.\n"
        "  row 3: the clip has no samples. Leave it out."
    ]
    assert failed == [1, 3]
    assert rows.lengths.tolist() == [2, 1, 1, 1]
    assert np.isnan(rows[1]).all()
    assert rows[3].shape == (1, 2)


@N_JOBS
@pytest.mark.parametrize("error", [AudioReadError("row 1: x"), ValueError("row 1: x"), TypeError("row 1: x")])
def test_the_first_failure_ends_the_run(n_jobs, error):
    clips = clips_of(2, 3, 1)
    with pytest.raises(type(error), match="row 1: x"):
        collect_rows(clips, failing(clips, 1, error), item_shape=(), n_jobs=n_jobs)
    assert not worker_names()


@N_JOBS
@pytest.mark.parametrize("on_error", ["raise", "nan"])
@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), MemoryError("stop"), ZeroDivisionError("stop")])
@pytest.mark.parametrize("ahead", [0, 1 << 21])
def test_what_is_no_fault_of_a_clip_always_surfaces(monkeypatch, n_jobs, on_error, error, ahead):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", ahead)
    clips = clips_of(*range(1, 20))
    extract = failing(clips, 3, error, pieces_before=2)
    with pytest.raises(type(error), match="stop"):
        collect_rows(clips, extract, item_shape=(), n_jobs=n_jobs, on_error=on_error)
    assert not worker_names()


@pytest.mark.parametrize("verbose", [0, 1])
def test_an_error_in_the_calling_thread_ends_the_background_threads(monkeypatch, verbose):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", 0)
    clips, started = clips_of(*[1] * 50), []

    def extract(row):
        started.append(row)
        yield np.ones(2, dtype=np.float32)
        raise ValueError(f"row {row}: late")

    with pytest.raises(ValueError, match="row 0: late") as caught:
        collect_rows(clips, extract, item_shape=(), n_jobs=2, verbose=verbose)
    # while the error is looked at, nothing runs on behind it
    assert caught.value is not None
    assert not worker_names()
    assert len(started) <= 7


def test_progress(capfd):
    clips = clips_of(1, 2, 3)
    collect_rows(clips, clips.stream, item_shape=(), description="Testing")
    assert capfd.readouterr() == ("", "")
    collect_rows(clips, clips.stream, item_shape=(), verbose=1, description="Testing")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("Testing: 100%") == 1
    assert "3/3" in err


def test_errors_are_quiet_where_there_are_none():
    errors = ClipErrors("nan")
    errors.warn()
    assert errors.rows == []
    assert ClipErrors("raise").caught == ()


def worker_names():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sklearn-audio")]
