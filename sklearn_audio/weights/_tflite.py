"""Weights of TensorFlow Lite files as NumPy arrays: only the constant tensors are read, and nothing is run."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import WeightsError

__all__ = ["TFLITE", "read_tflite"]

TFLITE = b"TFL3"  # bytes 4 to 7 of a file
# positions of fields in the tables of TensorFlow Lite's schema
_SUBGRAPHS, _BUFFERS = 2, 4
_TENSORS = 0
_SHAPE, _TYPE, _BUFFER, _NAME = 0, 1, 2, 3
_DATA = 0
_TYPES = {0: "<f4", 1: "<f2"}  # quantised weights are skipped, as their values need a scale


def read_tflite(file: Path) -> dict[str, NDArray[Any]]:
    """Read the constant floating-point tensors of a TensorFlow Lite model by their names."""
    try:
        arrays = dict(_constants(_Table(file.read_bytes(), 0)))
    except (ValueError, struct.error) as error:
        raise WeightsError(f"'{file}' is damaged or no TensorFlow Lite file: {error}.") from error
    if not arrays:
        raise WeightsError(f"'{file}' is damaged or no TensorFlow Lite file: it holds no weights in floating point.")
    return arrays


def _constants(model: _Table) -> Iterator[tuple[str, NDArray[Any]]]:
    buffers = list(model.tables(_BUFFERS))
    for graph in model.tables(_SUBGRAPHS):
        for tensor in graph.tables(_TENSORS):
            dtype = _TYPES.get(tensor.number(_TYPE, "<b"))
            index = tensor.number(_BUFFER, "<I")
            if index >= len(buffers):
                raise ValueError("a tensor names a missing buffer")
            content = buffers[index].vector(_DATA, 1)
            if dtype is None or not content:
                continue
            name, shape = tensor.vector(_NAME, 1).decode(), np.frombuffer(tensor.vector(_SHAPE, 4), "<i4").tolist()
            values = np.frombuffer(content, dtype)
            if math.prod(shape) != values.size:
                raise ValueError(f"the tensor {name!r} has {values.size} values for the shape {tuple(shape)}")
            yield name, values.reshape(shape)


class _Table:
    """A table of a FlatBuffers file, whose fields are found by their position in its list of offsets."""

    def __init__(self, content: bytes, pointer: int) -> None:
        self._content = content
        self._at = self._follow(pointer)
        self._offsets = self._at - self._read("<i", self._at)

    def number(self, field: int, kind: str) -> int:
        """Return a number; 0 if absent."""
        place = self._place(field)
        return self._read(kind, place) if place else 0

    def vector(self, field: int, item_bytes: int) -> bytes:
        """Return the bytes of a vector or a text; empty if absent."""
        start, n_items = self._span(field)
        if start + n_items * item_bytes > len(self._content):
            raise ValueError("it ends within a vector")
        return self._content[start : start + n_items * item_bytes]

    def tables(self, field: int) -> Iterator[_Table]:
        """Yield the tables of a vector."""
        start, n_items = self._span(field)
        for i in range(n_items):
            yield _Table(self._content, start + 4 * i)

    def _span(self, field: int) -> tuple[int, int]:
        place = self._place(field)
        if not place:
            return 0, 0
        start = self._follow(place)
        return start + 4, self._read("<I", start)

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        offset = self._read("<H", self._offsets + entry) if entry < self._read("<H", self._offsets) else 0
        return self._at + offset if offset else 0

    def _follow(self, place: int) -> int:
        return place + self._read("<I", place)

    def _read(self, kind: str, place: int) -> int:
        if place < 0:
            raise ValueError("it points to a position before its start")
        return int(struct.unpack_from(kind, self._content, place)[0])
