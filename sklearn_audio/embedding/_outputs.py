"""Vectors of clips to the outputs of an embedder: a table of spans, a `Ragged` of patches, a row per clip."""

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


def ragged_of(vectors: Iterator[ClipVectors], width: int) -> Ragged:
    """Stack the vectors of each clip; a row of NaN for a clip that failed."""
    builder = RaggedBuilder((width,), np.float32)
    for clip in vectors:
        # of statistics, the means come first
        builder.extend(np.stack(clip.vectors)[:, :width] if clip.vectors else np.full((1, width), np.nan, np.float32))
        builder.close_row()
    return Ragged(*builder.finish())


def pooled_of(
    vectors: Iterator[ClipVectors], n_clips: int, widths: dict[str, int], pooling: str
) -> NDArray[np.float32]:
    """Pool the vectors of each clip, layer after layer; NaN for a clip that failed."""
    n_values = sum(width // 3 if name.endswith(OVER_TIME) else width for name, width in widths.items())
    pooled = np.full((n_clips, n_values * len(POOLINGS[pooling])), np.nan, dtype=np.float32)
    for row, clip in zip(pooled, vectors, strict=True):
        if clip.vectors:
            row[:] = _pooled(clip, widths, pooling)
    return pooled


def _pooled(clip: ClipVectors, widths: dict[str, int], pooling: str) -> NDArray[np.float32]:
    blocks, start, weights = [], 0, np.array(clip.weights)
    for name, width in widths.items():
        of_layer = [vector[start : start + width] for vector in clip.vectors]
        start += width
        join = pool_over_time if name.endswith(OVER_TIME) else pool
        blocks.append(join(of_layer, weights, pooling))
    return np.concatenate(blocks)
