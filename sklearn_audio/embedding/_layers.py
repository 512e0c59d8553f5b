"""The layers that an embedder returns: their names, pooling, and feature names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._names import check_name
from sklearn_audio.engine import POOLINGS
from sklearn_audio.engine.models import ClipPatching, ModelCard, has_time_steps, layer_labels, layer_width, layers_of
from sklearn_audio.nets import OVER_TIME

__all__ = ["layers_asked", "names_of", "outputs_of"]


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
