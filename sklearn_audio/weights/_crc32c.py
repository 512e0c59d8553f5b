"""The checksum CRC-32C (Castagnoli), as TensorFlow stores it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["masked_crc32c"]

_POLYNOMIAL = 0x82F63B78  # bits reversed
_ONES = 0xFFFFFFFF
_MASK = 0xA282EAD8  # TensorFlow rotates a checksum and adds this, so that data may contain checksums


def masked_crc32c(content: bytes | memoryview) -> int:
    """Compute the checksum of some bytes.

    The bytes are split into segments that are processed in parallel. A segment of zeros is a linear map of the
    preceding 32 bits, by which the results are combined.
    """
    n_steps = math.isqrt(len(content)) or 1
    n_pieces = len(content) // n_steps
    pieces = np.frombuffer(content, np.uint8, n_steps * n_pieces).reshape(n_pieces, n_steps)
    state = np.append(np.zeros(n_pieces, np.uint32), np.uint32(1) << np.arange(32, dtype=np.uint32))
    for step in range(n_steps):
        state[:n_pieces] ^= pieces[:, step]
        state = _TABLE[state & 0xFF] ^ state >> 8
    checksums, bits = state[:n_pieces].tolist(), state[n_pieces:].tolist()
    total = _ONES
    for checksum in checksums:
        joined = checksum
        for i in range(32):
            joined ^= bits[i] if total >> i & 1 else 0
        total = joined
    for byte in bytes(content[n_steps * n_pieces :]):
        total = int(_TABLE[(total ^ byte) & 0xFF]) ^ total >> 8
    total ^= _ONES
    return ((total >> 15 | total << 17) + _MASK) & _ONES


def _table() -> NDArray[np.uint32]:
    state = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        state = np.where(state & 1, state >> 1 ^ np.uint32(_POLYNOMIAL), state >> 1)
    return state.astype(np.uint32)


_TABLE = _table()
