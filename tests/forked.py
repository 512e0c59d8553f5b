"""Programs in forks of one process that has imported the library: to start an interpreter and import takes seconds.

A test about the start of an interpreter, or about imports, needs an interpreter of its own.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pkgutil
import runpy
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import reduction
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import IO, Any

import sklearn_audio
from sklearn_audio.testing._fresh_process import LATE_IMPORTS


def run(command: Sequence[Any], *, text: bool = True, check: bool = False, **options: Any) -> Any:
    """Run a command as `subprocess.run` does with capture_output; `start` has the options."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(command, **{"stdout": out, "stderr": err} | options)
        process.join(300)
        process.kill()
        process.join()
        out.seek(0)
        err.seek(0)
        written = [file.read() for file in (out, err)]
    done = subprocess.CompletedProcess(command, process.exitcode, *(map(bytes.decode, written) if text else written))
    if check:
        assert done.returncode == 0, done.stderr
    return done


@contextmanager
def reading(command: Sequence[Any], **options: Any) -> Iterator[tuple[BaseProcess, IO[str]]]:
    """Start a command, and give the process and the pipe that it writes to."""
    read, write = os.pipe()
    with open(read) as output:
        with open(write, "wb") as end:
            process = start(command, stdout=end, **options)
        yield process, output
    process.join()


def start(
    command: Sequence[Any],
    *,
    stdout: Any,
    stderr: Any = None,
    env: Mapping[str, str] | None = None,
    closed: int | None = None,
) -> BaseProcess:
    """Start "-m", a module and its arguments, or "-c", a program and its arguments.

    Output goes to open files; `closed` is the number of a stream that the program does not have.
    """
    streams = {number: _Descriptor(file) for number, file in ((1, stdout), (2, stderr)) if file is not None}
    arguments = [os.fsdecode(part) for part in command]
    process = _context().Process(target=_run, args=(arguments, streams, dict(env or os.environ), os.getcwd(), closed))
    process.start()
    return process


@lru_cache(maxsize=1)
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    public = [module.name for module in pkgutil.iter_modules(sklearn_audio.__path__) if module.name[0] != "_"]
    context.set_forkserver_preload(
        ["__main__", *(f"sklearn_audio.{name}" for name in public), "sklearn_audio.cli._train", *LATE_IMPORTS]
    )
    return context


class _Descriptor:
    """The descriptor of a file, which arrives in the fork as a number."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _detached, (reduction.DupFd(self._file.fileno()),)


def _detached(descriptor: Any) -> int:
    return int(descriptor.detach())


def _run(
    command: list[str], streams: dict[int, int], environment: dict[str, str], folder: str, closed: int | None
) -> None:
    import torch

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if (n_threads := int(environment.get("OMP_NUM_THREADS", 0))) not in (0, torch.get_num_threads()):
        torch.set_num_threads(n_threads)
    for number, descriptor in streams.items():
        os.dup2(descriptor, number)
        os.close(descriptor)
    _open_streams(closed)
    kind, program, *sys.argv[1:] = command
    sys.argv[0] = kind
    if kind == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(program, "<string>", "exec"), main.__dict__)


def _open_streams(closed: int | None) -> None:
    """Open the streams anew, as the interpreter does when it starts."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        if number == closed:
            os.close(number)
            stream = None
        else:
            stream = io.TextIOWrapper(io.BufferedWriter(io.FileIO(number, "w", closefd=False)), encoding, errors)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
