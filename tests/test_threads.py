"""Background threads: order, a bound on memory, errors, cancellation."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from sklearn_audio._threads import ordered_map

# Long enough that a thread which hangs fails the test, and never waited for otherwise.
PATIENCE = 30


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 3, -1])
def test_results_come_in_the_order_of_the_items(n_jobs):
    def slow_first(i):
        time.sleep(0.01 if i % 4 == 0 else 0)
        return i * i

    assert list(ordered_map(slow_first, range(20), n_jobs)) == [i * i for i in range(20)]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_no_items(n_jobs):
    assert list(ordered_map(abs, [], n_jobs)) == []


def test_one_job_runs_in_the_calling_thread_and_two_do_not():
    def name(_):
        return threading.current_thread().name

    assert set(ordered_map(name, range(3), None)) == {threading.current_thread().name}
    assert all(thread.startswith("sklearn-audio") for thread in ordered_map(name, range(8), 2))


def test_threads_work_at_the_same_time():
    meeting = threading.Barrier(2)
    # each call waits for another one; a single thread would never meet it
    assert sorted(ordered_map(lambda _: meeting.wait(PATIENCE), range(2), 2)) == [0, 1]


@pytest.mark.parametrize(("n_jobs", "bound"), [(None, 1), (2, 6), (3, 9)])
def test_few_results_wait_in_memory(n_jobs, bound):
    started = []

    def items():
        for i in range(50):
            started.append(i)
            yield i

    for n_taken, _ in enumerate(ordered_map(abs, items(), n_jobs), start=1):
        assert len(started) - n_taken < bound


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_an_error_comes_where_its_result_would_have(error, n_jobs):
    def work(i):
        if i == 5:
            raise error("item 5")
        return i

    results, got = ordered_map(work, range(100), n_jobs), []
    with pytest.raises(error, match="item 5"):
        got.extend(iter(lambda: next(results), None))
    assert got == [0, 1, 2, 3, 4]
    assert not background_threads()


def test_what_has_not_started_is_cancelled():
    release, done = threading.Event(), []

    def work(i):
        if i == 0:
            raise ValueError("first")
        release.wait(PATIENCE)
        done.append(i)

    results = ordered_map(work, range(100), 2)
    threading.Timer(0.1, release.set).start()
    with pytest.raises(ValueError, match="first"):
        next(results)
    assert len(done) <= 2
    assert not background_threads()


def test_closing_ends_the_threads():
    results = ordered_map(abs, range(100), 2)
    assert next(results) == 0
    results.close()
    assert not background_threads()


def test_an_error_of_the_items_ends_the_threads():
    def items():
        yield -1
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        list(ordered_map(abs, items(), 2))
    assert not background_threads()


OPENMP_THREADS = """
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch
from threadpoolctl import threadpool_info
from sklearn_audio._threads import ordered_map

def counts(_):
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]

before = counts(None)
inside = list(ordered_map(counts, range(4), 2))

def of_a_new_thread(_=None):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()

def of_mkl(_):
    found = re.search(r"mkl_get_max_threads\\(\\) : (\\d+)", torch.__config__.parallel_info())
    return int(found[1]) if found else 1

# each pool starts while the other is at work
both = Barrier(2)
def overlap(_):
    next(results := ordered_map(abs, range(9), 2))
    both.wait(30)
    meanwhile = of_a_new_thread()
    both.wait(30)
    return meanwhile, *results
with ThreadPoolExecutor(2) as pool:
    meanwhile = [result[0] for result in pool.map(overlap, range(2))]
torch.set_num_threads(2)
of_mkl_within = list(ordered_map(of_mkl, range(4), 2))
of_torch = [*meanwhile, of_a_new_thread(), torch.get_num_threads()]
print(before, *inside, of_mkl_within, counts(None), of_torch, sep=";")
"""


def test_a_worker_has_one_openmp_thread_and_the_caller_keeps_its_own():
    # in a process of its own, because the tests run with one thread throughout
    run = subprocess.run(
        [sys.executable, "-c", OPENMP_THREADS],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    before, *inside, after, of_torch = (json.loads(counts) for counts in run.stdout.split(";"))
    if not before:
        pytest.skip("torch is built without OpenMP here")
    # in threads new to torch while workers work, in one after that, and in the caller
    assert of_torch == [2, 2, 2, 2]
    assert set(before) == set(after) == {2}
    assert [set(counts) for counts in inside] == [{1}] * 5  # the last ones are those of MKL


THREADS_OF_MKL = """
import re
import torch
from threadpoolctl import threadpool_limits
from sklearn_audio._threads import ordered_map

def count():
    found = re.search(r"mkl_get_max_threads\\(\\) : (\\d+)", torch.__config__.parallel_info())
    return int(found[1]) if found else None

before = count()
with threadpool_limits(2, "openmp"):
    list(ordered_map(abs, [-1, -2], 2))
    print(before, count())
"""


def test_threads_of_mkl_stay_those_of_openmp():
    # in a process of its own, where nobody has set a number
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", THREADS_OF_MKL], capture_output=True, text=True, check=True, env=environment
    )
    if "None" in run.stdout:
        pytest.skip("torch is built without MKL here")
    assert run.stdout.split() == ["1", "2"]


def background_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sklearn-audio")]


def test_work_without_torch_does_not_load_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    assert list(ordered_map(abs, [-1, -2], 2)) == [1, 2]
    assert "torch" not in sys.modules
