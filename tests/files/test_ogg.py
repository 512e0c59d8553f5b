"""Ogg: checksums against those that libogg writes; lengths are tested with those of all formats."""

import numpy as np
import pytest

from sklearn_audio.files._ogg import _checksum
from tests.files.encoding import encode_sndfile


def pages(recording):
    at = 0
    while at < len(recording):
        table = recording[at + 27 : at + 27 + recording[at + 26]]
        stop = at + 27 + len(table) + sum(table)
        yield recording[at:stop]
        at = stop


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_checksums_are_those_of_libogg(subtype):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (48000, 1))
    found = list(pages(encode_sndfile(noise, 48000, format="OGG", subtype=subtype)))
    assert len(found) > 2
    for page in found:
        assert _checksum(page[:22] + bytes(4) + page[26:]).to_bytes(4, "little") == page[22:26]
