"""Messages in the format of protocol buffers, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["as_bytes", "fields", "number", "varint", "varints"]

_MOST_VARINT = 10  # bytes
_FIXED = {1: 8, 5: 4}  # wire type -> bytes


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a message in the format of protocol buffers."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        field, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(message, at)
            yield field, value
            continue
        if kind == 2:
            n_bytes, at = varint(message, at)
        elif kind in _FIXED:
            n_bytes = _FIXED[kind]
        else:
            raise ValueError("it holds a field of an unknown kind")
        if n_bytes > len(message) - at:
            raise ValueError("it ends within a field")
        yield field, message[at : at + n_bytes]
        at += n_bytes


def varints(packed: memoryview) -> Iterator[int]:
    """Yield numbers of variable length."""
    at = 0
    while at < len(packed):
        value, at = varint(packed, at)
        yield value


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number of variable length, and its end."""
    value = 0
    for i in range(_MOST_VARINT):
        if at + i >= len(message):
            raise ValueError("it ends within a number")
        value |= (message[at + i] & 0x7F) << 7 * i
        if message[at + i] < 0x80:
            return value, at + i + 1
    raise ValueError("a number in it has no end")


def as_bytes(value: Any) -> memoryview:
    """Return the value of a field that holds content, not a number."""
    if isinstance(value, int):
        raise TypeError("it holds a number instead of content")
    return memoryview(value)


def number(value: Any) -> int:
    """Return the value of a field that holds a number, not content."""
    if not isinstance(value, int):
        raise TypeError("it holds content instead of a number")
    return value
