"""Outputs of an embedder: the layers asked for and their names; a table of spans, a `Ragged`, or a row per clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._names import check_name
from sklearn_audio.engine import POOLINGS, ClipVectors, pool, pool_over_time
from sklearn_audio.engine.models import ClipPatching, ModelCard, has_time_steps, layer_labels, layer_width, layers_of
from sklearn_audio.nets import OVER_TIME
from sklearn_audio.ragged import Ragged, RaggedBuilder

__all__ = ["layers_asked", "names_of", "outputs_of", "pooled_of", "ragged_of", "table_of"]


def layers_asked(card: ModelCard, layer: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the requested layers."""
    known = layers_of(card)
    if layer == "all" and "all" not in known:
        return known
    asked = (card.layer,) if layer is None else (layer,) if isinstance(layer, str) else tuple(layer)
    if not asked:
        raise ValueError("layer=[] is empty; name at least one layer, or leave layer at None.")
    for name in asked:
        if not isinstance(name, str):
            raise TypeError(f"layer must be a name, a list of names, 'all' or None, got {name!r} in {layer!r}.")
        check_name("layer", name, known)
        if asked.count(name) > 1:
            raise ValueError(f"layer={list(asked)!r} names {name!r} more than once; name each layer once.")
    return asked


def outputs_of(card: ModelCard, layers: tuple[str, ...], pooling: str | None, *, cut: bool) -> tuple[str, ...]:
    """Return the outputs of the network: the layers, or, for clips taken whole, their statistics over time."""
    if card.statistics:
        return tuple(layer + OVER_TIME for layer in layers)
    is_whole = isinstance(card.patching, ClipPatching) and not card.patching.fixed
    if cut or pooling in (None, "mean") or not is_whole:
        return layers
    timeless = [layer for layer in layers if not has_time_steps(card, layer)]
    if timeless and pooling != "max":
        raise ValueError(
            f"pooling={pooling!r} needs several vectors of a clip, but {card.name} takes a clip whole, and its layer "
            f"{timeless[0]!r} has no time steps; choose pooling='mean', or cut the clips with window=."
        )
    return tuple(layer if layer in timeless else layer + OVER_TIME for layer in layers)


def names_of(
    card: ModelCard, layers: tuple[str, ...], prefix: str, pooling: str | None, *, alone: bool
) -> NDArray[np.object_]:
    """Name the features of a row."""
    statistics = POOLINGS[pooling] if pooling else ()
    endings = [f"_{kind}" for kind in statistics] if len(statistics) > 1 else [""]
    names: list[str] = []
    for layer in layers:
        block = f"{prefix}_{layer}"
        numbered = [f"{prefix if alone else block}_{i}" for i in range(layer_width(card, layer))]
        of_layer = (layer_labels(card, layer) if alone else None) or numbered
        names += [f"{name}{ending}" for ending in endings for name in of_layer]
    return np.asarray(names, dtype=object)


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
