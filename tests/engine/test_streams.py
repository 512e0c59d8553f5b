"""Streams of parts from background threads: order, a bound on memory, errors, an end to every thread."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from sklearn_audio.engine import _clips
from sklearn_audio.engine._clips import ordered_streams

N_JOBS = pytest.mark.parametrize("n_jobs", [None, 2, 3])
# Long enough that a thread which hangs fails the test, and never waited for otherwise.
PATIENCE = 30


def parts_of(n):
    return (np.full(2, i) for i in range(n))


@N_JOBS
@pytest.mark.parametrize("ahead", [0, 5, 1 << 20])
def test_streams_and_their_parts_come_in_order(monkeypatch, n_jobs, ahead):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", ahead)
    lengths = [3, 0, 50, 1, 7] * 4
    got = [
        (n, [part.tolist() for part in parts])
        for n, parts in ordered_streams(lambda n: (n, parts_of(n)), lengths, n_jobs)
    ]
    assert got == [(n, [[i, i] for i in range(n)]) for n in lengths]
    assert not background_threads()


def test_one_job_computes_in_the_calling_thread_and_two_do_not():
    def name(_):
        yield np.array(threading.current_thread().name)

    def names(n_jobs):
        return {str(part) for _, parts in ordered_streams(lambda i: (i, name(i)), range(8), n_jobs) for part in parts}

    assert names(None) == {threading.current_thread().name}
    assert all(thread.startswith("sklearn-audio") for thread in names(2))


def test_a_long_stream_waits_for_whoever_takes_it(monkeypatch):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", 9)
    computed = []

    def count(n):
        for i in range(n):
            computed.append(i)
            yield np.zeros(2)

    for _, parts in ordered_streams(lambda n: (n, count(n)), [100], 2):
        for n_taken, _ in enumerate(parts, start=1):
            time.sleep(0.001)
            # ten values lie ready, two are in the hands of the thread
            assert len(computed) - n_taken <= 6
    assert len(computed) == 100


def test_two_streams_are_computed_at_the_same_time():
    meeting = threading.Barrier(2)

    def meet():
        yield np.array(meeting.wait(PATIENCE))

    # each stream waits for another one; a single thread would never meet it
    streams = ordered_streams(lambda i: (i, meet()), range(2), 2)
    assert sorted(int(part) for _, parts in streams for part in parts) == [0, 1]


@N_JOBS
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_comes_where_its_part_would_have_and_the_next_stream_follows(n_jobs, error):
    def failing(i):
        yield np.zeros(1)
        if i == 1:
            raise error("stream 1")
        yield np.zeros(1)

    streams, got = ordered_streams(lambda i: (i, failing(i)), range(3), n_jobs), []
    for i, parts in streams:
        try:
            got.extend((i, len(part)) for part in parts)
        except error as caught:
            got.append((i, str(caught)))
    assert got == [(0, 1), (0, 1), (1, 1), (1, "stream 1"), (2, 1), (2, 1)]
    assert not background_threads()


@N_JOBS
def test_an_error_before_the_first_part_ends_the_run(n_jobs):
    def start(i):
        if i == 1:
            raise ValueError("item 1")
        return i, parts_of(1)

    streams = ordered_streams(start, range(50), n_jobs)
    assert next(streams)[0] == 0
    with pytest.raises(ValueError, match="item 1"):
        next(streams)
    assert not background_threads()


def test_an_error_of_the_items_ends_threads_that_wait(monkeypatch):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", 0)

    def items():
        yield 50
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        list(ordered_streams(lambda n: (n, parts_of(n)), items(), 2))
    assert not background_threads()


def test_a_stream_left_early_ends_and_the_next_one_follows(monkeypatch):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", 0)
    got = [(i, next(parts).tolist()) for i, parts in ordered_streams(lambda i: (i, parts_of(100)), range(20), 2)]
    assert got == [(i, [0, 0]) for i in range(20)]
    assert not background_threads()


@pytest.mark.parametrize("n_taken", [0, 1, 3])
def test_closing_ends_threads_that_wait(monkeypatch, n_taken):
    monkeypatch.setattr(_clips, "_AHEAD_VALUES", 0)
    ended = []

    def endless(i):
        try:
            while True:
                yield np.zeros(1)
        finally:
            ended.append(i)

    streams = ordered_streams(lambda i: (i, endless(i)), range(100), 2)
    for _ in range(n_taken):
        next(next(streams)[1])
    streams.close()
    assert not background_threads()
    gc.collect()
    assert len(ended) <= n_taken + 2  # and no other was begun


def test_a_taken_part_is_not_kept():
    class Part(np.ndarray):
        pass

    for _, parts in ordered_streams(lambda _: (0, (np.zeros(2).view(Part) for _ in range(2))), range(1), 2):
        part = next(parts)
        gone = weakref.ref(part)
        del part
        assert next(parts).size == 2
        assert gone() is None


def background_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sklearn-audio")]
