"""Outputs of an embedder from the vectors of clips: a table of spans, a `Ragged` of patches, or a row per clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio.engine import POOLINGS, ClipVectors, pool, pool_over_time
from sklearn_audio.nets import OVER_TIME
from sklearn_audio.ragged import Ragged, RaggedBuilder

__all__ = ["pooled_of", "ragged_of", "table_of"]


def table_of(spans: Iterable[NDArray[np.float64]]) -> pd.DataFrame:
    """List the spans of all clips; a row of NaN for a clip without any."""
    tables = []
    for row, where in enumerate(spans):
        start, end = where.T if len(where) else np.full((2, 1), np.nan)  # (n_patches, 2)
        tables.append(pd.DataFrame({"clip": row, "start": start, "end": end}))
    return pd.concat(tables, ignore_index=True)


def ragged_of(vectors: Iterator[ClipVectors], widths: dict[str, int]) -> Ragged:
    """Stack the vectors of each clip (means only, if there are statistics); a row of NaN for a clip that failed."""
    width = sum(_n_values(widths).values())
    builder = RaggedBuilder((width,), np.float32)
    for clip in vectors:
        if clip.vectors:
            blocks = (np.stack(of_layer)[:, : _n_values(widths)[name]] for name, of_layer in _by_layer(clip, widths))
            builder.extend(np.hstack(list(blocks)))
        else:
            builder.extend(np.full((1, width), np.nan, np.float32))
        builder.close_row()
    return Ragged(*builder.finish())


def pooled_of(
    vectors: Iterator[ClipVectors], n_clips: int, widths: dict[str, int], pooling: str
) -> NDArray[np.float32]:
    """Pool the vectors of each clip, layer by layer; NaN for a clip that failed."""
    n_values = sum(_n_values(widths).values()) * len(POOLINGS[pooling])
    pooled = np.full((n_clips, n_values), np.nan, dtype=np.float32)
    for row, clip in zip(pooled, vectors, strict=True):
        if clip.vectors:
            weights = np.array(clip.weights)
            blocks = [
                (pool_over_time if name.endswith(OVER_TIME) else pool)(of_layer, weights, pooling)
                for name, of_layer in _by_layer(clip, widths)
            ]
            row[:] = np.concatenate(blocks)
    return pooled


def _n_values(widths: dict[str, int]) -> dict[str, int]:
    """Count the values of each layer; a layer over time has three statistics of each."""
    return {name: width // 3 if name.endswith(OVER_TIME) else width for name, width in widths.items()}


def _by_layer(clip: ClipVectors, widths: dict[str, int]) -> Iterator[tuple[str, list[NDArray[np.float32]]]]:
    """Iterate over the layers with the vectors of all patches."""
    start = 0
    for name, width in widths.items():
        yield name, [vector[start : start + width] for vector in clip.vectors]
        start += width
