"""Options of named networks, with their valid values."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from sklearn_audio._meaning import Item
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.nets import AST_SIZES, FRAME_POOLINGS, Architecture

__all__ = ["COUNT", "DROPOUT", "NETWORK_OPTIONS", "options_of", "options_of_own"]

COUNT = Interval(Integral, 1, None, closed="left")
DROPOUT = Interval(Real, 0, 1, closed="left")
NETWORK_OPTIONS: dict[str, list[Any]] = {
    "dropout": [DROPOUT],
    "hidden_sizes": ["array-like"],
    "input_norm": ["boolean"],
    "n_embedding": [Interval(Integral, 2, None, closed="left")],
    "n_layers": [COUNT],
    "pooling": [StrOptions(set(FRAME_POOLINGS))],
    "positions": ["boolean"],
    "shared_layers": ["boolean"],
    "size": [StrOptions(set(AST_SIZES))],
    "stride": [tuple, list],
    "transformer_dropout": [DROPOUT],
    "width": [Interval(Real, 0, None, closed="neither")],
}


def options_of(architecture: Architecture) -> dict[str, Item]:
    """Return the options of a network, with its defaults."""
    return {name: Item(None, NETWORK_OPTIONS[name]) for name in architecture.options}


def options_of_own(options: Mapping[str, Any] | None) -> dict[str, Item]:
    """Return the given options for a user's class, which checks them itself."""
    return {name: Item(None, [object]) for name in options or {}}
