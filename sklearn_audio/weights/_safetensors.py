"""Reader of safetensors files, and a checksum ("seal") of those that this library writes.

Tensors are copied from the file. The package safetensors maps it into memory instead, and the system kills a process
whose mapped file is overwritten or truncated (SIGBUS).
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.exceptions import WeightsError

__all__ = [
    "MAX_HEADER",
    "SEAL",
    "UNSEALED",
    "Header",
    "about_of",
    "check_seal",
    "read_header",
    "read_safetensors",
    "read_tensors",
    "seal",
    "whole",
]

MAX_HEADER = 100_000_000  # bytes of a header, according to the format
SEAL = "seal"  # key in the metadata: sha256 of the file with zeros for the digits of this hash
UNSEALED = "0" * 64
_LENGTH_BYTES = 8
_CHUNK_BYTES = 1 << 20
_MOST_VALUES = 1 << 48
_SHOWN = 40  # letters of a name in a message
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}

# Metadata of sealed files that were verified: a file is hashed once per process.
_whole: dict[Stamp, dict[str, str]] = {}


class _Layout(NamedTuple):
    """Position of a tensor in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Header(NamedTuple):
    """The header of a safetensors file."""

    raw: bytes
    tensors: dict[str, _Layout]
    about: dict[str, str]

    def to_hash(self) -> bytes:
        """Return the bytes of the header from which its seal was computed."""
        return self.raw.replace(_sealed_text(self.about.get(SEAL, "")), _sealed_text(UNSEALED))


def read_header(stream: BinaryIO, name: str) -> Header:
    """Read the header; the stream is then at the first byte of the tensors."""
    head = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(head, "little")
    if len(head) < _LENGTH_BYTES or length > MAX_HEADER:
        raise _damaged(name, "it has no header")
    text = stream.read(length)
    here = stream.tell()
    n_bytes = stream.seek(0, 2) - here
    stream.seek(here)
    try:
        tensors, about = _parse(text)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise _damaged(name, f"its header cannot be read ({error})") from error
    at = 0
    for layout in tensors.values():
        if layout.start != at or layout.end - at != _n_bytes(layout):
            raise _damaged(name, "its tensors overlap, leave a gap, or are not as long as their shapes")
        at = layout.end
    if at != n_bytes:
        raise _damaged(name, f"its header states {at} bytes of tensors, but it has {n_bytes}")
    return Header(head + text, tensors, about)


def _parse(text: bytes) -> tuple[dict[str, _Layout], dict[str, str]]:
    header = json.loads(text.decode(), object_pairs_hook=_unique)
    if not isinstance(header, dict):
        raise TypeError("it is not a mapping")
    about = header.pop("__metadata__", {})
    if not (isinstance(about, dict) and all(isinstance(value, str) for value in about.values())):
        raise TypeError("__metadata__ is not a mapping of text to text")
    tensors = {name: _layout(**facts) for name, facts in header.items()}
    "".join((*tensors, *about, *about.values())).encode()  # raises for lone surrogates
    return dict(sorted(tensors.items(), key=lambda item: item[1][2:])), about


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has a name twice")
    return found


def _layout(dtype: str, shape: list[int], data_offsets: list[int]) -> _Layout:
    start, end = data_offsets
    if dtype not in _DTYPES:
        raise ValueError(f"a tensor is of the unknown type {str(dtype)[:_SHOWN]!r}")
    if any(type(number) is not int or number < 0 for number in (*shape, start, end)):
        raise ValueError("the shape or the position of a tensor is not a whole number")
    if math.prod(max(1, n) for n in shape) > _MOST_VALUES:
        raise ValueError("a tensor is larger than any memory")
    return _Layout(dtype, tuple(shape), start, end)


def _n_bytes(layout: _Layout) -> int:
    return math.prod(layout.shape) * _DTYPES[layout.dtype].itemsize


def read_tensors(stream: BinaryIO, name: str, *, check: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all tensors."""
    header = read_header(stream, name)
    content = hashlib.sha256(header.to_hash()) if check and SEAL in header.about else None
    tensors = {}
    for key, layout in header.tensors.items():
        tensors[key] = torch.empty(layout.shape, dtype=_DTYPES[layout.dtype], device="cpu")
        if layout.end == layout.start:
            continue
        memory: Any = tensors[key].reshape(-1).view(torch.uint8).numpy()  # no copy
        if stream.readinto(memory) != len(memory):  # type: ignore[attr-defined]
            raise _damaged(name, "it became shorter while it was read")
        if content is not None:
            content.update(memory)
    if content is not None:
        _compare(name, content.hexdigest(), header)
    return tensors, header.about


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """Read all tensors of a file, and compare its seal once per process."""
    stamp = stamp_of(file)
    with file.open("rb") as stream:
        tensors, about = read_tensors(stream, f"'{file}'", check=stamp not in _whole)
    _whole[stamp] = about
    return tensors


def about_of(file: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file; raise WeightsError for any other file."""
    with file.open("rb") as stream:
        return read_header(stream, f"'{file}'").about


def seal(file: Path) -> None:
    """Write the hash of a file into its metadata, in place of the zeros (`UNSEALED`)."""
    with file.open("r+b") as stream:
        header = read_header(stream, f"'{file}'")
        digest = _hash_rest(stream, header)
        stream.seek(0)
        stream.write(header.raw.replace(_sealed_text(UNSEALED), _sealed_text(digest)))


def check_seal(file: Path) -> dict[str, str]:
    """Compare a file with its seal, and return its metadata."""
    with file.open("rb") as stream:
        header = read_header(stream, f"'{file}'")
        if SEAL in header.about:
            _compare(f"'{file}'", _hash_rest(stream, header), header)
    return header.about


def whole(file: Path) -> dict[str, str]:
    """Compare a file with its seal once per process and change of the file, and return its metadata."""
    stamp = stamp_of(file)
    if stamp not in _whole:
        _whole[stamp] = check_seal(file)
    return _whole[stamp]


def _hash_rest(stream: BinaryIO, header: Header) -> str:
    content = hashlib.sha256(header.to_hash())
    while chunk := stream.read(_CHUNK_BYTES):
        content.update(chunk)
    return content.hexdigest()


def _compare(name: str, found: str, header: Header) -> None:
    if found != header.about[SEAL]:
        raise _damaged(name, "its content is not what was written")


def _sealed_text(digest: str) -> bytes:
    """Return the text of a seal in the header; it is unique, as quotes within values are escaped."""
    return f'"{SEAL}":"{digest}"'.encode()


def _damaged(name: str, reason: str) -> WeightsError:
    return WeightsError(f"{name} is damaged or no safetensors file: {reason}.")
