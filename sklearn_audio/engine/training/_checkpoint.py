"""The state of a fit on disk: saved while it runs, continued from when it was killed."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_audio.engine.training._checkpoint_file import read_state, remove_file, write_state, write_whole
from sklearn_audio.engine.training._content import DIGEST

__all__ = ["Checkpoint"]

# Bytes of the digest that names the file.
_NAME_SIZE = 16
# Least time between two files within an epoch.
SECONDS_BETWEEN = 30.0
# Numbers of a history that go by batch; those of epochs that are over are of no use.
_OF_BATCHES = "batches"
# Characters of the two values of a parameter that a message shows.
_LONGEST_DIFFERENCE = 80


class Checkpoint:
    """Saves what a fit has come to after the first step, at the end of each epoch and, every half minute, within one.

    What follows from it is the same to the bit as without the interruption: saved are weights, optimiser, place in the
    epoch, history, the states of all callbacks, and those of torch's generators.

    Each run has a file of its own in the folder, named by what tells it from others, so that fits of several parameters
    or folds may share the folder, one after the other or at the same time. None touches the file of another.
    """

    def __init__(self, folder: Path, run: dict[str, str], seeds: list[int]) -> None:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"checkpoint_dir={str(folder)!r} is a file; give a folder.")
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"fit-{_digest(run)}.checkpoint"
        self.run = run
        self.saved = read_state(self.file)
        if self.saved is not None:
            self._check_same_run(self.saved["run"])
        self.seeds = seeds if self.saved is None else list(self.saved["seeds"])
        self.batches_done = 0
        self.removed: bytes | None = None

    def _check_same_run(self, saved: dict[str, str]) -> None:
        differing = [name for name in {**saved, **self.run} if saved.get(name) != self.run.get(name)]
        if differing:
            told = ", ".join(_difference(name, saved.get(name), self.run.get(name)) for name in differing)
            raise ValueError(
                f"{self.file} is the checkpoint of another fit: {told}. Continue that one with what it began with, "
                "remove the file, or give another checkpoint_dir."
            )

    def notice(self, net: Any, moment: str, *, training: bool) -> None:
        """Do what a moment of training asks for."""
        if moment == "on_train_begin":
            # the first step is saved at once: from then on there is a file
            self.saved_at = -math.inf if self.saved is None else time.monotonic()
            if self.saved is not None:
                self._continue(net, self.saved)
        elif moment == "on_epoch_begin" and self.saved is not None:
            self._continue_epoch(net, self.saved)
            self.saved = None
        elif moment == "on_epoch_end":
            self._save(net, epoch_is_over=True)
        elif moment == "on_batch_end" and training and net.stepped and self._is_time():
            self._save(net, epoch_is_over=False)

    def remove(self) -> None:
        """Remove the file, so that the next fit begins anew."""
        self.removed = self.file.read_bytes() if self.file.exists() else None
        remove_file(self.file)

    def put_back(self) -> None:
        """Write the file again that `remove` removed, because an interrupt came right after it."""
        if self.removed is not None and not self.file.exists():
            write_whole(self.file, self.removed)

    def _is_time(self) -> bool:
        return time.monotonic() - self.saved_at >= SECONDS_BETWEEN

    def _save(self, net: Any, *, epoch_is_over: bool) -> None:
        *rows, last = [dict(row) for row in net.history]
        rows = [{name: value for name, value in row.items() if name != _OF_BATCHES} for row in rows]
        state = {
            "run": self.run,
            "seeds": self.seeds,
            "module": net.module_.state_dict(),
            "optimizer": _plain(net.optimizer_.state_dict(), "the optimizer"),
            "callbacks": {name: _state_of(callback, name) for name, callback in net.callbacks_},
            "history": _plain(rows, "the history"),
            "epoch": _plain(last, "the history"),
            "batches_done": 0 if epoch_is_over else net.batches_done,
            "generators": {kind: generator.get_state() for kind, generator in _generators(net).items()},
        }
        write_state(self.file, state)
        self.saved_at = time.monotonic()

    def _continue(self, net: Any, saved: dict[str, Any]) -> None:
        self._check_same_network(net, saved)
        self.batches_done = int(saved["batches_done"])
        epochs = saved["history"] + ([] if self.batches_done else [saved["epoch"]])
        net.history.clear()
        net.history.extend(dict(row) for row in epochs)
        _load(net, saved)

    def _continue_epoch(self, net: Any, saved: dict[str, Any]) -> None:
        """Once more, as the beginning of an epoch changes what callbacks know of it."""
        if self.batches_done:
            net.history[-1].update(saved["epoch"])
            net.batches_done, self.batches_done = self.batches_done, 0
            _load(net, saved)

    def _check_same_network(self, net: Any, saved: dict[str, Any]) -> None:
        before, now = (
            {name: tuple(getattr(tensor, "shape", ())) for name, tensor in state.items()}
            for state in (saved["module"], net.module_.state_dict())
        )
        if before != now:
            name = next(name for name in {**before, **now} if before.get(name) != now.get(name))
            raise ValueError(
                f"{self.file} is the checkpoint of another network: the shape of {name} was "
                f"{before.get(name, 'none')} and is {now.get(name, 'none')}. Remove the file, or give another "
                "checkpoint_dir."
            )


def _digest(run: dict[str, str]) -> str:
    return hashlib.blake2b(json.dumps(run, sort_keys=True).encode(), digest_size=_NAME_SIZE).hexdigest()


def _load(net: Any, saved: dict[str, Any]) -> None:
    net.module_.load_state_dict(saved["module"])
    # what is loaded may share its memory with what is saved, and training writes to it
    net.optimizer_.load_state_dict(copy.deepcopy(saved["optimizer"]))
    for name, callback in net.callbacks_:
        _load_into(callback, copy.deepcopy(saved["callbacks"][name]))
    for kind, state in saved["generators"].items():
        _generators(net)[kind].set_state(state)


def _difference(name: str, before: str | None, now: str | None) -> str:
    if before is None or now is None or DIGEST in before + now or len(before + now) > _LONGEST_DIFFERENCE:
        return f"{name} differs"
    return f"{name} was {before} and is {now}"


def _generators(net: Any) -> dict[str, torch.Generator]:
    """Give the generators that the fit draws from, by kind of device."""
    device = torch.device(net.device)
    return {
        kind: net.generators.of(device if device.type == kind else torch.device("cpu")) for kind in {"cpu", device.type}
    }


def _state_of(callback: Any, name: str) -> dict[str, Any]:
    """Take what a callback says is its state, or its attributes that end in an underscore."""
    if hasattr(callback, "load_state_dict"):
        return dict(_plain(callback.state_dict(), f"the callback {name!r}"))
    attributes = {key: value for key, value in vars(callback).items() if key.endswith("_") and not callable(value)}
    return {key: _plain(value, f"the callback {name!r}, attribute {key!r},") for key, value in attributes.items()}


def _load_into(callback: Any, state: dict[str, Any]) -> None:
    if hasattr(callback, "load_state_dict"):
        callback.load_state_dict(state)
        return
    for key, value in state.items():
        stateful: Any = getattr(callback, key, None)
        if hasattr(stateful, "load_state_dict"):
            stateful.load_state_dict(value)
        else:
            setattr(callback, key, value)


def _plain(value: Any, owner: str) -> Any:
    """Turn numbers of NumPy into those of Python, and refuse what cannot be read back as mere data."""
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str | Tensor):
        return value
    if isinstance(value, dict):
        return {key: _plain(item, owner) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return type(value)([_plain(item, owner) for item in value])
    if hasattr(value, "state_dict") and hasattr(value, "load_state_dict"):
        return _plain(value.state_dict(), owner)
    raise TypeError(
        f"checkpoint_dir cannot save {owner} which holds a {type(value).__name__}; give it state_dict and "
        "load_state_dict methods of numbers and tensors, or train without checkpoint_dir."
    )
