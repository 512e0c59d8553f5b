"""Small files of ONNX and TensorFlow Lite with given tensors, written from the definitions of the formats."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, content: bytes | int) -> bytes:
    """A field of a protocol buffer: a number, or something with a length."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx_tensor(name: str, array: np.ndarray, *, packed: bool = False) -> bytes:
    kind = {"float32": 1, "int64": 7, "float16": 10, "float64": 11}[array.dtype.name]
    dims = field(1, b"".join(map(varint, array.shape))) if packed else b"".join(field(1, n) for n in array.shape)
    return dims + field(2, kind) + field(8, name.encode()) + field(4 if packed else 9, array.tobytes())


def onnx_file(tensors: Mapping[str, np.ndarray], *, packed: bool = False) -> bytes:
    graph = b"".join(field(5, onnx_tensor(name, array, packed=packed)) for name, array in tensors.items())
    return field(1, 8) + field(7, field(2, b"graph") + graph)


class _Writer:
    """Writes a FlatBuffers file from the front: offsets point forward, so that they are set once a place is known."""

    def __init__(self) -> None:
        self.content = bytearray(b"\0\0\0\0TFL3")

    def point(self, place: int) -> None:
        """Let the offset at a place point to what is written next."""
        self.content += b"\0" * (-len(self.content) % 8)
        struct.pack_into("<I", self.content, place, len(self.content) - place)

    def table(self, fields: Mapping[int, bytes | None]) -> dict[int, int]:
        """Write a table; None is an offset to be set. Returns the places of its fields."""
        sizes, at = {}, 4
        for key, value in fields.items():
            at += -at % 4
            sizes[key], at = at, at + (4 if value is None else len(value))
        slots = [sizes.get(i, 0) for i in range(max(fields, default=-1) + 1)]
        table = len(self.content)
        self.content += b"\0" * at
        struct.pack_into("<i", self.content, table, -at)  # the list of offsets follows the table
        for key, value in fields.items():
            if value is not None:
                self.content[table + sizes[key] : table + sizes[key] + len(value)] = value
        self.content += struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), at, *slots)
        return {key: table + offset for key, offset in sizes.items()}

    def vector(self, n_items: int, content: bytes) -> int:
        start = len(self.content) + 4
        self.content += struct.pack("<I", n_items) + content
        return start


def tflite_file(tensors: Mapping[str, np.ndarray]) -> bytes:
    kinds = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}
    writer = _Writer()
    writer.point(0)
    root = writer.table({2: None, 4: None})
    writer.point(root[4])
    buffers = writer.vector(len(tensors), b"\0" * 4 * len(tensors))
    for i, array in enumerate(tensors.values()):
        writer.point(buffers + 4 * i)
        place = writer.table({0: None})[0]
        writer.point(place)
        writer.vector(array.nbytes, array.tobytes())
    writer.point(root[2])
    graphs = writer.vector(1, b"\0" * 4)
    writer.point(graphs)
    graph = writer.table({0: None})[0]
    writer.point(graph)
    places = writer.vector(len(tensors), b"\0" * 4 * len(tensors))
    for i, (name, array) in enumerate(tensors.items()):
        writer.point(places + 4 * i)
        kind = bytes([kinds[array.dtype.name]])
        tensor = writer.table({0: None, 1: kind, 2: struct.pack("<I", i), 3: None})
        writer.point(tensor[0])
        writer.vector(array.ndim, struct.pack(f"<{array.ndim}i", *array.shape))
        writer.point(tensor[3])
        writer.vector(len(name), name.encode())
    return bytes(writer.content)
