"""A forked child computes to the end."""

import os
import subprocess
import sys
import threading

import pytest

from sklearn_audio._forks import ForkSafeLock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

# a child that hangs is ended by its alarm
CHILD = """
import os, signal, threading
import numpy as np
import torch
from sklearn_audio import KMeansAudioTokenizer, MelSpectrogramTransformer

torch.set_num_threads(2)
large, transformer = torch.ones(600, 600), MelSpectrogramTransformer()
frames = list(np.random.default_rng(0).standard_normal((6, 500, 8)).astype(np.float32))

def work():
    large @ large
    transformer.transform([np.zeros(22050, np.float32)])
    KMeansAudioTokenizer(4, random_state=0).fit(frames).transform(frames)

work()
child = os.fork()
if child == 0:
    signal.alarm(60)
    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    os._exit(0 if torch.get_num_threads() == 1 else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), torch.get_num_threads())
"""


def test_a_child_computes_with_one_thread_and_its_parent_with_all():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"},
    )
    assert run.stdout.split() == ["0", "2"], run.stderr


def test_a_lock_that_another_thread_holds_is_free_in_the_child():
    lock, held, over = ForkSafeLock(), threading.Event(), threading.Event()

    def hold():
        with lock._lock:
            held.set()
            over.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(60)
    try:
        lock.free()  # what the child does
        with lock:
            pass
    finally:
        over.set()
        other.join()


def test_a_lock_that_the_forking_thread_holds_stays_held():
    lock = ForkSafeLock()
    with lock:
        lock.free()
        seen = []
        other = threading.Thread(target=lambda: seen.append(lock._lock.acquire(blocking=False)))
        other.start()
        other.join()
    assert seen == [False]
