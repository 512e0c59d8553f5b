"""Weights of ONNX files as NumPy arrays: only the initialisers of the graph are read, and nothing is run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import WeightsError

__all__ = ["read_onnx"]

# fields of the messages of onnx.proto
_GRAPH, _INITIALIZER = 7, 5
_DIMS, _TYPE, _FLOATS, _NAME, _RAW, _PLACE = 1, 2, 4, 8, 9, 14
_TYPES = {1: "<f4", 10: "<f2", 11: "<f8"}  # those of weights; shapes and indices are of other types
_EXTERNAL = 1
_MOST_VARINT = 10  # bytes
_FIXED = {1: 8, 5: 4}  # wire type -> bytes


def read_onnx(file: Path) -> dict[str, NDArray[Any]]:
    """Read the floating-point initialisers of an ONNX model by their names."""
    try:
        arrays = dict(_initialisers(memoryview(file.read_bytes())))
    except (ValueError, IndexError, TypeError) as error:
        raise WeightsError(f"'{file}' is damaged or no ONNX file: {error}.") from error
    if not arrays:
        raise WeightsError(f"'{file}' is damaged or no ONNX file: it holds no weights.")
    return arrays


def _initialisers(model: memoryview) -> Iterator[tuple[str, NDArray[Any]]]:
    graphs = [value for field, value in _fields(model) if field == _GRAPH]
    for graph in graphs:
        for field, value in _fields(_bytes(graph)):
            if field == _INITIALIZER:
                yield from _array(_bytes(value))


def _array(message: memoryview) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield an initialiser with its name, if it is of a type of weights."""
    shape: list[int] = []
    found: dict[int, Any] = {}
    for field, value in _fields(message):
        if field == _DIMS:
            shape.extend([value] if isinstance(value, int) else _varints(value))
        else:
            found[field] = value
    if found.get(_PLACE) == _EXTERNAL:
        raise ValueError("its weights lie in another file; save the model in one")
    if found.get(_TYPE) not in _TYPES:
        return
    content, dtype = found.get(_RAW), _TYPES[found[_TYPE]]
    if content is None:
        content, dtype = found.get(_FLOATS, b""), "<f4"
    name = bytes(_bytes(found.get(_NAME, b""))).decode()
    values = np.frombuffer(_bytes(content), dtype)
    if math.prod(shape) != values.size:
        raise ValueError(f"the tensor {name!r} has {values.size} values for the shape {tuple(shape)}")
    yield name, values.reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a message in the format of protocol buffers."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield field, value
            continue
        if kind == 2:
            n_bytes, at = _varint(message, at)
        elif kind in _FIXED:
            n_bytes = _FIXED[kind]
        else:
            raise ValueError("it holds a field of an unknown kind")
        if n_bytes > len(message) - at:
            raise ValueError("it ends within a field")
        yield field, message[at : at + n_bytes]
        at += n_bytes


def _varints(packed: memoryview) -> Iterator[int]:
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for i in range(_MOST_VARINT):
        if at + i >= len(message):
            raise ValueError("it ends within a number")
        value |= (message[at + i] & 0x7F) << 7 * i
        if message[at + i] < 0x80:
            return value, at + i + 1
    raise ValueError("a number in it has no end")


def _bytes(value: Any) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number stands where content is expected")
    return memoryview(value)
