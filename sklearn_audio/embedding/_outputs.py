"""Vectors of clips to the outputs of an embedder: a table of spans, a `Ragged` of patches, a row per clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio.engine import POOLINGS, ClipVectors, pool, pool_statistics
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


def pooled_of(vectors: Iterator[ClipVectors], n_clips: int, width: int, pooling: str) -> NDArray[np.float32]:
    """Pool the vectors of each clip; NaN for a clip that failed."""
    pooled = np.full((n_clips, width * len(POOLINGS[pooling])), np.nan, dtype=np.float32)
    for row, clip in zip(pooled, vectors, strict=True):
        if clip.vectors:
            join = pool if len(clip.vectors[0]) == width else pool_statistics
            row[:] = join(clip.vectors, np.array(clip.weights), pooling)
    return pooled
