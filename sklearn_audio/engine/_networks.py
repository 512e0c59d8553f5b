"""Networks with their weights, built and optimised once per process and shared by all clones."""

from __future__ import annotations

import copy
import hashlib
import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from sklearn.utils import check_random_state
from torch import Tensor, nn

from sklearn_audio import weights as published
from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._isolation import Generators, isolated
from sklearn_audio._paths import local_path
from sklearn_audio._stamp import stamp_of
from sklearn_audio.engine._tuning import tune
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._readers import read_packed

__all__ = [
    "Precision",
    "WeightsSource",
    "load_network",
    "pack_network",
    "parts_of",
    "read_network",
    "resolve_device",
    "seed_of",
]

Precision = Literal["float32", "bfloat16"]
Weights = str | os.PathLike[str] | None
_MAX_NETWORKS = 4
_TENSORFLOW_PART = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
_SHOWN_KEYS = 4
_ALIGNMENT = 64  # bytes

_networks: OrderedDict[tuple[object, ...], nn.Module] = OrderedDict()
_lock = ForkSafeLock()


@dataclass(frozen=True)
class WeightsSource:
    """The source of the weights of a network."""

    weights: Weights = "pretrained"
    seed: int = 0
    packed: bytes | None = None

    def identity(self, file: Path | None) -> tuple[object, ...]:
        """Return the key of these weights among those in memory, by the stamps of their files."""
        if self.packed is not None:
            return ("packed", hashlib.sha256(self.packed).hexdigest())
        if file is None:
            return ("random", self.seed)
        return ("file", *(stamp_of(part) for part in parts_of(file)))


def parts_of(file: Path) -> list[Path]:
    """List the files of a checkpoint."""
    if file.is_dir():
        return sorted(part for part in file.iterdir() if _TENSORFLOW_PART.search(part.name))
    prefix = _TENSORFLOW_PART.sub("", file.name)
    siblings = sorted(file.parent.iterdir()) if file.parent.is_dir() else []
    return [part for part in siblings if part.name == file.name or _TENSORFLOW_PART.sub("", part.name) == prefix]


def seed_of(random_state: Any) -> int:
    """Return the seed of random weights."""
    if random_state is None or isinstance(random_state, Integral):
        return int(random_state or 0)
    return int(check_random_state(copy.deepcopy(random_state)).randint(2**31 - 1))


def read_network(card: ModelCard, source: WeightsSource, *, verbose: int = 0) -> nn.Module:
    """Build a network with its weights, as published."""
    return _build(card, source, _file(card, source, verbose))


def load_network(
    card: ModelCard, source: WeightsSource, device: torch.device, precision: Precision = "float32", *, verbose: int = 0
) -> nn.Module:
    """Return a network with its weights, optimised for inference; recently used networks are kept in memory."""
    with _lock:
        file = _file(card, source, verbose)
        key = (card.name, *source.identity(file), str(device), precision)
        if key not in _networks:
            network = _build(card, source, file)
            tune(network, card, device, precision)
            _networks[key] = network
            while len(_networks) > _MAX_NETWORKS:
                _networks.popitem(last=False)
        _networks.move_to_end(key)
        return _networks[key]


def pack_network(network: nn.Module) -> bytes:
    """Write a network's weights into bytes."""
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    return safetensors.torch.save(state)


def _file(card: ModelCard, source: WeightsSource, verbose: int) -> Path | None:
    if source.packed is not None or source.weights is None:
        return None
    if source.weights != "pretrained":
        file = Path(local_path(source.weights or ""))
        if not parts_of(file) and not file.is_dir():
            raise WeightsError(
                f"weights='{file}': there is no checkpoint '{file}'; check the path, or pass weights='pretrained'."
            )
        return file
    if card.weights is None:
        raise WeightsError(f"no weights are published for {card.name}. Pass weights=PATH, or None for random ones.")
    fetched: Path = published.fetch(card.weights, verbose=verbose)
    return fetched


def _build(card: ModelCard, source: WeightsSource, file: Path | None) -> nn.Module:
    if source.packed is not None:
        tensors = read_packed(source.packed, "the bundle of weights")
    elif file is not None:
        tensors = published.read_checkpoint(file, card.converter)
        tensors = card.prepare(tensors, card) if card.prepare else tensors
    else:
        return _random_network(card, source.seed)
    if card.assemble is not None:
        return card.assemble(tensors)
    network = card.on_meta()
    _check_keys(card, tensors, network.state_dict(), file)
    state = {name: _aligned(tensor) for name, tensor in tensors.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def _aligned(tensor: Tensor) -> Tensor:
    """Return weights as float32 with the alignment of torch's own memory, which affects the rounding of kernels."""
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    return tensor.clone() if tensor.data_ptr() % _ALIGNMENT else tensor


def _random_network(card: ModelCard, seed: int) -> nn.Module:
    with isolated(Generators(seed)):
        return card.build().eval()


def _check_keys(card: ModelCard, tensors: dict[str, Tensor], wanted: dict[str, Tensor], file: Path | None) -> None:
    kinds: dict[Literal["it lacks", "it also has", "of another shape are"], list[str]] = {
        "it lacks": sorted(wanted.keys() - tensors.keys()),
        "it also has": sorted(tensors.keys() - wanted.keys()),
        "of another shape are": [
            f"{name} {tuple(tensors[name].shape)} for {tuple(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in tensors and tensors[name].shape != tensor.shape
        ],
    }
    faults = [f"{kind} {_some(names)}" for kind, names in kinds.items() if names]
    if faults:
        where = "the packed weights" if file is None else f"'{file}'"
        raise WeightsError(
            f"{where} is no checkpoint of {card.name}: {'; '.join(faults)}. Choose the model it belongs to."
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN_KEYS])
    return shown if len(names) <= _SHOWN_KEYS else f"{shown} and {len(names) - _SHOWN_KEYS} more"


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn a `device` parameter into a torch device."""
    if device == "auto":
        if torch.cuda.is_available():  # pragma: no cover - needs CUDA
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a torch device; use 'auto', 'cpu', 'cuda', 'cuda:0' or 'mps'."
        ) from error
    counts = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (resolved.index or 0) >= counts.get(resolved.type, 1 + (resolved.index or 0)):
        raise ValueError(
            f"device={str(device)!r} is not available: torch finds {counts[resolved.type]} such devices. Use 'auto' or "
            "'cpu'."
        )
    return resolved
