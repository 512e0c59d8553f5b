"""One row of X: what kind of clip it is, and the samples of an array."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.files import RATES, Source, is_rate

__all__ = ["Row", "array_samples", "parse_row", "scaled"]

_PCM_SCALES = {"int8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}


@dataclass(frozen=True, slots=True)
class Row:
    """One clip as it was given: a recording to open, or an array with or without a rate."""

    source: Source | None = None
    array: NDArray[Any] | None = None
    rate: float | None = None
    start: float = 0.0
    end: float | None = None
    rectangular: bool = False


def parse_row(item: Any, row: int, *, rectangular: bool = False) -> Row:
    if isinstance(item, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(item, "read"):
        return Row(source=item)
    if isinstance(item, dict):
        return _parse_dict(item, row)
    if isinstance(item, tuple) and len(item) == 3 and isinstance(item[0], (str, os.PathLike)):
        return Row(source=item[0], start=_seconds(item[1], row) or 0.0, end=_seconds(item[2], row))
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Real) and hasattr(item[0], "__len__"):
        return _rated(item[0], item[1], row)
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], Real):
        raise TypeError(
            f"row {row}: a pair is (array, sample_rate), got (number, {type(item[1]).__name__}). Swap the two."
        )
    if isinstance(item, (np.ndarray, list)) or hasattr(item, "__array__"):
        array = np.asarray(item)
        if array.ndim == 2:
            raise ValueError(
                f"row {row}: a bare array of shape {array.shape} is not one clip. "
                'Average its channels, or pass {"array": x, "sampling_rate": rate} with x (n_timepoints, n_channels).'
            )
        return Row(array=array, rectangular=rectangular)
    raise TypeError(
        f"row {row}: expected a path, bytes, a binary file, an array, a dict or a tuple, got {type(item).__name__}."
    )


def _parse_dict(item: dict[str, Any], row: int) -> Row:
    if item.get("array") is None and (item.get("path") or item.get("bytes")):
        return Row(source=item.get("bytes") or item["path"])
    missing = [key for key in ("array", "sampling_rate") if item.get(key) is None]
    if missing:
        raise ValueError(
            f"row {row}: a dict needs the keys 'array' and 'sampling_rate', got {sorted(item)}; missing: {missing}."
        )
    return _rated(item["array"], item["sampling_rate"], row)


def _rated(array: Any, rate: Any, row: int) -> Row:
    if isinstance(array, (str, bytes)):
        raise TypeError(f"row {row}: (path, number) is no clip; a part of a file is (path, start_s, end_s).")
    if not is_rate(rate):
        raise ValueError(f"row {row}: the sample rate must be a number {RATES}, got {rate!r}.")
    return Row(array=np.asarray(array), rate=float(rate))


def _seconds(value: Any, row: int) -> float | None:
    if value is None or (isinstance(value, Real) and np.isnan(float(value))):
        return None
    if not isinstance(value, Real):
        raise TypeError(f"row {row}: start and end are seconds, got {type(value).__name__}.")
    return float(value)


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
            f"{name}: an array of {array.dtype} is no waveform; give floats in [-1, 1], or int16 or int32, "
            "which are scaled to it."
        )
    return array


def scaled(block: NDArray[Any], *, rectangular: bool) -> NDArray[np.float32]:
    if block.dtype.name in _PCM_SCALES:
        return np.asarray(block * np.float32(1 / _PCM_SCALES[block.dtype.name]), dtype=np.float32)
    if block.dtype == np.uint8 and not rectangular:
        return (block.astype(np.float32) - 128.0) / 128.0
    with np.errstate(over="ignore"):  # infinity, which is looked for
        return np.asarray(block, dtype=np.float32)
