"""Parameters that several estimators share: declared once, and part of the signature and documentation of each.

Their types are in a `TypedDict`, their defaults in a dict and their documentation in a string. A class takes them as
``**shared`` and assigns them by `assign`; it may declare some of them itself, with its own default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, cleandoc, signature
from typing import Any

__all__ = ["SharedParameters"]

# a parameter or an attribute, and the indented lines below it
_ENTRY = re.compile(r"^\w.*(?:\n .*)*", re.MULTILINE)


@dataclass(frozen=True)
class SharedParameters:
    """Parameters of several classes: types, defaults, and texts that replace placeholders in docstrings.

    A placeholder such as ``{attributes}`` is replaced by the entries that the class has and does not document itself;
    an entry that it documents below the placeholder replaces the shared one.
    """

    types: Any
    defaults: dict[str, Any]
    docs: dict[str, str]

    def without(self, *names: str) -> SharedParameters:
        """Return the shared parameters except for some."""
        return replace(self, defaults={name: value for name, value in self.defaults.items() if name not in names})

    def assign(self, owner: Any, shared: Mapping[str, Any]) -> None:
        """Set all parameters of an estimator: those given, and the defaults of the others."""
        for name in shared:
            if name not in self.defaults:
                raise TypeError(f"{type(owner).__name__}.__init__() got an unexpected keyword argument {name!r}")
        for name, value in (self.defaults | dict(shared)).items():
            setattr(owner, name, value)

    def complete(self, cls: Any) -> None:
        """Complete the signature and the docstring of a class."""
        if "__init__" in vars(cls):
            cls.__init__.__signature__ = _completed(signature(cls.__init__), self.defaults, self.types)
        doc = cleandoc(cls.__doc__ or "")  # Python 3.13 removes the indentation, older releases keep it
        for mark, text in self.docs.items():
            absent = self.types.__annotations__.keys() - signature(cls).parameters.keys()
            doc = _with_entries(doc, mark, text, absent)
        cls.__doc__ = doc


def _completed(own: Signature, defaults: dict[str, Any], types: Any) -> Signature:
    """Put the shared parameters, other than those that a class names itself, in the place of ``**shared``."""
    named = [parameter for parameter in own.parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
    if len(named) == len(own.parameters):
        return own
    more = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=_annotation(types, name))
        for name, default in defaults.items()
        if name not in own.parameters
    ]
    return own.replace(parameters=[*named, *more])


def _annotation(types: Any, name: str) -> Any:
    hint = types.__annotations__[name]
    return getattr(hint, "__forward_arg__", hint)


def _with_entries(doc: str, mark: str, text: str, absent: Set[str]) -> str:
    """Insert entries in the place of a mark, and move those of the class below it to where they belong."""
    before, found, after = doc.partition(mark)
    if not found:
        return doc
    own, end, after = after.partition("\n\n")
    replaced = {_name(entry): entry for entry in _ENTRY.findall(own)}
    shared = {_name(entry): entry for entry in _ENTRY.findall(text)}
    kept = {
        name: replaced.pop(name, entry)
        for name, entry in shared.items()
        if f"\n{name} : " not in before and name.removesuffix("_") not in absent
    }
    return before + "\n".join([*kept.values(), *replaced.values()]) + end + after


def _name(entry: str) -> str:
    return entry.split(" :")[0]
