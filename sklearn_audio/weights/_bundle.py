"""TensorFlow's second checkpoint format, read without TensorFlow: an index, and files with the values of tensors.

The index is a sorted table in the format of LevelDB: blocks of keys and values, and one block that lists them. A key is
the name of a tensor, its value a message with the position of the tensor; the empty key describes the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.weights._crc32c import masked_crc32c
from sklearn_audio.weights._protobuf import as_bytes, fields, number, varint

__all__ = ["TABLE_END", "read_bundle"]

_FOOTER = 48
TABLE_END = bytes.fromhex("57fb808b247547db")  # of the index, and of the single file of TensorFlow's first format
_TRAILER = 5  # bytes after a block: its compression and its checksum
_N_SHARDS, _ENDIANNESS = 1, 2  # fields of the message of the empty key
_TYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CHECKSUM, _SLICES = 1, 2, 3, 4, 5, 6, 7  # and of the message of a tensor
_DIMENSION, _LENGTH = 2, 1
_TYPES = {
    1: "f4",
    2: "f8",
    3: "i4",
    4: "u1",
    5: "i2",
    6: "i1",
    9: "i8",
    10: "?",
    17: "u2",
    19: "f2",
    22: "u4",
    23: "u8",
}
_TEXT = 7


@dataclass
class _Entry:
    """Position, type, shape and checksum of a tensor."""

    kind: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0


def read_bundle(prefix: str) -> dict[str, NDArray[Any]]:
    """Read all numeric tensors by name; raise ValueError, TypeError or IndexError for damaged ones."""
    table = dict(_entries(memoryview(Path(f"{prefix}.index").read_bytes())))
    if b"" not in table:
        raise ValueError("the index lacks its description")
    about = dict(fields(table.pop(b"")))
    n_shards, order = number(about.get(_N_SHARDS, 1)), ">" if about.get(_ENDIANNESS) else "<"
    shards = [_shard(Path(f"{prefix}.data-{i:05d}-of-{n_shards:05d}")) for i in range(n_shards)]
    arrays = {}
    for key, value in table.items():
        name = key.decode()
        entry = _entry(value, name)
        if entry.kind != _TEXT:  # such as the description of the program's objects
            arrays[name] = _array(entry, name, shards, order)
    return arrays


def _shard(file: Path) -> memoryview:
    if not file.is_file():
        raise ValueError(f"the file '{file.name}' is missing")
    return memoryview(file.read_bytes())


def _array(entry: _Entry, name: str, shards: list[memoryview], order: str) -> NDArray[Any]:
    if entry.kind not in _TYPES:
        raise ValueError(f"the tensor {name!r} is of the type {entry.kind}, which is not numeric")
    dtype = np.dtype(order + _TYPES[entry.kind])
    if math.prod(entry.shape) * dtype.itemsize != entry.size:
        raise ValueError(f"the tensor {name!r} has {entry.size} bytes for the shape {tuple(entry.shape)}")
    if entry.shard >= len(shards):
        raise ValueError(f"the tensor {name!r} is in file {entry.shard} of {len(shards)}")
    content = shards[entry.shard][entry.offset : entry.offset + entry.size]
    if len(content) != entry.size:
        raise ValueError(f"the data ends within the tensor {name!r}")
    if masked_crc32c(content) != entry.checksum:
        raise ValueError(f"the tensor {name!r} has another checksum than the index states")
    return np.frombuffer(content, dtype).reshape(entry.shape).astype(dtype.newbyteorder("="))


def _entry(message: memoryview, name: str) -> _Entry:
    found: dict[int, Any] = {}
    for place, value in fields(message):
        if place == _SLICES:
            raise ValueError(f"the tensor {name!r} is stored in slices; save the checkpoint without partitions")
        found[place] = value
    sizes = [as_bytes(value) for place, value in fields(as_bytes(found.get(_SHAPE, b""))) if place == _DIMENSION]
    return _Entry(
        kind=number(found.get(_TYPE, 0)),
        shape=[number(dict(fields(size)).get(_LENGTH, 0)) for size in sizes],
        shard=number(found.get(_SHARD, 0)),
        offset=number(found.get(_OFFSET, 0)),
        size=number(found.get(_SIZE, 0)),
        checksum=int.from_bytes(as_bytes(found.get(_CHECKSUM, b"")), "little"),
    )


def _entries(index: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the keys and values of a table."""
    footer = index[-_FOOTER:]
    if len(footer) < _FOOTER or footer[-len(TABLE_END) :] != TABLE_END:
        raise ValueError("the index is truncated, or not an index")
    _, at = varint(footer, 0)  # the block of metadata: its position, then its size
    _, at = varint(footer, at)
    for _, handle in _block(index, footer[at:]):
        yield from _block(index, handle)


def _block(index: memoryview, handle: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the keys and values of a block; a key is stored as its difference from the previous one."""
    start, at = varint(handle, 0)
    size, _ = varint(handle, at)
    block, trailer = index[start : start + size], index[start + size : start + size + _TRAILER]
    if len(trailer) < _TRAILER:
        raise ValueError("the index is truncated")
    if masked_crc32c(index[start : start + size + 1]) != int.from_bytes(trailer[1:], "little"):
        raise ValueError("a block of the index has another checksum than it states")
    if trailer[0]:
        raise ValueError("the index is compressed; save the checkpoint again with TensorFlow")
    n_restarts = int.from_bytes(block[-4:], "little")
    end, at, key = len(block) - 4 * (n_restarts + 1), 0, b""
    while at < end:
        n_shared, at = varint(block, at)
        n_own, at = varint(block, at)
        n_bytes, at = varint(block, at)
        key = key[:n_shared] + bytes(block[at : at + n_own])
        yield key, block[at + n_own : at + n_own + n_bytes]
        at += n_own + n_bytes
