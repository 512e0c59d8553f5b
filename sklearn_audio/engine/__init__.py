"""The engine: clips decoded in the background, pretrained networks on any device, and a cache of their vectors.

Estimator families import this module, `engine.models` and `engine.training`, and nothing below them.
"""

from sklearn_audio.engine._cache_key import CacheKey
from sklearn_audio.engine._cache_weights import pca_identity
from sklearn_audio.engine._clips import ClipErrors, collect_rows
from sklearn_audio.engine._devices import resolve_device
from sklearn_audio.engine._forward import Forward, Segmentwise
from sklearn_audio.engine._frames import front_end_frames, to_tensor
from sklearn_audio.engine._networks import (
    PCA,
    Source,
    load_network,
    load_pca,
    pack_network,
    pack_pca,
    parts_of,
    read_network,
    seed_of,
    unpack_pca,
)
from sklearn_audio.engine._outputs import check_output
from sklearn_audio.engine._patches import Cutting, longest_patch, spans
from sklearn_audio.engine._pooling import POOLINGS, pool
from sklearn_audio.engine._prefetch import ordered_map
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine._streams import ordered_streams
from sklearn_audio.engine._vector_cache import CACHE_CONSTRAINTS, CACHE_USES, cache_store, open_cache, parse_bytes
from sklearn_audio.engine.inference import ClipVectors, embed

__all__ = [
    "CACHE_CONSTRAINTS",
    "CACHE_USES",
    "PCA",
    "POOLINGS",
    "CacheKey",
    "ClipErrors",
    "ClipVectors",
    "Cutting",
    "Forward",
    "ScratchValues",
    "Segmentwise",
    "Source",
    "cache_store",
    "check_output",
    "collect_rows",
    "embed",
    "front_end_frames",
    "load_network",
    "load_pca",
    "longest_patch",
    "open_cache",
    "ordered_map",
    "ordered_streams",
    "pack_network",
    "pack_pca",
    "parse_bytes",
    "parts_of",
    "pca_identity",
    "pool",
    "read_network",
    "resolve_device",
    "seed_of",
    "spans",
    "to_tensor",
    "unpack_pca",
]
