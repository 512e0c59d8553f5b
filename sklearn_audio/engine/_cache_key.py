"""What tells one clip from another: the content of a recording or its place and date, or the numbers of an array."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from typing import Any, Literal, NamedTuple

import numpy as np

from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.files import Source
from sklearn_audio.files._sources import open_source
from sklearn_audio.validation import AudioClips
from sklearn_audio.validation._rows import Row

__all__ = ["CacheKey", "ClipKey", "clip_key"]

CacheKey = Literal["content", "stat"]

_CHUNK_BYTES = 1 << 20


class ClipKey(NamedTuple):
    """The name of a clip's entry, and the file it was told by."""

    digest: str
    path: str | None = None
    stamp: Stamp | None = None

    def still_holds(self) -> bool:
        """Whether the file is what it was when the key was made."""
        return self.path is None or _stamp(self.path) == self.stamp


def clip_key(clips: AudioClips, row: int, recipe: str, cache_key: CacheKey) -> ClipKey | None:
    """Name the entry of a clip."""
    clip = clips._rows[row].decoded(clips.describe(row))
    place = (*clips._bounds(clip), clips.sample_rate, clips._channel)
    if clip.source is None:
        numbers = _numbers(clip, clips._bare_rate)
        return None if numbers is None else ClipKey(_digest(recipe, numbers, place))
    if _is_read_once(clip.source):
        return None
    path = os.path.abspath(os.fsdecode(clip.source)) if isinstance(clip.source, (str, os.PathLike)) else None
    stamp = _stamp(path)
    told = stamp if cache_key == "stat" and stamp else (_content(clip.source, row),)
    return ClipKey(_digest(recipe, told, place), path, stamp)


def _numbers(clip: Row, bare_rate: float | None) -> tuple[object, ...] | None:
    array = np.ascontiguousarray(clip.array)
    if array.dtype.kind not in "iuf":  # no waveform, as whoever reads it will say
        return None
    # all that a rectangular X changes is how whole numbers are scaled
    rectangular = clip.rectangular and array.dtype.kind != "f"
    samples = hashlib.sha256(array.data).hexdigest()
    return array.dtype.str, array.shape, samples, float(clip.rate or bare_rate or 0), rectangular


def _is_read_once(source: Any) -> bool:
    try:
        return hasattr(source, "read") and not (hasattr(source, "seekable") and source.seekable())
    except (OSError, ValueError):  # whoever reads it says what is wrong with it
        return True


def _content(source: Source, row: int) -> str:
    content = hashlib.sha256()
    with closing(open_source(source, row)) as opened:
        while chunk := opened.file.read(_CHUNK_BYTES):
            content.update(chunk)
        opened.raise_failure()
    return content.hexdigest()


def _digest(recipe: str, told: tuple[object, ...], place: tuple[object, ...]) -> str:
    return hashlib.sha256(repr((recipe, told, place)).encode("utf-8", "surrogatepass")).hexdigest()


def _stamp(path: str | None) -> Stamp | None:
    if path is None:
        return None
    try:
        return stamp_of(path)
    except (OSError, ValueError):  # whoever opens the file says what is wrong with it
        return None
