"""Vectors of clips that wait for a full batch."""

import numpy as np

from sklearn_audio.engine import _pretrained
from sklearn_audio.engine._pretrained import _Queue


def test_vectors_of_several_shapes_are_stored(monkeypatch):
    """The decisions of a network on segments have one row per segment, so their shape depends on the clip."""
    monkeypatch.setattr(_pretrained, "_VALUES_PER_BLOCK", 16)
    queue = _Queue(None, None, 1, None, None)
    vectors = [np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32) for n in (2, 1, 3, 9, 1, 2)]
    stored = [queue._stored(vector) for vector in vectors]
    for vector, row in zip(vectors, stored, strict=True):
        np.testing.assert_array_equal(row, vector)
        assert not np.shares_memory(row, vector)
