"""Functions and files of the package that a call goes through, counted with `sys.setprofile`.

    python benchmarks/hops.py
    python benchmarks/hops.py --list

Two journeys: two WAV files through `VGGishEmbedder.transform` with a network that is already built, and
`CNNClassifier.fit` over frames until the first step of training. Background threads are counted, too. `--list` names
the files, each with its functions.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import soundfile

import sklearn_audio
from sklearn_audio import CNNClassifier, VGGishEmbedder

PACKAGE = str(Path(sklearn_audio.__file__).parent)
# Bodies of comprehensions and of modules are no functions that a reader jumps to.
NOT_NAMED = ("<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>", "<module>")


class Reached(Exception):
    """Ends a journey."""


class Hops:
    """Counts the distinct functions of the package that run, by file."""

    def __init__(self) -> None:
        self.functions: defaultdict[str, set[str]] = defaultdict(set)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE) and code.co_name not in NOT_NAMED:
            self.functions[code.co_filename[len(PACKAGE) + 1 :]].add(code.co_qualname)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count in this thread and in those that start meanwhile."""
        threading.setprofile(self)
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def report(self, name: str, *, listed: bool) -> None:
        n_functions = sum(map(len, self.functions.values()))
        print(f"{name}: {n_functions} functions in {len(self.functions)} files")
        for file, functions in sorted(self.functions.items()) if listed else ():
            print(f"    {file}: {', '.join(sorted(functions))}")


def hops_of(call: Callable[[], Any]) -> Hops:
    """Count the hops of a call, up to its end or to where it raises `Reached`."""
    hops = Hops()
    try:
        with hops.counting():
            call()
    except Reached:
        pass
    return hops


def transform_files() -> Hops:
    """Two WAV files to embeddings; random weights, which are built by a call before."""
    embedder = VGGishEmbedder(weights=None)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{name}.wav") for name in ("first", "second")]
        for path in paths:
            soundfile.write(path, rng.normal(scale=0.1, size=24000), 16000)
        embedder.transform(paths)
        return hops_of(lambda: embedder.transform(paths))


def fit_to_first_step() -> Hops:
    """Frames of eight clips to the first step of training."""
    from sklearn_audio.engine.training import Net

    def stop(*args: Any, **kwargs: Any) -> None:
        sys.setprofile(None)  # how callers clean up after the error is not part of the journey
        raise Reached

    X = [np.random.default_rng(i).normal(size=(40, 32)).astype(np.float32) for i in range(8)]
    classifier = CNNClassifier(max_epochs=1, random_state=0)
    classifier.fit(X, ["low", "high"] * 4)  # what is imported at the first call is not counted
    train_step, Net.train_step = Net.train_step, stop  # type: ignore[method-assign]
    try:
        return hops_of(lambda: classifier.fit(X, ["low", "high"] * 4))
    finally:
        Net.train_step = train_step  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the files and their functions")
    listed = parser.parse_args().list
    transform_files().report("VGGishEmbedder.transform of two WAV files", listed=listed)
    fit_to_first_step().report("CNNClassifier.fit until the first training step", listed=listed)


if __name__ == "__main__":
    main()
