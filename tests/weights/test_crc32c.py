"""The checksum CRC-32C: published values, and any length against the definition."""

import numpy as np
import pytest

from sklearn_audio.weights._crc32c import masked_crc32c
from tests.weights.model_files import _crc32c


def unmasked(checksum):
    rotated = (checksum - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("content", "wanted"),  # those of RFC 3720, appendix B.4, and of the catalogue of checksums
    [
        (b"123456789", 0xE3069283),
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(content, wanted):
    assert unmasked(masked_crc32c(content)) == wanted


def test_all_lengths():
    content = np.random.default_rng(0).bytes(300)
    for n_bytes in range(300):
        assert masked_crc32c(memoryview(content)[:n_bytes]) == _crc32c(content[:n_bytes])
