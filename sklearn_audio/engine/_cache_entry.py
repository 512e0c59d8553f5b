"""One entry of the cache as bytes: numbers, their shape, and a checksum that a damaged entry cannot pass."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib

import numpy as np

from sklearn_audio.engine._clip_vectors import ClipVectors

__all__ = ["pack_entry", "unpack_entry"]

_MAGIC = b"sklearn-audio vectors 2\n"
_CHECKSUM_BYTES = 32
_HEAD = struct.Struct("<QIB")  # timepoints of the clip, bytes of its warnings, axes of the vectors
_PLAIN, _COMPRESSED = b"\0", b"\1"


def pack_entry(key: str, clip: ClipVectors, compression: int = 0) -> bytes:
    """Write the vectors of a clip into bytes."""
    vectors = np.stack(clip.vectors).astype("<f4", copy=False)  # P * (d,) -> (P, d)
    shape = struct.pack(f"<{vectors.ndim}Q", *vectors.shape)
    weights = np.asarray(clip.weights, dtype="<f8").tobytes()
    texts = json.dumps(clip.warnings).encode()
    head = _HEAD.pack(clip.n_timepoints, len(texts), vectors.ndim)
    content = b"".join((head, shape, weights, vectors.tobytes(), texts))
    body = _COMPRESSED + zlib.compress(content, compression) if compression else _PLAIN + content
    return _MAGIC + _checksum(key, body) + body


def unpack_entry(key: str, packed: bytes) -> ClipVectors | None:
    """Read what `pack_entry` wrote."""
    start = len(_MAGIC) + _CHECKSUM_BYTES
    body = packed[start:]
    if packed[:start] != _MAGIC + _checksum(key, body):
        return None
    content = zlib.decompress(body[1:]) if body[:1] == _COMPRESSED else body[1:]
    n_timepoints, n_text, n_axes = _HEAD.unpack_from(content)
    shape = struct.unpack_from(f"<{n_axes}Q", content, _HEAD.size)
    at = _HEAD.size + 8 * n_axes
    weights = np.frombuffer(content, "<f8", shape[0], at)
    end = len(content) - n_text
    vectors = np.frombuffer(content[at + weights.nbytes : end], "<f4").reshape(shape)  # (P * d,) -> (P, d)
    return ClipVectors(list(vectors.astype(np.float32)), weights.tolist(), n_timepoints, json.loads(content[end:]))


def _checksum(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + body).digest()
