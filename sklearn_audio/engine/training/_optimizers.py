"""The parameter `optimizer`, as a torch class and its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

__all__ = ["OPTIMIZERS", "check_optimizer", "is_named", "optimizer_of"]

# Fused optimisers take a step in one kernel.
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "adamw": (torch.optim.AdamW, {"fused": True}),
    "adam": (torch.optim.Adam, {"fused": True}),
    "sgd": (torch.optim.SGD, {"fused": True, "momentum": 0.9, "nesterov": True}),
}
# set by parameters of the estimator or by the training loop
_TAKEN = ("params", "lr")


def is_named(optimizer: Any) -> bool:
    """Whether the parameter `weight_decay` applies: to an optimiser given by name without its own weight decay."""
    return isinstance(optimizer, str) or (isinstance(optimizer, Mapping) and "weight_decay" not in optimizer)


def check_optimizer(optimizer: Any) -> None:
    """Raise for an optimiser that cannot be built."""
    if isinstance(optimizer, str):
        return
    kind, options = _class_and_options(optimizer)
    known = inspect.signature(kind).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for name in options:
        if name in _TAKEN:
            raise ValueError(f"optimizer={optimizer!r} sets {name!r}; leave it out, and set lr of the estimator.")
        if name not in known and not open_ended:
            raise ValueError(
                f"optimizer={optimizer!r} sets {name!r}, but {kind.__name__} takes "
                f"{[known_name for known_name in known if known_name not in _TAKEN]}."
            )


def optimizer_of(
    optimizer: Any, weight_decay: float, device: torch.device
) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Return a torch class and its arguments other than parameters and learning rate."""
    kind, options = _class_and_options(optimizer)
    if is_named(optimizer):
        options |= {"weight_decay": weight_decay}
    if device.type not in ("cpu", "cuda"):
        options.pop("fused", None)
    return kind, options


def _class_and_options(optimizer: Any) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    if isinstance(optimizer, (str, Mapping)):
        return _by_name({"name": optimizer} if isinstance(optimizer, str) else optimizer)
    kind: Any = optimizer.func if isinstance(optimizer, partial) else optimizer
    if not isinstance(kind, type) or not issubclass(kind, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer={optimizer!r} is neither a class of torch.optim nor a functools.partial of one; give one of "
            f"these, a name of {list(OPTIMIZERS)}, or a dict of a name and arguments."
        )
    if isinstance(optimizer, partial) and optimizer.args:
        raise TypeError(f"optimizer={optimizer!r} has positional arguments; give each by its name.")
    return kind, dict(optimizer.keywords) if isinstance(optimizer, partial) else {}


def _by_name(optimizer: Mapping[str, Any]) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    given = {name: value for name, value in optimizer.items() if name != "name"}
    if optimizer.get("name") not in OPTIMIZERS:
        raise ValueError(
            f"optimizer={dict(optimizer)!r} must give its 'name', one of {list(OPTIMIZERS)}; the other items are its "
            "arguments. For another optimizer, give a functools.partial of its class."
        )
    kind, options = OPTIMIZERS[optimizer["name"]]
    options = dict(options)
    if given.keys() & {"fused", "foreach", "differentiable"}:
        options.pop("fused", None)  # torch accepts only one of them
    if given.get("momentum", 1) == 0 or given.get("dampening", 0) != 0:
        options.pop("nesterov", None)  # which needs a momentum without dampening
    return kind, options | given
