"""Parameters that may be dicts: their keys, with defaults and constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sklearn_audio._names import check_name
from sklearn_audio._sklearn import validate_parameter_constraints

__all__ = ["Item", "Items", "check_items", "given_items", "items_of"]


class Item(NamedTuple):
    """A key of a dict: its default and, as scikit-learn writes them, the constraints of its values."""

    default: Any
    constraints: list[Any]


# parameter -> key -> item
Items = dict[str, dict[str, Item]]


def given_items(estimator: Any, parameter: str) -> dict[str, Any]:
    """Return the given items; a value that is not a dict belongs to the first key, and None means no items."""
    value = getattr(estimator, parameter)
    if isinstance(value, Mapping):
        return dict(value)
    return {} if value is None else {next(iter(estimator._parameter_items[parameter])): value}


def items_of(estimator: Any, parameter: str) -> dict[str, Any]:
    """Return all items: the given ones, and the defaults of the others."""
    defaults = {name: item.default for name, item in estimator._parameter_items[parameter].items()}
    return defaults | given_items(estimator, parameter)


def check_items(estimator: Any, parameter: str, known: Mapping[str, Item] | None = None, owner: str = "") -> None:
    """Raise for unknown keys, and for values that violate the constraints of their key.

    `known` are by default the keys of the class; `owner` completes the message about an unknown key.
    """
    known = estimator._parameter_items[parameter] if known is None else known
    given = given_items(estimator, parameter)
    for name in given:
        check_name(f"key of {parameter}{owner}", name, known)
    validate_parameter_constraints(
        {_shown(parameter, name): known[name].constraints for name in given},
        {_shown(parameter, name): value for name, value in given.items()},
        caller_name=type(estimator).__name__,
    )


def _shown(parameter: str, name: str) -> str:
    return f"{parameter}[{name!r}]"
