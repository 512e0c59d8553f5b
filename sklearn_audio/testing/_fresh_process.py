"""A fresh process in which pickles are loaded and used.

Starting an interpreter and importing torch takes seconds, so it happens once: the process forks for each pickle, so
that pickles of different checks do not affect each other.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast

import numpy.typing as npt
import torch

import sklearn_audio
from sklearn_audio.testing._probes import outputs
from sklearn_audio.testing._refusals import FAILURES

# Torch imports it, which takes seconds, when a network computes on "meta" and when an optimiser is created.
LATE_IMPORTS = ("torch._dynamo",)


def outputs_in_fresh_process(fitted: Any, X: Any) -> list[npt.NDArray[Any]]:
    """Pickle an estimator and X, and compute the outputs in a fresh process."""
    n_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sent").write_bytes(pickle.dumps((fitted, X)))
        orders, answers = _waiting_process(os.getpid(), n_threads, os.environ.get("PYTHONPATH"))
        order = {"folder": folder, "here": os.getcwd(), "n_threads": n_threads, "environment": {**os.environ}}
        orders.write(json.dumps(order) + "\n")
        orders.flush()
        status, report = answers.readline(), Path(folder) / "report"
        if status != "0\n":
            reason = report.read_text() if report.exists() else f"it ended with status {status}"
            raise AssertionError(f"the pickle does not work in a new process:\n{reason}")
        received: list[npt.NDArray[Any]] = pickle.loads((Path(folder) / "received").read_bytes())
        return received


@lru_cache(maxsize=1)
def _waiting_process(parent: int, n_threads: int, python_path: str | None) -> tuple[IO[str], IO[str]]:
    """Start the process, or restart it if its environment has changed; it ends with this process."""
    environment = os.environ | {"OMP_NUM_THREADS": str(n_threads)}
    command = [sys.executable, "-c", f"from {__name__} import wait; wait()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    atexit.register(process.communicate)
    return cast(IO[str], process.stdin), cast(IO[str], process.stdout)


def wait() -> None:
    """Run each order in a fork, if available, and print its exit status."""
    for name in dir(sklearn_audio):  # import once instead of in every fork
        getattr(sklearn_audio, name)
    for name in LATE_IMPORTS:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork() if hasattr(os, "fork") else None
        if child == 0:
            os._exit(_follow(**json.loads(line)))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else _follow(**json.loads(line))
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def _follow(folder: str, here: str, n_threads: int, environment: dict[str, str]) -> int:
    """Load a pickle and write the outputs, or an error report."""
    try:
        os.chdir(here)
        os.environ.update(environment)
        torch.set_num_threads(n_threads)
        with contextlib.redirect_stdout(sys.stderr):
            received = outputs(*pickle.loads((Path(folder) / "sent").read_bytes()))
        (Path(folder) / "received").write_bytes(pickle.dumps(received))
    except (*FAILURES, ImportError):
        (Path(folder) / "report").write_text(traceback.format_exc())
        return 1
    return 0
