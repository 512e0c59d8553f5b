"""`VectorCache`: the vectors of clips on disk, by the content of the clip and the identity of the model.

The name of an entry is the hash of its key, and its content has a checksum. Entries are written atomically, so
processes share a folder without locks. Files that are not entries are never changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from joblib import Memory

from sklearn_audio import weights as published
from sklearn_audio._atomic import remove_unfinished, written_whole
from sklearn_audio._caller import warn_caller
from sklearn_audio._meaning import Uses, needs
from sklearn_audio._paths import local_path, new_folder
from sklearn_audio._sklearn import StrOptions
from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.engine._networks import WeightsSource, parts_of
from sklearn_audio.engine._patches import ClipVectors
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.files import Source
from sklearn_audio.files._sources import open_source
from sklearn_audio.validation import AudioClips
from sklearn_audio.validation._rows import Row
from sklearn_audio.weights._readers import content_hash

__all__ = [
    "CACHE_CONSTRAINTS",
    "CACHE_USES",
    "CacheKey",
    "DiskCache",
    "VectorCache",
    "cache_on_disk",
    "content_of",
    "open_cache",
    "parse_bytes",
    "weights_identity",
]

CacheKey = Literal["content", "stat"]

# Constraints of the parameters of all estimators with a cache.
CACHE_CONSTRAINTS: dict[str, list[Any]] = {
    "cache": [None, str, os.PathLike, Memory],
    "cache_key": [StrOptions({"content", "stat"})],
}
CACHE_USES: Uses = {"cache_key": needs("cache", lambda owner: cache_on_disk(owner.cache) is not None, "cache")}

_LIMIT = "SKLEARN_AUDIO_CACHE_BYTES"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_DEFAULT_LEVEL, _HIGHEST_LEVEL = 3, 9  # of zlib: joblib's for compress=True, and the largest
_CHECKS_PER_LIMIT = 10  # measure the folder whenever a tenth of the limit has been added
_CHUNK_BYTES = 1 << 20

_MAGIC = b"sklearn-audio vectors 2\n"
_CHECKSUM_BYTES = 32
_HEAD = struct.Struct("<QIB")  # timepoints of the clip, bytes of its warnings, axes of the vectors
_PLAIN, _COMPRESSED = b"\0", b"\1"

_FOLDER = "sklearn_audio_vectors"
_INCOMING = "incoming"
_ENTRY = re.compile(r"[0-9a-f]{64}\.vectors")
_SHARD = re.compile(r"[0-9a-f]{2}")
_ABANDONED_SECONDS = 3600.0  # writing takes milliseconds, so a process that started this long ago was killed


class VectorCache:
    """The cache of one model, from clips to vectors."""

    def __init__(
        self,
        disk: DiskCache,
        identities: Callable[[], dict[str, str]],
        cache_key: CacheKey = "content",
        compression: int = 0,
    ) -> None:
        self._disk = disk
        self._compression = compression
        self._current_identities = identities
        self._identities = identities()
        self._cache_key: CacheKey = cache_key
        limit = os.environ.get(_LIMIT)
        self._limit = parse_bytes(limit, _LIMIT) if limit else None
        self._n_new_bytes = 0
        self._has_written = False
        self._writes = True

    def get(self, clips: AudioClips, row: int, layers: tuple[str, ...]) -> tuple[ClipKey | None, ClipVectors | None]:
        """Look up all layers of a clip, None if one of them is missing; thread-safe."""
        key = _clip_key(clips, row, self._cache_key)
        if key is None:
            return None, None
        parts: list[ClipVectors] = []
        for layer in layers:
            part = self.read(key, layer)
            if part is None or (parts and part.weights != parts[0].weights):
                return key, None
            parts.append(part)
        return key, _side_by_side(parts)

    def read(self, key: ClipKey, layer: str) -> ClipVectors | None:
        """Look up one layer of a clip."""
        digest = key.digest(self._identities[layer])
        packed = self._disk.read(digest)
        return None if packed is None else _unpack(digest, packed)

    def put(self, key: ClipKey, layer: str, clip: ClipVectors) -> None:
        """Add a layer of a clip; if the folder is not writable, warn once and only read from then on."""
        if not self._may_write() or not key.still_holds():
            return
        digest = key.digest(self._identities[layer])
        packed = _pack(digest, clip, self._compression)
        self._n_new_bytes += len(packed)
        try:
            self._disk.write(digest, packed)
            if self._limit is not None and self._n_new_bytes * _CHECKS_PER_LIMIT > self._limit:
                self._shrink(self._limit)
        except OSError as error:
            self._stop_writing(error)

    def finish(self) -> None:
        """Remove the oldest entries above the limit, if there is one and something was added."""
        if self._limit is not None and self._n_new_bytes and self._writes:
            try:
                self._shrink(self._limit)
            except OSError as error:
                self._stop_writing(error)

    def _may_write(self) -> bool:
        if self._writes and not self._has_written:
            self._has_written = True
            # the weights may have been replaced between the lookup and the forward pass
            self._writes = self._current_identities() == self._identities
            try:
                self._disk.sweep()
            except OSError as error:
                self._stop_writing(error)
        return self._writes

    def _shrink(self, limit: int) -> None:
        self._disk.shrink(limit)
        self._n_new_bytes = 0

    def _stop_writing(self, error: OSError) -> None:
        self._writes = False
        warn_caller(
            f"embeddings are no longer cached in '{self._disk.folder}': {error.strerror or error}. "
            "The results are not affected; free space there, or give another folder."
        )


def _side_by_side(parts: list[ClipVectors]) -> ClipVectors:
    """Join the layers of a clip."""
    if len(parts) == 1:
        return parts[0]
    vectors = [np.concatenate(patch) for patch in zip(*(part.vectors for part in parts), strict=True)]
    return replace(parts[0], vectors=vectors)


def open_cache(cache: Any, cache_key: CacheKey, identities: Callable[[], dict[str, str]]) -> VectorCache | None:
    """Open the cache given by the parameters of an estimator, for the layers of a model with their identities."""
    disk = cache_on_disk(cache)
    return None if disk is None else VectorCache(disk, identities, cache_key, _compression(cache))


def cache_on_disk(cache: Any) -> DiskCache | None:
    """Return the folder of entries given by a parameter `cache`."""
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
    return DiskCache(folder)


def _check_memory(memory: Memory) -> None:
    """Raise for options of a Memory other than its folder and a zlib level, which do not apply to this cache."""
    compress, verbose = memory.compress, getattr(memory, "_verbose", 0)
    is_level = isinstance(compress, int) and 0 <= compress <= _HIGHEST_LEVEL
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
            f"cache=joblib.Memory(..., {', '.join(given)}) is not supported: of a Memory, only `location` and "
            "`compress`, from 0 to 9 or as a boolean, are used. Leave the rest at its defaults, or give the folder "
            "instead. The parameter `verbose` of the estimator shows progress."
        )


def _compression(cache: Any) -> int:
    """Return the zlib level of a Memory, by joblib's rule."""
    compress = cache.compress if isinstance(cache, Memory) else 0
    return _DEFAULT_LEVEL if compress is True else int(compress)


def parse_bytes(size: int | str, name: str) -> int:
    """Read a number of bytes."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", str(size), re.IGNORECASE)
    if match is None:
        raise ValueError(f"{name} must be a number of bytes, such as 500000000 or '2G', got {size!r}.")
    return int(float(match[1]) * _UNITS[match[2].upper()])


class ClipKey(NamedTuple):
    """Identity of a clip, with the path and the file stamp that it was computed from."""

    content: tuple[object, ...]
    part: tuple[object, ...]
    path: str | None = None
    stamp: Stamp | None = None

    def digest(self, identity: str) -> str:
        """Return the key of the clip's entry for a layer with this identity."""
        return hashlib.sha256(repr((identity, self.content, self.part)).encode("utf-8", "surrogatepass")).hexdigest()

    def still_holds(self) -> bool:
        """Whether the file is unchanged since the key was made."""
        return self.path is None or _stamp(self.path) == self.stamp


def _clip_key(clips: AudioClips, row: int, cache_key: CacheKey) -> ClipKey | None:
    """Compute the identity of a clip; None if it cannot be cached or is invalid, as reading it then raises."""
    clip = clips._decoded_row(row)
    part = (*clips._bounds(clip), clips.sample_rate, clips._channel)
    if clip.source is None:
        samples = _samples(clip, clips._bare_rate)
        return None if samples is None else ClipKey(samples, part)
    if _is_read_once(clip.source):
        return None
    path = os.path.abspath(os.fsdecode(clip.source)) if isinstance(clip.source, (str, os.PathLike)) else None
    stamp = _stamp(path)
    content = stamp if cache_key == "stat" and stamp else (_content(clip.source, row),)
    return ClipKey(content, part, path, stamp)


def _samples(clip: Row, bare_rate: float | None) -> tuple[object, ...] | None:
    array = np.ascontiguousarray(clip.array)
    if array.dtype.kind not in "iuf":  # not a waveform; reading it raises the error
        return None
    # a rectangular X only affects the scaling of integers
    rectangular = clip.rectangular and array.dtype.kind != "f"
    samples = hashlib.sha256(array.data).hexdigest()
    return array.dtype.str, array.shape, samples, float(clip.rate or bare_rate or 0), rectangular


def _is_read_once(source: Any) -> bool:
    try:
        return hasattr(source, "read") and not (hasattr(source, "seekable") and source.seekable())
    except (OSError, ValueError):  # reading it raises the error
        return True


def _content(source: Source, row: int) -> str:
    content = hashlib.sha256()
    with closing(open_source(source, row)) as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            content.update(chunk)
        opened.raise_failure()
    return content.hexdigest()


def _stamp(path: str | None) -> Stamp | None:
    if path is None:
        return None
    try:
        return stamp_of(path)
    except (OSError, ValueError):  # opening the file raises the error
        return None


# Hashes of checkpoints, computed once per process.
_hashes: dict[Stamp, str] = {}


def weights_identity(card: ModelCard, source: WeightsSource, *, verbose: int = 0) -> tuple[object, ...]:
    """Identify the weights of a network by their content, or by their seed."""
    if source.packed is not None or source.weights is None:
        return source.identity(None)
    if source.weights == "pretrained" and card.weights is not None:
        return content_of(published.fetch(card.weights, verbose=verbose))
    return content_of(Path(local_path(source.weights)))


def content_of(file: Path) -> tuple[str, ...]:
    """Hash all files of a checkpoint."""
    return tuple(_hash_of(part) for part in parts_of(file))


def _hash_of(file: Path) -> str:
    # the same stamp as for networks in memory: if they disagreed, old vectors could be stored under the new hash
    stamp = stamp_of(file)
    if stamp not in _hashes:
        _hashes[stamp] = content_hash(file)
    return _hashes[stamp]


def _pack(key: str, clip: ClipVectors, compression: int) -> bytes:
    """Write the vectors of a clip as bytes with a checksum."""
    vectors = np.stack(clip.vectors).astype("<f4", copy=False)  # P * (d,) -> (P, d)
    shape = struct.pack(f"<{vectors.ndim}Q", *vectors.shape)
    weights = np.asarray(clip.weights, dtype="<f8").tobytes()
    texts = json.dumps(clip.warnings).encode()
    head = _HEAD.pack(clip.n_timepoints, len(texts), vectors.ndim)
    content = b"".join((head, shape, weights, vectors.tobytes(), texts))
    body = _COMPRESSED + zlib.compress(content, compression) if compression else _PLAIN + content
    return _MAGIC + _checksum(key, body) + body


def _unpack(key: str, packed: bytes) -> ClipVectors | None:
    """Read the bytes written by `_pack`; None if they are damaged."""
    start = len(_MAGIC) + _CHECKSUM_BYTES
    body = packed[start:]
    if packed[:start] != _MAGIC + _checksum(key, body):
        return None
    content = zlib.decompress(body[1:]) if body[:1] == _COMPRESSED else body[1:]
    n_timepoints, n_text, n_axes = _HEAD.unpack_from(content)
    shape = struct.unpack_from(f"<{n_axes}Q", content, _HEAD.size)
    at = _HEAD.size + 8 * n_axes
    weights = np.frombuffer(content, "<f8", shape[0], at)
    end = len(content) - n_text
    vectors = np.frombuffer(content[at + weights.nbytes : end], "<f4").reshape(shape)  # (P * d,) -> (P, d)
    return ClipVectors(list(vectors.astype(np.float32)), weights.tolist(), n_timepoints, json.loads(content[end:]))


def _checksum(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + body).digest()


class _Entry(NamedTuple):
    """A file of the cache; sorts by the time of its last use."""

    used_ns: int
    path: str
    n_bytes: int


class DiskCache:
    """A folder of entries that processes share without locks.

    Two processes that write the same entry write the same bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = folder / _FOLDER
        self._incoming = self._root / _INCOMING

    def read(self, key: str) -> bytes | None:
        """Return the bytes of an entry and mark it as used; None if there is none or it cannot be read."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):  # times of use are not needed in a read-only folder, from which nothing is removed
            os.utime(path)
        return content

    def write(self, key: str, content: bytes) -> None:
        """Add or replace an entry."""
        try:
            self._write(key, content)
        except FileNotFoundError:  # another process cleared the cache in the meantime
            self._write(key, content)

    def _write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        for folder in (path.parent, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        with written_whole(path, folder=self._incoming) as unfinished:
            unfinished.write_bytes(content)

    def shrink(self, max_bytes: int) -> int:
        """Remove the least recently used entries until the others fit; return the number of bytes removed."""
        entries = sorted(self._entries())
        excess, removed = sum(entry.n_bytes for entry in entries) - max_bytes, 0
        for entry in entries:
            if removed >= excess:
                break
            Path(entry.path).unlink(missing_ok=True)  # another process may remove it at the same time
            removed += entry.n_bytes
        return removed

    def sweep(self) -> None:
        """Remove unfinished files of killed processes."""
        remove_unfinished(self._incoming, older_than=_ABANDONED_SECONDS)

    def remove_empty_folders(self) -> None:
        """Remove empty folders of the cache."""
        for folder in (*self._shards(), self._incoming, self._root):
            with suppress(OSError):  # not empty, or missing
                os.rmdir(folder)

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / f"{key}.vectors"

    def _entries(self) -> Iterator[_Entry]:
        for shard in self._shards():
            yield from _files(shard, _ENTRY)

    def _shards(self) -> list[Path]:
        return [self._root / name for name in _names(self._root) if _SHARD.fullmatch(name)]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path, pattern: re.Pattern[str]) -> Iterator[_Entry]:
    for name in filter(pattern.fullmatch, _names(folder)):
        path = os.path.join(folder, name)
        with suppress(FileNotFoundError):  # another process has removed it
            status = os.lstat(path)
            yield _Entry(status.st_mtime_ns, path, status.st_size)
