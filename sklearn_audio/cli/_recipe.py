"""Recipes of `train --config`: options in a TOML file, and the steps of one's own pipeline."""

from __future__ import annotations

import importlib
import inspect
import tomllib
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path

RECIPE = "recipe"
# Options of train without a key: a recipe neither says where to write, nor what to print.
_NO_KEYS = frozenset({"command", "data", "output", "force", "quiet", "debug", "show_code", "config", "log", RECIPE})
_COMMA_SEPARATED = ("label", "layer")
_STEP_KEYS = ("estimator", "name", "parameters")
_PACKAGES = ("sklearn_audio", "sklearn")
# These import or unpickle what a parameter names, so a recipe would run code.
_CLASSES_THAT_RUN_CODE, _PARAMETERS_THAT_RUN_CODE = ("HEAREmbedder",), ("memory",)


class Recipe(NamedTuple):
    """The tables of a recipe that are no options."""

    steps: list[Any]
    grid: dict[str, Any]


def read_recipe(name: str, keys: Sequence[str]) -> tuple[list[str], Recipe]:
    """Return the options of a recipe as arguments, and its pipeline; `keys` are the names of all options."""
    try:
        found = tomllib.loads(Path(local_path(name)).read_text(encoding="utf-8"))
    except OSError as error:
        raise OSError(f"the recipe {name!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ValueError(f"the recipe {name!r} is not TOML: {error}.") from error
    recipe = Recipe(_list(found.pop("steps", [])), _table("[grid]", found.pop("grid", {})))
    if recipe.grid and not recipe.steps:
        raise ValueError(f"the recipe {name!r} has a [grid], but no [[steps]] that it could be of.")
    for key in found:
        check_name(f"key of the recipe {name!r}:", key, [*keys, "steps", "grid"])
    if recipe.steps and "method" in found:
        raise ValueError(f"the recipe {name!r} has both a method and [[steps]]; leave out one of them.")
    options = [f"--{key}={_as_text(key, value)}" for key, value in found.items()]
    return [*options, *([f"--method={RECIPE}"] if recipe.steps else [])], recipe


def option_keys(options: Namespace) -> dict[str, str]:
    """Map the keys of a recipe to names in `options`."""
    return {name.replace("_", "-"): name for name in vars(options) if name not in _NO_KEYS}


def used_config(options: Namespace) -> dict[str, Any]:
    """Return what a recipe of this training would hold."""
    given = {key: getattr(options, name) for key, name in option_keys(options).items()}
    config = {key: value for key, value in given.items() if value not in (None, RECIPE)}
    return config | ({} if options.recipe is None else {k: v for k, v in options.recipe._asdict().items() if v})


def _as_text(key: str, value: Any) -> str:
    if isinstance(value, list) and key in _COMMA_SEPARATED:
        return ",".join(map(str, value))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"key {key!r} of the recipe: got {value!r}; write it as the option --{key} takes it.")
    return str(value)


def _list(steps: Any) -> list[Any]:
    if not isinstance(steps, list):
        raise ValueError("'steps' of the recipe is a list of tables; begin each with [[steps]], in double brackets.")
    return steps


def _table(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} of the recipe: got {value!r}; it must be a table.")
    return value


@contextmanager
def steps_that_fit(options: Namespace) -> Iterator[None]:
    """Raise ValueError where a step of a recipe does not take what the one before returns."""
    try:
        yield
    except TypeError as error:
        if options.recipe is None:
            raise
        raise ValueError(f"the steps of the recipe do not fit together: {error}") from error


def built(recipe: Recipe, options: Namespace) -> Any:
    """Return the pipeline of a recipe, or its only step; steps that read get --jobs and --device."""
    steps = [_step(f"step {i + 1} of the recipe", step, options) for i, step in enumerate(recipe.steps)]
    repeated = [name for name, count in Counter(name for name, _ in steps).items() if count > 1]
    if repeated:
        raise ValueError(f"two steps of the recipe are called {repeated[0]!r}; give one another name.")
    name, last = steps[-1]
    if not is_classifier(last):
        raise ValueError(f"the last step of the recipe, {name!r}, must be a classifier, but is no such estimator.")
    for early, step in steps[:-1]:
        if not hasattr(step, "transform"):
            raise ValueError(f"step {early!r} of the recipe has no transform; only the last step can be a classifier.")
    return Pipeline(steps) if len(steps) > 1 else last


def built_grid(recipe: Recipe, estimator: Any) -> dict[str, Any]:
    """Return the grid of a recipe, with the names of the parameters of `estimator`."""
    known = estimator.get_params()
    for name, values in recipe.grid.items():
        check_name("parameter in [grid] of the recipe:", name, known)
        if not isinstance(values, list) or not values:
            raise ValueError(f"{name!r} in [grid] of the recipe: got {values!r}; it must be a list of values to try.")
    return recipe.grid


def _step(where: str, step: Any, options: Namespace) -> tuple[str, Any]:
    table = _table(where, step)
    for key in table:
        check_name(f"key of {where}:", key, _STEP_KEYS)
    estimator = _object(where, table, options)
    if not (isinstance(estimator, BaseEstimator) and hasattr(estimator, "fit")):
        raise ValueError(f"{where}: {table['estimator']!r} is not an estimator, so it cannot be a step.")
    name = table.get("name", type(estimator).__name__.lower())
    if not isinstance(name, str) or not name or "__" in name:
        raise ValueError(f"{where}: got the name {name!r}; it must be text without '__'.")
    return name, estimator


def _object(where: str, table: dict[str, Any], options: Namespace) -> Any:
    """Create the object of a table ``{estimator = NAME, parameters = {...}}``."""
    kind = _class(where, table.get("estimator"))
    where = f"{where} ({kind.__name__})"
    known = [name for name in inspect.signature(kind).parameters if name not in _PARAMETERS_THAT_RUN_CODE]
    given = _table(f"parameters of {where}", table.get("parameters", {}))
    for name in given:
        check_name(f"parameter of {where}:", name, known)
    values = {name: _value(f"{name} of {where}", value, options) for name, value in given.items()}
    # n_jobs of scikit-learn means processes
    ours = {"n_jobs": options.jobs, "device": options.device} if kind.__module__.startswith("sklearn_audio.") else {}
    reading = {name: value for name, value in ours.items() if name in known}
    try:
        return kind(**(reading | values))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error


def _value(where: str, value: Any, options: Namespace) -> Any:
    """Replace tables with the key estimator by what they describe, at any depth."""
    if isinstance(value, dict) and "estimator" in value:
        for key in value:
            check_name(f"key of {where}:", key, ("estimator", "parameters"))
        return _object(where, value, options)
    if isinstance(value, list):
        found = [_value(where, one, options) for one in value]
        is_named = len(found) == 2 and isinstance(found[0], str) and isinstance(found[1], BaseEstimator)
        return tuple(found) if is_named else found  # (name, step) of a union
    return value


def _class(where: str, name: Any) -> type[Any]:
    if not isinstance(name, str):
        raise ValueError(f"{where}: got estimator={name!r}; name one, such as 'MFCCTransformer'.")
    module, _, last = name.rpartition(".")
    package, *private = (module or _PACKAGES[0]).split(".")
    if package not in _PACKAGES or any(part.startswith("_") for part in [*private, last]):
        raise ValueError(
            f"{where}: {name!r} is neither a class of this library, such as 'MFCCTransformer', nor one of scikit-learn "
            "with its module, such as 'sklearn.svm.SVC'. Recipes run no other code; use Python instead."
        )
    try:
        holder = importlib.import_module(module or _PACKAGES[0])
    except ImportError as error:
        raise ValueError(f"{where}: there is no module {module!r} for {name!r}.") from error
    names = [one for one in getattr(holder, "__all__", dir(holder)) if one not in _CLASSES_THAT_RUN_CODE]
    names = [one for one in names if one[:1].isupper()]
    if last in _CLASSES_THAT_RUN_CODE:
        raise ValueError(f"{where}: {last} runs the code of another module, which recipes do not; use Python instead.")
    check_name(f"estimator of {where}:", last, names)
    return _checked_class(where, name, getattr(holder, last))


def _checked_class(where: str, name: str, found: Any) -> type[Any]:
    if not isinstance(found, type) or found.__module__.split(".")[0] not in _PACKAGES:
        raise ValueError(f"{where}: {name!r} is not a class of this library or of scikit-learn.")
    return found
