"""One row of X: parsing a clip, including the keys of a dict, and the samples of an array."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from numbers import Real
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._column_names import PATH_NAMES, Span, find_column, find_span
from sklearn_audio._paths import local_path
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import AUDIO_EXTENSIONS, RATES, Source, is_rate
from sklearn_audio.validation._values import end_after, is_missing, parse_seconds

CONTENT_NAMES = ("bytes", "array")
RATE_NAMES = ("sampling_rate", "sample_rate")


class Keys(NamedTuple):
    """The keys of a dict by role; None if absent."""

    path: Any
    content: dict[str, Any]
    rate: Any
    span: Span
    has_span: bool
    unknown: tuple[Any, ...]


@lru_cache(maxsize=128)
def find_keys(names: tuple[Any, ...]) -> Keys:
    """Find the roles of the keys of a dict, or of the columns of a table."""
    path, span, rate = find_column(names, PATH_NAMES), find_span(names), find_column(names, RATE_NAMES)
    content = {name: name for name in CONTENT_NAMES if name in names}
    known = {path, rate, *span, *content.values()}
    return Keys(
        path,
        content,
        rate,
        span,
        any(name is not None for name in span),
        tuple(name for name in names if name not in known),
    )


_PCM_SCALES = {"int8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}
_LONGEST_PATH = 4096
_EXTENSIONS = frozenset(map(os.fsencode, AUDIO_EXTENSIONS))
# Rows may share a decoder: one thread uses it at a time.
_LOCKS = tuple(threading.Lock() for _ in range(64))


class Row(NamedTuple):
    """One clip as given: a recording, a decoder, or an array; the rate is that stated in X."""

    source: Source | None = None
    array: NDArray[Any] | None = None
    rate: float | None = None
    start: float = 0.0
    end: float | None = None
    rectangular: bool = False
    decoder: Any = None

    def decoded(self, name: str) -> Row:
        """Return the row with the samples of its decoder as an array."""
        try:
            with _LOCKS[id(self.decoder) // 16 % len(_LOCKS)]:
                samples = self.decoder.get_all_samples()
        except (RuntimeError, OSError, ValueError) as error:
            raise AudioReadError(f"{name}: the decoder failed ({error}); check the recording.") from error
        # (n_channels, n_timepoints) -> (n_timepoints, n_channels)
        array = np.asarray(samples.data).T
        return self._replace(decoder=None, array=array, rate=float(samples.sample_rate))


def parse_rows(items: Any) -> Sequence[Row] | LazyRows:
    """Parse the rows of X, where an invalid one raises."""
    if isinstance(items, list) and _are_plain(items):
        return LazyRows(items)
    return [parse_row(item, row, rectangular=isinstance(items, np.ndarray)) for row, item in enumerate(items)]


def _are_plain(items: list[Any]) -> bool:
    """Whether all rows are paths, or all are parts of files (path and numbers), so that parsing cannot fail."""
    types = set(map(type, items))
    if types == {dict}:
        return _are_plain_dicts(items)
    if not types <= {tuple, list} or set(map(len, items)) != {3}:
        return types <= {str, bytes}
    paths, *times = zip(*items, strict=True)
    return set(map(type, paths)) == {str} and _are_times(times)


def _are_plain_dicts(items: list[dict[Any, Any]]) -> bool:
    names, *others = set(map(tuple, items))
    keys = find_keys(names)
    if others or keys.path is None or keys.unknown or keys.content or (keys.rate, keys.span.duration) != (None, None):
        return False
    paths = [item[keys.path] for item in items]
    times = [[item[name] for item in items] for name in keys.span if name is not None]
    return set(map(type, paths)) == {str} and all(paths) and _are_times(times)


def _are_times(columns: Iterable[Iterable[Any]]) -> bool:
    return {kind for column in columns for kind in set(map(type, column))} <= {float, int, NoneType}


class LazyRows:
    """Rows that are parsed on access: a million paths cost no time before they are read."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, row: int) -> Row:
        return parse_row(self._items[row], row)


def parse_row(item: Any, row: int, *, rectangular: bool = False) -> Row:
    if type(item) is str:  # fast path
        return Row(source=local_path(item))
    clip = _parse_recording(item, row)
    if clip is None and isinstance(item, tuple | list):
        clip = _parse_sequence(item, row)
    if clip is not None:
        return clip
    if isinstance(item, np.ndarray | list) or hasattr(item, "__array__"):
        array = np.asarray(item)
        if array.ndim == 2:
            raise ValueError(
                f"row {row}: a bare array of shape {array.shape} is not one clip. "
                'Average its channels, or pass {"array": x, "sampling_rate": rate} with x (n_timepoints, n_channels).'
            )
        return Row(array=array, rectangular=rectangular)
    advice = " The clip is missing: give its recording, or remove the row." * is_missing(item)
    raise TypeError(
        f"row {row}: expected a path, bytes, a binary file, an array, a dict, (array, rate) or (path, start, end), "
        f"got {type(item).__name__}.{advice}"
    )


def _parse_recording(item: Any, row: int) -> Row | None:
    """Parse a path, bytes, a file object, a decoder or a dict; None for anything else."""
    if isinstance(item, dict):
        return _parse_dict(item, row)
    if isinstance(item, bytes):
        return Row(source=local_path(item) if _is_path(item) else item)
    if isinstance(item, str | os.PathLike):
        return Row(source=local_path(item))
    if isinstance(item, bytearray | memoryview) or hasattr(item, "read"):
        return Row(source=item)
    return Row(decoder=item) if hasattr(item, "get_all_samples") else None


def _is_path(item: bytes) -> bool:
    """Whether bytes are a file name (as HDF5 and NumPy store text) rather than content."""
    if not 0 < len(item) <= _LONGEST_PATH or b"\0" in item:
        return False
    extension = item[item.rfind(b".") :].lower()
    return extension in _EXTENSIONS or os.path.isfile(os.path.expanduser(item))


def _parse_sequence(item: tuple[Any, ...] | list[Any], row: int) -> Row | None:
    """Parse a tuple, or a list that starts with a recording; None for anything else."""
    recording = _parse_recording(item[0], row) if len(item) else None
    if recording is not None and len(item) == 3:
        return _part(recording, item[1], item[2], row)
    if recording is not None and len(item) == 1:
        return recording
    if recording is not None and len(item) == 2:
        raise TypeError(f"row {row}: (path, number) is not a clip; a part of a file is (path, start_s, end_s).")
    if recording is not None and isinstance(item, list):
        raise TypeError(f"row {row}: a list of {len(item)} is not a clip; a part of a file is [path, start_s, end_s].")
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Real) and hasattr(item[0], "__len__"):
        return _rated(item[0], item[1], row)
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], Real):
        raise TypeError(
            f"row {row}: a pair is (array, sample_rate), got (number, {type(item[1]).__name__}). Swap the two."
        )
    return None


def _parse_dict(item: dict[str, Any], row: int) -> Row:
    keys = find_keys(tuple(item))
    if keys.unknown:
        raise _unknown_keys(keys, row)
    clip = _clip_of(item, keys, row)
    if not keys.has_span:
        return clip
    start, end, duration = map(item.get, keys.span)
    if not is_missing(duration):
        if not is_missing(end):
            raise ValueError(f"row {row}: a part has an end or a duration, not both; got {end!r} and {duration!r}.")
        end = end_after(start, duration, row)
    return _part(clip, start, end, row)


def _unknown_keys(keys: Keys, row: int) -> ValueError:
    advice = f" If only {keys.path!r} holds the clip, give [record[{keys.path!r}] for record in X]." * bool(keys.path)
    return ValueError(
        f"row {row}: a dict of a clip has no key(s) {list(keys.unknown)}; its keys are 'path', 'bytes' or 'array', "
        f"'sampling_rate', and 'start' and 'end' or 'offset' and 'duration' in seconds.{advice}"
    )


def _clip_of(item: dict[str, Any], keys: Keys, row: int) -> Row:
    """Parse the recording, or the array and its rate, of a dict."""
    rate, array = item.get(keys.rate), item.get("array")
    if not is_missing(array) and rate is not None:
        return _rated(array, rate, row)
    clip = _recording_of(item, keys.path, row) if is_missing(array) else None
    if clip is None:
        missing = [key for key in ("array", "sampling_rate") if is_missing(item.get(key))]
        raise ValueError(
            f"row {row}: a dict needs 'path', 'bytes', or the keys 'array' and 'sampling_rate', got {sorted(item)}; "
            f"missing: {missing}."
        )
    return clip if is_missing(rate) else clip._replace(rate=_rate(rate, row))


def _recording_of(item: dict[str, Any], path_key: Any, row: int) -> Row | None:
    """Parse the content, or else the path, of a dict."""
    for content in (item.get("bytes"), item.get(path_key)):
        if not is_missing(content) and content != "" and content != b"":
            clip = Row(source=local_path(content)) if type(content) is str else _parse_recording(content, row)
            if clip is None:
                raise TypeError(f"row {row}: expected a path or bytes in the dict, got {type(content).__name__}.")
            return clip
    return None


def _part(clip: Row, start: Any, end: Any, row: int) -> Row:
    first, last = parse_seconds(start, row) or 0.0, parse_seconds(end, row)
    if last == math.inf:
        last = None  # to the end
    if clip.source is None and not (0 <= first < math.inf and (last is None or last > first)):
        raise ValueError(
            f"row {row}: a part starts at 0 s or later and ends after its start, got {first:g} to {last} s."
        )
    return Row(clip.source, clip.array, clip.rate, first, last, decoder=clip.decoder)


def _rated(array: Any, rate: Any, row: int) -> Row:
    return Row(array=np.asarray(array), rate=_rate(rate, row))


def _rate(rate: Any, row: int) -> float:
    if not is_rate(rate):
        raise ValueError(f"row {row}: the sample rate must be a number {RATES}, got {rate!r}.")
    return float(rate)


def array_samples(clip: Row, name: str) -> NDArray[Any]:
    array = clip.array
    if array is None or array.ndim not in (1, 2) or array.shape[1:] == (0,):
        shape = None if array is None else array.shape
        raise ValueError(f"{name}: a clip has shape (n_timepoints,) or (n_timepoints, n_channels), got {shape}.")
    if array.ndim == 2 and array.shape[1] > max(32, array.shape[0]):
        raise ValueError(
            f"{name}: an array of shape {array.shape} would be {array.shape[0]} timepoints of {array.shape[1]} "
            "channels; time comes first. Transpose it."
        )
    if array.dtype.kind == "c":
        raise ValueError(f"{name}: Complex data not supported; a waveform is real.")
    integer = array.dtype.kind in "iu" and (clip.rectangular or array.dtype.name in {*_PCM_SCALES, "uint8"})
    if array.dtype.kind != "f" and not integer:
        raise TypeError(
            f"{name}: an array of {array.dtype} is not a waveform; give floats in [-1, 1], or int16 or int32, "
            "which are scaled to it."
        )
    return array


def scaled(block: NDArray[Any], *, rectangular: bool) -> NDArray[np.float32]:
    if block.dtype.name in _PCM_SCALES:
        return np.asarray(block * np.float32(1 / _PCM_SCALES[block.dtype.name]), dtype=np.float32)
    if block.dtype == np.uint8 and not rectangular:
        return (block.astype(np.float32) - 128.0) / 128.0
    with np.errstate(over="ignore"):  # infinity is checked later
        return np.asarray(block, dtype=np.float32)
