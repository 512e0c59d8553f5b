"""Vectors of labels: their prompts embedded by a text tower, in memory and in the cache."""

from __future__ import annotations

import json
from collections import OrderedDict
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._stamp import stamp_of
from sklearn_audio._version import __version__
from sklearn_audio.engine._cache import ClipKey, content_of, open_cache
from sklearn_audio.engine._patches import ClipVectors
from sklearn_audio.engine.models import embed_texts

__all__ = ["PromptSource", "label_rows"]

_MAX_KEPT = 32

_kept: OrderedDict[tuple[object, ...], NDArray[np.float32]] = OrderedDict()
_lock = ForkSafeLock()


class PromptSource(NamedTuple):
    """The text tower of a model: its configuration as JSON, its safetensors file, and the folder of its tokenizer."""

    config: str
    weights: Path
    tokenizer: Path

    @property
    def texts(self) -> list[Path]:
        """The files of text in the tokenizer's folder."""
        return sorted(file for file in self.tokenizer.iterdir() if file.suffix in (".json", ".txt"))

    def content(self) -> tuple[object, ...]:
        """Return everything that the vectors of prompts depend on, by content."""
        texts = [sha256(file.read_bytes()).hexdigest() for file in self.texts]
        return (__version__, self.config, content_of(self.weights), *texts)


def label_rows(source: PromptSource, prompts: tuple[tuple[str, ...], ...], cache: Any) -> NDArray[np.float32]:
    """Return the row of each label, whose product with the vector of a clip is the label's logit.

    The row is the mean of the vectors of the label's prompts, scaled to the norm of the model's scale. Clones and folds
    share the rows in memory.

    Shapes: -> (n_labels, d).
    """
    with _lock:
        key = (source.config, prompts, repr(cache), *map(stamp_of, (source.weights, *source.texts)))
        if key not in _kept:
            _kept[key] = _from_disk(source, prompts, cache)
            while len(_kept) > _MAX_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _from_disk(source: PromptSource, prompts: tuple[tuple[str, ...], ...], cache: Any) -> NDArray[np.float32]:
    """Return the rows from the cache of an estimator, or compute and store them."""
    entries = open_cache(cache, "content", lambda: {"": repr((prompts, source.content()))})
    if entries is None:
        return _computed(source, prompts)
    key = ClipKey((), ())  # of no clip
    kept = entries.read(key, "")
    if kept is None:
        kept = ClipVectors(list(_computed(source, prompts)), [1.0] * len(prompts))
        entries.put(key, "", kept)
        entries.finish()
    return np.stack(kept.vectors)


def _computed(source: PromptSource, prompts: tuple[tuple[str, ...], ...]) -> NDArray[np.float32]:
    flat = [prompt for of_label in prompts for prompt in of_label]
    vectors, scale = embed_texts(json.loads(source.config), source.weights, source.tokenizer, flat)
    means = vectors.reshape(len(prompts), -1, vectors.shape[1]).mean(axis=1)  # (n_labels * n_templates, d) -> (L, d)
    rows: NDArray[np.float32] = scale * means / np.linalg.norm(means, axis=1, keepdims=True)
    return rows.astype(np.float32)
