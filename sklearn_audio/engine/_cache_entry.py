"""One entry of the cache as bytes: numbers, their shape, and a checksum that a damaged entry cannot pass."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

from sklearn_audio.engine._clip_vectors import ClipVectors

__all__ = ["pack_entry", "unpack_entry"]

_MAGIC = b"sklearn-audio vectors 1\n"
_CHECKSUM_BYTES = 32
_HEAD = struct.Struct("<QB")  # timepoints of the clip, axes of the vectors


def pack_entry(key: str, clip: ClipVectors) -> bytes:
    """Write the vectors of a clip into bytes.

    Parameters
    ----------
    key : str
        Name of the entry; the bytes count for this name and no other.
    clip : ClipVectors
        At least one vector; all of one shape.

    Returns
    -------
    bytes
        Little-endian: checksum, length of the clip, shape, weights in float64, vectors in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine._cache_entry import pack_entry, unpack_entry
    >>> from sklearn_audio.engine._clip_vectors import ClipVectors
    >>> packed = pack_entry("a", ClipVectors([np.ones(2, np.float32)], [1.0], 16000))
    >>> unpack_entry("a", packed)
    ClipVectors(vectors=[array([1., 1.], dtype=float32)], weights=[1.0], n_timepoints=16000)
    >>> unpack_entry("a", packed[:-1]) is None
    True
    """
    vectors = np.stack(clip.vectors).astype("<f4", copy=False)  # P * (d,) -> (P, d)
    shape = struct.pack(f"<{vectors.ndim}Q", *vectors.shape)
    weights = np.asarray(clip.weights, dtype="<f8").tobytes()
    body = _HEAD.pack(clip.n_timepoints, vectors.ndim) + shape + weights + vectors.tobytes()
    return _MAGIC + _checksum(key, body) + body


def unpack_entry(key: str, packed: bytes) -> ClipVectors | None:
    """Read what `pack_entry` wrote.

    Parameters
    ----------
    key : str
        Name of the entry.
    packed : bytes
        Its bytes.

    Returns
    -------
    ClipVectors or None
        None if these are not, to the bit, the bytes that were written under this name.
    """
    start = len(_MAGIC) + _CHECKSUM_BYTES
    body = packed[start:]
    if packed[:start] != _MAGIC + _checksum(key, body):
        return None
    n_timepoints, n_axes = _HEAD.unpack_from(body)
    shape = struct.unpack_from(f"<{n_axes}Q", body, _HEAD.size)
    at = _HEAD.size + 8 * n_axes
    weights = np.frombuffer(body, "<f8", shape[0], at)
    vectors = np.frombuffer(body, "<f4", offset=at + weights.nbytes).reshape(shape)  # (P * d,) -> (P, d)
    return ClipVectors(list(vectors.astype(np.float32)), weights.tolist(), n_timepoints)


def _checksum(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + body).digest()
