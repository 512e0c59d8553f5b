"""Golden files: what a published implementation answered, and the layout of the checkpoint it answered with."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Golden", "difference", "read_golden", "write_golden"]

Shapes = dict[str, tuple[int, ...]]
Answers = dict[str, dict[str, NDArray[np.float32]]]

_FOLDER = Path(__file__).resolve().parent / "golden"
# Of the last axis, so many values stand for all.
_EVERY = {"embedding": 8, "probabilities": 4}


class Golden(NamedTuple):
    """Names and shapes of the published checkpoint; then per clip the values of each layer, some of them."""

    layout: Shapes
    answers: Answers


def write_golden(name: str, layout: Mapping[str, Iterable[int]], answers: Mapping[str, Mapping[str, NDArray]]) -> None:
    """Write the answers on each clip, layer by layer, thinned out where a layer is wide."""
    text = json.dumps({key: list(shape) for key, shape in layout.items()})
    arrays = {"layout": np.frombuffer(text.encode(), dtype=np.uint8)}
    for clip, layers in answers.items():
        for layer, values in layers.items():
            arrays[f"{clip}/{layer}"] = _thinned(values, layer).astype(np.float32)
    path = _FOLDER / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes, {len(layout)} tensors, {len(answers)} clips\n")


def read_golden(name: str) -> Golden:
    """Read what `write_golden` wrote."""
    answers: Answers = {}
    with np.load(_FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        layout = {key: tuple(shape) for key, shape in json.loads(arrays["layout"].tobytes()).items()}
        for key in arrays.files:
            clip, _, layer = key.rpartition("/")
            if clip:
                answers.setdefault(clip, {})[layer] = arrays[key]
    return Golden(layout, answers)


def difference(ours: NDArray[np.float32], golden: NDArray[np.float32], layer: str) -> float:
    """Largest difference on one clip, relative to the largest golden value."""
    kept = _thinned(ours, layer)
    if kept.shape != golden.shape:
        raise ValueError(f"ours has shape {kept.shape}, the golden values have {golden.shape}.")
    return float(np.abs(kept - golden).max() / np.abs(golden).max())


def _thinned(values: NDArray, layer: str) -> NDArray:
    return values[..., :: _EVERY.get(layer, 1) if values.shape[-1] > 200 else 1]
