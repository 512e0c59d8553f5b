"""Parameters that several estimators share: declared once, and part of the signature and the documentation of each.

A base class declares their types in a `TypedDict`, their defaults in a dict and their documentation in a text. A
subclass takes them as ``**shared`` and passes them on; it may name some of them itself, with a default of its own.
"""

from __future__ import annotations

import re
from collections.abc import Set
from inspect import Parameter, Signature, cleandoc, signature
from typing import Any, ClassVar

__all__ = ["SharedParameters"]

# a parameter or an attribute, and the indented lines below it
_ENTRY = re.compile(r"^\w.*(?:\n .*)*", re.MULTILINE)


class SharedParameters:
    """Base class that assigns shared parameters, and completes the signatures and docstrings of its subclasses.

    In a docstring, a mark such as ``{attributes}`` stands for the entries that the class has and does not document
    itself; what it documents below the mark takes the place of the shared entry.
    """

    _shared_defaults: ClassVar[dict[str, Any]] = {}
    _shared_types: ClassVar[Any] = None
    _shared_docs: ClassVar[dict[str, str]] = {}

    def __init__(self, **shared: Any) -> None:
        for name in shared:
            if name not in self._shared_defaults:
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}")
        for name, value in (self._shared_defaults | shared).items():
            setattr(self, name, value)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            init: Any = cls.__init__
            init.__signature__ = _completed(signature(init), cls._shared_defaults, cls._shared_types)
        doc = cleandoc(cls.__doc__ or "")  # Python 3.13 removes the indentation, older releases keep it
        for mark, text in cls._shared_docs.items():
            absent = cls._shared_types.__annotations__.keys() - signature(cls).parameters.keys()
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
