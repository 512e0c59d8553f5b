"""The folder that `train --log` writes: configuration, versions, data, scores and history of a training."""

from __future__ import annotations

import json
import os
import platform
import shutil
from argparse import Namespace
from collections.abc import Iterable
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from sklearn_audio._atomic import written_whole
from sklearn_audio._version import __version__
from sklearn_audio.cli._data import is_multilabel
from sklearn_audio.cli._recipe import used_config

_FACTS = "experiment.json"
_PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "torch", "soundfile", "soxr")


class Experiment(NamedTuple):
    """Results of a training; `scores` has a row per method, setting and fold."""

    facts: dict[str, Any]
    scores: pd.DataFrame
    groups: pd.DataFrame | None
    program: str
    model: Any


def check_log(folder: Path, *, force: bool) -> None:
    """Raise, before any work is done, for a folder that cannot or must not be written."""
    if not folder.name:
        raise ValueError("--log is empty; name a folder. Is a variable not set?")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--log {str(folder)!r} is a file; name a folder.")
    if not folder.parent.is_dir():
        raise OSError(f"cannot write --log {str(folder)!r}: the folder {str(folder.parent)!r} does not exist.")
    if not os.access(folder.parent, os.W_OK):
        raise OSError(f"cannot write --log {str(folder)!r}: the folder {str(folder.parent)!r} is not writable.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / _FACTS).is_file():
        raise ValueError(f"--log {str(folder)!r} holds other files; name a new folder.")
    if not force:
        raise ValueError(f"--log {str(folder)!r} exists; name another folder, or replace it with --force.")


def write_log(folder: Path, experiment: Experiment) -> None:
    """Write the folder whole: it gets its name at the end."""
    with written_whole(folder) as unfinished:
        unfinished.mkdir()
        (unfinished / _FACTS).write_text(json.dumps(experiment.facts, ensure_ascii=False, indent=1) + "\n", "utf-8")
        (unfinished / "program.py").write_text(experiment.program + "\n", "utf-8")
        tables = {"scores": experiment.scores, "groups": experiment.groups, "history": _history(experiment.model)}
        for name, table in tables.items():
            if table is not None and len(table):
                table.to_csv(unfinished / f"{name}.csv", index=False, lineterminator="\n")
        if folder.is_dir():  # of an earlier training, with --force
            shutil.rmtree(folder)


def facts_of(clips: Bunch, digests: NDArray[np.uint64], options: Namespace) -> dict[str, Any]:
    """Return the configuration, the versions and the data of a training."""
    return {
        "data": {"source": options.data, "n_recordings": len(clips.data), "hash": data_hash(clips, digests)},
        "config": used_config(options),
        "versions": {"sklearn-audio": __version__, "python": platform.python_version(), **dict(_versions())},
        "platform": platform.platform(),
    }


def data_hash(clips: Bunch, digests: NDArray[np.uint64]) -> str:
    """Hash the recordings, their labels and their groups, but neither their names nor their order."""
    columns = clips.target_names
    labels = clips.target.tolist() if not is_multilabel(clips) else [columns[row > 0].tolist() for row in clips.target]
    groups = [None] * len(labels) if clips.groups is None else clips.groups.tolist()
    rows = sorted(map(repr, zip(digests.tolist(), labels, map(str, groups), strict=True)))
    return blake2b("\n".join(rows).encode(), digest_size=16).hexdigest()


def _versions() -> Iterable[tuple[str, str]]:
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _history(model: Any) -> pd.DataFrame | None:
    """Return the training history of a network, if there is one."""
    return getattr(model[-1] if isinstance(model, Pipeline) else model, "history_", None)
