"""The state of a fit on disk: saved at the end of each epoch, and resumed after the process was killed."""

from __future__ import annotations

import copy
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_audio._atomic import remove_unfinished, written_whole
from sklearn_audio.engine.training._content import DIGEST

__all__ = ["Checkpoint", "read_state", "write_state"]

_MAGIC = b"sklearn_audio checkpoint 2\n"
_DIGEST_SIZE = 32
# Bytes of the digest in the file name.
_NAME_SIZE = 16
# Entry of a history per batch, which is not needed after the epoch.
_OF_BATCHES = "batches"
# Characters shown of the two values of a parameter in a message.
_LONGEST_DIFFERENCE = 80


class Checkpoint:
    """Saves the state of a fit when training starts and at the end of each epoch.

    The state consists of weights, optimiser, history, and the states of all callbacks and of torch's generators, so
    resuming is bit-identical to an uninterrupted fit. Each run has its own file, named by a digest of its fingerprint,
    so that fits of several parameters or folds may share the folder, even at the same time.
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
        self.removed: bytes | None = None

    def _check_same_run(self, saved: dict[str, str]) -> None:
        differing = [name for name in {**saved, **self.run} if saved.get(name) != self.run.get(name)]
        if differing:
            told = ", ".join(_difference(name, saved.get(name), self.run.get(name)) for name in differing)
            raise ValueError(
                f"{self.file} is the checkpoint of another fit: {told}. Resume that fit with its original data and "
                "parameters, remove the file, or give another checkpoint_dir."
            )

    def notice(self, net: Any, moment: str) -> None:
        """Save or resume at the right events."""
        if moment == "on_train_begin" and self.saved is not None:
            self._continue(net, self.saved)
            self.saved = None
        elif moment in ("on_train_begin", "on_epoch_end"):
            self._save(net)

    def remove(self) -> None:
        """Remove the file, and unfinished ones of killed processes, so that the next fit starts from the beginning."""
        self.removed = self.file.read_bytes() if self.file.exists() else None
        self.file.unlink(missing_ok=True)
        remove_unfinished(self.file.parent, self.file.name)

    def put_back(self) -> None:
        """Write the removed file again, after an interrupt that followed `remove`."""
        if self.removed is not None and not self.file.exists():
            _write(self.file, self.removed)

    def _save(self, net: Any) -> None:
        epochs = [{name: value for name, value in row.items() if name != _OF_BATCHES} for row in net.history]
        state = {
            "run": self.run,
            "seeds": self.seeds,
            "module": net.module_.state_dict(),
            "optimizer": _plain(net.optimizer_.state_dict(), "the optimizer"),
            "callbacks": {name: _state_of(callback, name) for name, callback in net.callbacks_},
            "history": _plain(epochs, "the history"),
            "generators": {kind: generator.get_state() for kind, generator in _generators(net).items()},
        }
        write_state(self.file, state)

    def _continue(self, net: Any, saved: dict[str, Any]) -> None:
        self._check_same_network(net, saved)
        net.history.clear()
        net.history.extend(dict(row) for row in saved["history"])
        net.module_.load_state_dict(saved["module"])
        # loaded tensors may share memory with saved ones, and training writes to them
        net.optimizer_.load_state_dict(copy.deepcopy(saved["optimizer"]))
        for name, callback in net.callbacks_:
            _load_into(callback, copy.deepcopy(saved["callbacks"][name]))
        for kind, state in saved["generators"].items():
            _generators(net)[kind].set_state(state)

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


def _difference(name: str, before: str | None, now: str | None) -> str:
    if before is None or now is None or DIGEST in before + now or len(before + now) > _LONGEST_DIFFERENCE:
        return f"{name} differs"
    return f"{name} was {before} and is {now}"


def _generators(net: Any) -> dict[str, torch.Generator]:
    """Return the generators that the fit draws from, by type of device."""
    device = torch.device(net.device)
    return {
        kind: net.generators.of(device if device.type == kind else torch.device("cpu")) for kind in {"cpu", device.type}
    }


def _state_of(callback: Any, name: str) -> dict[str, Any]:
    """Return the state dict of a callback, or its attributes that end in an underscore."""
    if hasattr(callback, "load_state_dict"):
        return dict(_plain(callback.state_dict(), f"the callback {name!r}"))
    attributes = {key: value for key, value in vars(callback).items() if key.endswith("_")}
    return {
        key: _plain(value, f"the callback {name!r}, attribute {key!r},")
        for key, value in attributes.items()
        if isinstance(value, nn.Module) or not callable(value)
    }


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
    """Convert NumPy numbers to Python numbers; raise for values that cannot be read back as plain data."""
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


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace the previous state atomically, so that a killed process leaves a complete file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    _write(path, _MAGIC, hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest(), content)


def _write(path: Path, *parts: bytes | memoryview) -> None:
    try:
        _write_once(path, parts)
    except FileNotFoundError:
        # the same run has ended in another process, which removed all unfinished files
        _write_once(path, parts)


def _write_once(path: Path, parts: tuple[bytes | memoryview, ...]) -> None:
    with written_whole(path, durable=True) as unfinished, unfinished.open("wb") as file:
        file.writelines(parts)


def read_state(path: Path) -> dict[str, Any] | None:
    """Read a state; the file can contain only data, not code."""
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    start = len(_MAGIC) + _DIGEST_SIZE
    body = content[start:]
    digest = hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest()
    if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) : start] != digest:
        raise ValueError(
            f"the checkpoint {path} is damaged or was not written by this library; remove it to train from "
            "the beginning."
        )
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return state
