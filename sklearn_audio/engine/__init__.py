"""The engine: clips decoded in the background, pretrained networks on any device, and a cache of their vectors.

Estimator families import this module, `engine.models` and `engine.training`, and nothing below them.
"""

from sklearn_audio.engine._cache import (
    CACHE_CONSTRAINTS,
    CACHE_USES,
    CacheKey,
    cache_on_disk,
    content_of,
    parse_bytes,
)
from sklearn_audio.engine._clips import ClipErrors, check_output, collect_rows, ordered_streams
from sklearn_audio.engine._layer_body import LayerBody, NetworkBody, layers_run
from sklearn_audio.engine._networks import WeightsSource, pack_network, parts_of, read_network, resolve_device, seed_of
from sklearn_audio.engine._patches import (
    ClipVectors,
    PatchOptions,
    front_end_frames,
    longest_patch,
    patch_spans,
    to_tensor,
)
from sklearn_audio.engine._pooling import POOLINGS, pool, pool_over_time
from sklearn_audio.engine._pretrained import Postprocess, PretrainedModel
from sklearn_audio.engine._prompts import PromptSource, label_rows
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine._tuned_network import (
    PretrainedBody,
    TunedNetwork,
    add_low_rank,
    blend,
    check_masks,
    merge_low_rank,
)
from sklearn_audio.engine._window_scores import (
    class_names,
    labels_of,
    reading_of,
    score_windows,
    scores_of,
    windowing_of,
)
from sklearn_audio.engine._window_values import ClipWindows, Window, WindowGrid, Windowing, WindowRows, window_values

__all__ = [
    "CACHE_CONSTRAINTS",
    "CACHE_USES",
    "POOLINGS",
    "CacheKey",
    "ClipErrors",
    "ClipVectors",
    "ClipWindows",
    "LayerBody",
    "NetworkBody",
    "PatchOptions",
    "Postprocess",
    "PretrainedBody",
    "PretrainedModel",
    "PromptSource",
    "ScratchValues",
    "TunedNetwork",
    "WeightsSource",
    "Window",
    "WindowGrid",
    "WindowRows",
    "Windowing",
    "add_low_rank",
    "blend",
    "cache_on_disk",
    "check_masks",
    "check_output",
    "class_names",
    "collect_rows",
    "content_of",
    "front_end_frames",
    "label_rows",
    "labels_of",
    "layers_run",
    "longest_patch",
    "merge_low_rank",
    "ordered_streams",
    "pack_network",
    "parse_bytes",
    "parts_of",
    "patch_spans",
    "pool",
    "pool_over_time",
    "read_network",
    "reading_of",
    "resolve_device",
    "score_windows",
    "scores_of",
    "seed_of",
    "to_tensor",
    "window_values",
    "windowing_of",
]
