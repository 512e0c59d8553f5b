"""Parameters that may be dicts, and errors for parameters without effect in the configuration of an estimator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from numbers import Number
from typing import Any, NamedTuple

import numpy as np

from sklearn_audio._names import check_name
from sklearn_audio._sklearn import validate_parameter_constraints


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
        {f"{parameter}[{name!r}]": known[name].constraints for name in given},
        {f"{parameter}[{name!r}]": value for name, value in given.items()},
        caller_name=type(estimator).__name__,
    )


class Use(NamedTuple):
    """A condition under which a parameter has an effect.

    `words` completes "it needs ...", `found` describes the estimator. `idle` are further values without effect, besides
    the default. A condition `of_data` is checked once X is known.
    """

    words: str
    holds: Callable[[Any], bool]
    found: Callable[[Any], str]
    idle: tuple[Any, ...] = ()
    of_data: bool = False


# parameter, or "parameter.key" for a key of a dict -> its condition, or several that must all hold
Uses = dict[str, Use | tuple[Use, ...]]


def needs(words: str, holds: Callable[[Any], bool], *shown: str, idle: tuple[Any, ...] = ()) -> Use:
    """Return a condition on other parameters, whose values the message shows."""

    def found(estimator: Any) -> str:
        return " and ".join(f"{name}={getattr(estimator, name)!r}" for name in shown)

    return Use(words, holds, found, idle)


def needs_tokens(*idle: Any) -> Use:
    """Return the condition that X holds tokens."""
    return Use("tokens", lambda fitted: fitted.n_tokens_ is not None, lambda fitted: "X holds frames", idle, True)


def needs_frames(*idle: Any) -> Use:
    """Return the condition that X holds frames."""
    return Use("frames", lambda fitted: fitted.n_tokens_ is None, lambda fitted: "X holds tokens", idle, True)


class Setting(NamedTuple):
    """A parameter, or a key of one that is a dict, with its value and its default."""

    name: str
    value: Any
    default: Any


def idle_parameters(estimator: Any, *, of_data: bool = False) -> Iterator[tuple[Setting, Use]]:
    """Yield the settings without effect, each with the condition that does not hold."""
    for name, uses in type(estimator)._parameter_uses.items():
        for setting in _settings(estimator, name):
            for use in (uses,) if isinstance(uses, Use) else uses:
                asks = not any(_are_same(setting.value, idle) for idle in (setting.default, *use.idle))
                if asks and use.of_data == of_data and not use.holds(estimator):
                    yield setting, use


def _settings(estimator: Any, name: str) -> Iterator[Setting]:
    """Yield a parameter, or a key of one, if the class has it and it is set."""
    parameter, _, key = name.partition(".")
    signature = inspect.signature(type(estimator).__init__).parameters
    if not key and parameter in signature:
        yield Setting(name, getattr(estimator, name), signature[name].default)
    elif key in estimator._parameter_items.get(parameter, {}):
        given = given_items(estimator, parameter)
        if key in given:
            default = estimator._parameter_items[parameter][key].default
            yield Setting(f"{parameter}[{key!r}]", given[key], default)


def check_idle_parameters(estimator: Any, *, of_data: bool = False) -> None:
    """Raise if a parameter is set but has no effect."""
    for (name, value, default), use in idle_parameters(estimator, of_data=of_data):
        raise idle_error(name, value, use.words, use.found(estimator), default)


def idle_error(name: str, value: Any, words: str, found: str, default: Any) -> ValueError:
    """Error for a parameter that is set but has no effect."""
    return ValueError(
        f"{name}={value!r} has no effect here: it needs {words}, but {found}. Leave {name} at its default, {default!r}."
    )


def _are_same(value: Any, other: Any) -> bool:
    """Compare two values of a parameter; lists, tuples and arrays by content."""
    if value is other:
        return True
    for kind in (str, Number):
        if isinstance(value, kind) and isinstance(other, kind):
            return bool(value == other)
    both = all(isinstance(each, (list, tuple, np.ndarray)) for each in (value, other))
    return both and list(value) == list(other)
