"""Small files with given tensors: ONNX, TensorFlow Lite, TensorFlow checkpoints; written from their definitions."""

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


def _crc32c(content: bytes) -> int:
    """The masked checksum of TensorFlow, bit by bit."""
    state = 0xFFFFFFFF
    for byte in content:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    state ^= 0xFFFFFFFF
    return ((state >> 15 | state << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _table_block(entries: Mapping[bytes, bytes], compression: int = 0) -> bytes:
    """A block of a sorted table: each key as what it shares with the one before, and the rest."""
    content, before = b"", b""
    for key, value in entries.items():
        n_shared = next((i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), 0)
        content += varint(n_shared) + varint(len(key) - n_shared) + varint(len(value)) + key[n_shared:] + value
        before = key
    content += struct.pack("<II", 0, 1) + bytes([compression])  # one restart, at the start
    return content + struct.pack("<I", _crc32c(content))


def bundle_entry(array: np.ndarray, offset: int, *, kind: int | None = None, more: bytes = b"") -> bytes:
    """The message that says where a tensor lies."""
    kinds = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bool": 10, "float16": 19}
    shape = b"".join(field(2, field(1, n)) for n in array.shape)
    content = array.tobytes()
    checksum = varint(6 << 3 | 5) + struct.pack("<I", _crc32c(content))
    place = (field(4, offset) if offset else b"") + field(5, len(content))
    return field(1, kinds[array.dtype.name] if kind is None else kind) + field(2, shape) + place + checksum + more


def bundle_index(entries: Mapping[bytes, bytes], *, compression: int = 0) -> bytes:
    """The index of a TensorFlow checkpoint of the second format, in two blocks."""
    names = sorted(entries)
    content, handles = b"", {}
    for part in (names[: len(names) // 2], names[len(names) // 2 :]):
        if part:
            block = _table_block({name: entries[name] for name in part}, compression)
            handles[part[-1]] = varint(len(content)) + varint(len(block) - 5)
            content += block
    places = b""
    for block in (_table_block({}), _table_block(handles)):
        places += varint(len(content)) + varint(len(block) - 5)
        content += block
    return content + places.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def bundle_files(tensors: Mapping[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Index and data of a TensorFlow checkpoint of the second format."""
    entries, data = {b"": field(1, 1)}, b""
    for name, array in tensors.items():
        entries[name.encode()] = bundle_entry(array, len(data))
        data += array.tobytes()
    return bundle_index(entries), data
