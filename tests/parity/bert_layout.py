"""BERT's weights under the names of transformers, drawn so that any machine can draw them again, and under ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLIPS", "OPTIONS", "TOKENS", "draw", "to_ours"]

TOKENS = 20
OPTIONS: dict[str, Any] = {
    "n_outputs": 3,
    "width": 32,
    "n_layers": 3,
    "n_heads": 4,
    "feedforward_size": 48,
    "max_length": 24,
}
CLIPS = {"one": [3], "short": [0, 7, 7, 19, 2], "longest": [(5 * i) % TOKENS for i in range(23)]}

_IN_LAYER = {
    "attention.self.query": "attention.query",
    "attention.self.key": "attention.key",
    "attention.self.value": "attention.value",
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "widen",
    "output.dense": "narrow",
    "output.LayerNorm": "output_norm",
}


def draw(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    """Draw tensors at scales that let the signal and its differences through, norms included."""
    drawn = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(crc32(name.encode()))
        values = rng.normal(size=shape)
        if "LayerNorm" in name:
            values = 0.3 * values + name.endswith("weight")
        elif len(shape) == 2 and "embeddings" not in name:
            values /= np.sqrt(shape[1])
        drawn[name] = values.astype(np.float32)
    return drawn


def to_ours(theirs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Rename; the vector in front is that of its token, and the one kind of segment goes into the positions."""
    words = theirs["bert.embeddings.word_embeddings.weight"]
    segment = theirs["bert.embeddings.token_type_embeddings.weight"][0]
    ours = {
        "input.embedding.weight": np.concatenate([words[:TOKENS], np.zeros_like(words[:1])]),
        "encoder.first": words[TOKENS + 1],
        "encoder.positions": theirs["bert.embeddings.position_embeddings.weight"] + segment,
    }
    for leaf in ("weight", "bias"):
        ours[f"encoder.norm.{leaf}"] = theirs[f"bert.embeddings.LayerNorm.{leaf}"]
        ours[f"pooler.{leaf}"] = theirs[f"bert.pooler.dense.{leaf}"]
        ours[f"head.{leaf}"] = theirs[f"classifier.{leaf}"]
        for i in range(OPTIONS["n_layers"]):
            for name, renamed in _IN_LAYER.items():
                ours[f"encoder.layers.{i}.{renamed}.{leaf}"] = theirs[f"bert.encoder.layer.{i}.{name}.{leaf}"]
    return ours
