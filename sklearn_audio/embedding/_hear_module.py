"""Modules of the HEAR API: loaded once per process, checked, and run on clips of one length."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._paths import local_path

__all__ = ["HEARModule", "load_hear"]

_FUNCTIONS = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")
_NUMBERS = ("sample_rate", "scene_embedding_size", "timestamp_embedding_size")
_ON_ACCELERATOR = 16  # clips of one length in one call; on a CPU, one
_PROBE_SECONDS = 1.0
_MAX_LOADED = 2

Floats = NDArray[np.float32]
_loaded: OrderedDict[tuple[object, ...], HEARModule] = OrderedDict()
_lock = ForkSafeLock()


def load_hear(module: Any, weights: str | os.PathLike[str] | None, device: torch.device) -> HEARModule:
    """Return a module with its model, from memory if it was used lately."""
    weights = None if weights is None else local_path(weights)
    key = (module if isinstance(module, str) else id(module), weights, device)
    with _lock:
        if key not in _loaded:
            _loaded[key] = HEARModule(module, weights, device)
            while len(_loaded) > _MAX_LOADED:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]


class HEARModule:
    """A module of the HEAR API with a model that it loaded."""

    def __init__(self, module: Any, weights: str | None, device: torch.device) -> None:
        self._module = _imported(module)
        self.name = module if isinstance(module, str) else getattr(module, "__name__", type(module).__name__)
        self._device = device
        missing = [name for name in _FUNCTIONS if not callable(getattr(self._module, name, None))]
        if missing:
            raise TypeError(f"module {self.name!r} is not of the HEAR API: it lacks {', '.join(missing)}.")
        with _own_random_numbers():
            self._model = self._load(weights)
        self.rate, self.scene_size, self.timestamp_size = (self._number(name) for name in _NUMBERS)
        self._is_torch = isinstance(self._model, torch.nn.Module)
        self._tensorflow: Any = sys.modules.get("tensorflow")  # which a module with such a model has imported
        if self._is_torch:
            self._model.to(device).eval()
        elif self._tensorflow is None:
            kind = type(self._model).__name__
            raise TypeError(f"the model of {self.name!r} is a {kind}, and none of torch or TensorFlow.")
        shared = _ON_ACCELERATOR if device.type != "cpu" else 1
        self.batch = shared if shared > 1 and self._rows_are_independent(shared) else 1

    def scenes(self, clips: list[Floats]) -> list[Floats]:
        """Embed clips of one length.

        Shapes: n_clips * (n_timepoints,) -> n_clips * (d,).
        """
        found = self._run("get_scene_embeddings", clips)
        self._check(found, (self._n_rows(clips), self.scene_size), "scene embeddings")
        return list(found[: len(clips)])

    def timestamps(self, clips: list[Floats]) -> list[tuple[Floats, NDArray[np.float64]]]:
        """Embed clips of one length along time, with the centres of the vectors in seconds.

        Shapes: n_clips * (n_timepoints,) -> n_clips * ((n_timestamps, d), (n_timestamps,)).
        """
        pair = self._run("get_timestamp_embeddings", clips)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ValueError(f"module {self.name!r} must return a pair of timestamp embeddings and timestamps.")
        found, times = pair[0], np.asarray(pair[1], dtype=np.float64)
        n_rows, n_timestamps = self._n_rows(clips), times.shape[-1] if times.ndim else 0
        self._check(found, (n_rows, n_timestamps, self.timestamp_size), "timestamp embeddings")
        self._check(times, (n_rows, n_timestamps), "timestamps")
        if not n_timestamps:
            raise ValueError(f"module {self.name!r} returned no timestamps.")
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise ValueError(f"module {self.name!r} returned timestamps that do not increase; mend the module.")
        return list(zip(found[: len(clips)], times[: len(clips)] / 1000, strict=True))

    def _load(self, weights: str | None) -> Any:
        first = next(iter(inspect.signature(self._module.load_model).parameters.values()), None)
        required = first is not None and first.default is first.empty and first.kind is first.POSITIONAL_OR_KEYWORD
        arguments = [""] if weights is None and required else [] if weights is None else [weights]
        try:
            return self._module.load_model(*arguments)
        except Exception as error:  # of foreign code
            reason = f"{type(error).__name__}: {error}".rstrip(".")
            raise ValueError(
                f"load_model of {self.name!r} failed with weights={weights!r}: {reason}. Give what the module asks for."
            ) from error

    def _number(self, name: str) -> int:
        value = getattr(self._model, name, None)
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise TypeError(
                f"the model of {self.name!r} must have an integer {name}, as the HEAR API asks; got {value!r}."
            )
        return int(value)

    def _run(self, function: str, clips: list[Floats]) -> Any:
        """Call a function of the module on a batch of constant size, filled up with zeros."""
        batch = np.zeros((self._n_rows(clips), len(clips[0])), dtype=np.float32)
        batch[: len(clips)] = clips
        return self._call(function, batch)

    def _n_rows(self, clips: list[Floats]) -> int:
        return max(self.batch, len(clips))

    def _call(self, function: str, batch: Floats) -> Any:
        audio: Any = torch.from_numpy(batch).to(self._device) if self._is_torch else self._tensorflow.constant(batch)
        with torch.inference_mode(), _own_random_numbers():
            found = getattr(self._module, function)(audio, self._model)
        return tuple(map(_array, found)) if isinstance(found, (tuple, list)) else _array(found)

    def _check(self, found: Any, shape: tuple[int, ...], what: str) -> None:
        if isinstance(found, tuple):
            raise ValueError(f"module {self.name!r} returned several arrays instead of {what}; mend the module.")
        if found.shape != shape:
            raise ValueError(
                f"module {self.name!r} returned {what} of shape {found.shape}, where the HEAR API and the numbers of "
                f"its model ask for {shape}; mend the module."
            )

    def _rows_are_independent(self, n_rows: int) -> bool:
        """Whether a clip has the same vector beside silence and beside other clips, to the bit."""
        noise = np.random.default_rng(0).normal(scale=0.1, size=(n_rows, round(_PROBE_SECONDS * self.rate)))
        batch = noise.astype(np.float32)
        alone = np.zeros_like(batch)
        alone[0] = batch[0]
        for function, last in (("get_scene_embeddings", self.scene_size), ("get_timestamp_embeddings", None)):
            company, single = self._call(function, batch), self._call(function, alone)
            company, single = (company, single) if last else (company[0], single[0])
            if not np.array_equal(company[0], single[0]):
                return False
        return True


def _imported(module: Any) -> Any:
    if not isinstance(module, str):
        return module
    if not module or module.startswith("."):
        raise ValueError(f"module={module!r} is no full name of a module; give one such as 'hearbaseline.wav2vec2'.")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"module={module!r} cannot be imported: {error}. Install the package that holds it, or give the module "
            "itself."
        ) from error


def _array(values: Any) -> NDArray[Any]:
    if isinstance(values, Tensor):
        return values.detach().cpu().float().numpy()
    return np.asarray(values.numpy() if hasattr(values, "numpy") else values, dtype=np.float32)


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Leave the global generators, which a module may seed, as they are."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
