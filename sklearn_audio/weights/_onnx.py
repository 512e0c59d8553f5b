"""Weights of ONNX files as NumPy arrays: only the initialisers of the graph are read, and nothing is run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._protobuf import as_bytes, fields, varints

__all__ = ["read_onnx"]

# fields of the messages of onnx.proto
_GRAPH, _INITIALIZER = 7, 5
_DIMS, _TYPE, _FLOATS, _NAME, _RAW, _PLACE = 1, 2, 4, 8, 9, 14
_TYPES = {1: "<f4", 10: "<f2", 11: "<f8"}  # those of weights; shapes and indices are of other types
_EXTERNAL = 1


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
    graphs = [value for field, value in fields(model) if field == _GRAPH]
    for graph in graphs:
        for field, value in fields(as_bytes(graph)):
            if field == _INITIALIZER:
                yield from _array(as_bytes(value))


def _array(message: memoryview) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield an initialiser with its name, if it is of a type of weights."""
    shape: list[int] = []
    found: dict[int, Any] = {}
    for field, value in fields(message):
        if field == _DIMS:
            shape.extend([value] if isinstance(value, int) else varints(value))
        else:
            found[field] = value
    if found.get(_PLACE) == _EXTERNAL:
        raise ValueError("its weights are in another file; save the model in one")
    if found.get(_TYPE) not in _TYPES:
        return
    content, dtype = found.get(_RAW), _TYPES[found[_TYPE]]
    if content is None:
        content, dtype = found.get(_FLOATS, b""), "<f4"
    name = bytes(as_bytes(found.get(_NAME, b""))).decode()
    values = np.frombuffer(as_bytes(content), dtype)
    if math.prod(shape) != values.size:
        raise ValueError(f"the tensor {name!r} has {values.size} values for the shape {tuple(shape)}")
    yield name, values.reshape(shape)
