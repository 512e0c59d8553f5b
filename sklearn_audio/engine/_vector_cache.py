"""The embedding cache: the vectors of a clip by what the clip is and what is done to it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from joblib import Memory

from sklearn_audio._caller import warn_caller
from sklearn_audio._meaning import Uses, needs
from sklearn_audio._paths import new_folder
from sklearn_audio._sklearn import StrOptions
from sklearn_audio._version import __version__
from sklearn_audio.engine._cache_entry import pack_entry, unpack_entry
from sklearn_audio.engine._cache_key import CacheKey, ClipKey, clip_key
from sklearn_audio.engine._cache_store import Store
from sklearn_audio.engine._cache_weights import weights_identity
from sklearn_audio.engine._clip_vectors import ClipVectors
from sklearn_audio.engine._networks import Source
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.validation import AudioClips

__all__ = ["CACHE_CONSTRAINTS", "CACHE_USES", "VectorCache", "cache_store", "open_cache", "parse_bytes"]

# Constraints of the parameters that every estimator with a cache has.
CACHE_CONSTRAINTS: dict[str, list[Any]] = {
    "cache": [None, str, os.PathLike, Memory],
    "cache_key": [StrOptions({"content", "stat"})],
}
CACHE_USES: Uses = {"cache_key": needs("cache", lambda owner: cache_store(owner.cache) is not None, "cache")}
_LIMIT = "SKLEARN_AUDIO_CACHE_BYTES"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_USUAL, _HARDEST = 3, 9  # levels of compression: joblib's for True, and the last one
_CHECKS_PER_LIMIT = 10  # the size is looked at when a tenth of what is allowed was added


class VectorCache:
    """Finds the vectors of clips, and keeps those that were computed."""

    def __init__(
        self, store: Store, recipe: Callable[[], str], cache_key: CacheKey = "content", compression: int = 0
    ) -> None:
        self._store = store
        self._compression = compression
        self._current_recipe = recipe
        self._recipe = recipe()
        self._cache_key: CacheKey = cache_key
        limit = os.environ.get(_LIMIT)
        self._limit = parse_bytes(limit, _LIMIT) if limit else None
        self._n_new_bytes = 0
        self._begun = False
        self._writes = True

    def find(self, clips: AudioClips, row: int) -> tuple[ClipKey | None, ClipVectors | None]:
        """Look a clip up; may run in any thread."""
        key = clip_key(clips, row, self._recipe, self._cache_key)
        packed = None if key is None else self._store.read(key.digest)
        return key, None if key is None or packed is None else unpack_entry(key.digest, packed)

    def keep(self, key: ClipKey, clip: ClipVectors) -> None:
        """Add a clip; a folder that cannot be written to is warned of once, and then left alone."""
        if not self._may_write() or not key.still_holds():
            return
        packed = pack_entry(key.digest, clip, self._compression)
        self._n_new_bytes += len(packed)
        try:
            self._store.write(key.digest, packed)
            if self._limit is not None and self._n_new_bytes * _CHECKS_PER_LIMIT > self._limit:
                self._shrink(self._limit)
        except OSError as error:
            self._give_up(error)

    def finish(self) -> None:
        """Hold the limit, if there is one and something was added."""
        if self._limit is not None and self._n_new_bytes and self._writes:
            try:
                self._shrink(self._limit)
            except OSError as error:
                self._give_up(error)

    def _may_write(self) -> bool:
        if self._writes and not self._begun:
            self._begun = True
            self._writes = self._current_recipe() == self._recipe
            try:
                self._store.sweep()
            except OSError as error:
                self._give_up(error)
        return self._writes

    def _shrink(self, limit: int) -> None:
        self._store.shrink(limit)
        self._n_new_bytes = 0

    def _give_up(self, error: OSError) -> None:
        self._writes = False
        warn_caller(
            f"embeddings are not cached in '{self._store.folder}' from here on: {error.strerror or error}. "
            "The results are not affected; free space there, or give another folder."
        )


def cache_store(cache: Any) -> Store | None:
    """Return where a parameter `cache` keeps entries."""
    if isinstance(cache, Memory):
        _check_memory(cache)
    location = cache.location if isinstance(cache, Memory) else cache
    if location is None:
        return None
    folder = new_folder(location, "cache")
    if not os.fspath(location):
        raise ValueError("cache='' names no folder; give a path, or None for no cache.")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cache='{folder}' is a file; give a folder, which need not exist yet.")
    return Store(folder)


def _check_memory(memory: Memory) -> None:
    """Refuse what a Memory was told and an entry of ours cannot follow: its location and a zlib level it can."""
    compress, verbose = memory.compress, getattr(memory, "_verbose", 0)
    is_level = isinstance(compress, int) and 0 <= compress <= _HARDEST
    without_meaning = {
        "backend": (memory.backend, memory.backend == "local"),
        "mmap_mode": (memory.mmap_mode, memory.mmap_mode is None),
        "compress": (compress, is_level),
        "backend_options": (memory.backend_options, not memory.backend_options),
        "verbose": (verbose, verbose in (0, 1)),  # 1 is joblib's default
    }
    given = [f"{name}={value!r}" for name, (value, is_fine) in without_meaning.items() if not is_fine]
    if given:
        raise ValueError(
            f"cache=joblib.Memory(..., {', '.join(given)}) cannot be honoured. Of a Memory, `location` counts and "
            "`compress` from 0 to 9 or as a boolean; leave the rest at its defaults, or give the folder instead. The "
            "estimator's own `verbose` shows progress."
        )


def _compression(cache: Any) -> int:
    """Return the zlib level that a Memory asks for, by joblib's rule."""
    compress = cache.compress if isinstance(cache, Memory) else 0
    return _USUAL if compress is True else int(compress)


def open_cache(
    cache: Any,
    cache_key: CacheKey,
    card: ModelCard,
    source: Source,
    recipe: Callable[[], tuple[object, ...]],
    *,
    verbose: int = 0,
) -> VectorCache | None:
    """Open the cache that an estimator names, for one model."""
    store = cache_store(cache)
    if store is None:
        return None
    model = (__version__, card.name, card.front_end, card.patching, card.reads)

    def describe() -> str:
        return repr((model, weights_identity(card, source, verbose=verbose), recipe()))

    return VectorCache(store, describe, cache_key, _compression(cache))


def parse_bytes(size: int | str, name: str) -> int:
    """Read a number of bytes."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", str(size), re.IGNORECASE)
    if match is None:
        raise ValueError(f"{name} must be a number of bytes, such as 500000000 or '2G', got {size!r}.")
    return int(float(match[1]) * _UNITS[match[2].upper()])
