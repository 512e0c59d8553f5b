"""How much audio there is of each class, from the headers of the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray

from sklearn_audio._progress import progress_bar
from sklearn_audio.files import audio_info

__all__ = ["Measured", "measure_clip", "summarize_clips", "summarize_measured"]

# Duration in seconds, sample rate in Hz, number of channels.
Measured = tuple[float, int, int]


def summarize_clips(
    data: Any,
    target: ArrayLike | None = None,
    *,
    target_names: ArrayLike | None = None,
    sample_rate: int | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Count the clips of each class and measure their durations.

    Of files only the headers are read. A clip with several labels counts for each of them, one without labels for
    none.

    Parameters
    ----------
    data : Bunch or sequence of clips
        What a loader of this package returns, or the clips themselves: paths, bytes, binary files,
        ``(path, start_s, end_s)`` tuples, ``(array, sample_rate)`` tuples, a DataFrame of path, start, end, or arrays.
    target : array-like of shape (n_clips,) or (n_clips, n_labels), default=None
        Labels, or an indicator matrix. None takes those of the Bunch; without any there is one row, ``all``.
    target_names : array-like of str, default=None
        Names of the columns of an indicator matrix. None takes those of the Bunch, else numbers the columns.
    sample_rate : int, default=None
        Rate of bare arrays in Hz. None takes that of the Bunch.
    n_jobs : int, default=None
        Threads that read headers.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DataFrame
        One row per class, with the columns ``class``, ``n_clips``, ``total_s``, ``min_s``, ``median_s``, ``max_s``
        (seconds; NaN where there is no clip), ``sample_rates`` and ``channels`` (sorted tuples).

    Raises
    ------
    ValueError
        If `data` and `target` differ in length, or bare arrays come without a rate.
    AudioReadError
        If a header cannot be read.

    Examples
    --------
    >>> from sklearn_audio.datasets import make_sound_events, summarize_clips
    >>> summary = summarize_clips(make_sound_events(20, duration=0.5, random_state=0))
    >>> summary[["class", "n_clips", "total_s", "sample_rates"]]
          class  n_clips  total_s sample_rates
    0     chirp        4      2.0     (16000,)
    1     click        4      2.0     (16000,)
    2  harmonic        4      2.0     (16000,)
    3     noise        4      2.0     (16000,)
    4      tone        4      2.0     (16000,)
    """
    if isinstance(data, dict):
        bunch = data
        target = bunch["target"] if target is None else target
        target_names = bunch["target_names"] if target_names is None else target_names
        sample_rate = bunch.get("sample_rate") if sample_rate is None else sample_rate
        data = bunch["data"]
    n_clips = len(data)
    members = list(_members(None if target is None else np.asarray(target), target_names, n_clips))
    measure = (delayed(measure_clip)(clip, row, sample_rate) for row, clip in enumerate(_clips(data)))
    # header reads release the interpreter lock while they wait for the disk
    results = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(measure)
    measured = list(progress_bar(results, total=n_clips, unit="clip", shown=verbose))
    return pd.DataFrame([_row(name, rows, measured) for name, rows in members])


def summarize_measured(
    measured: list[Measured], target: NDArray[Any], target_names: ArrayLike | None = None
) -> pd.DataFrame:
    """Summarise as `summarize_clips` does, from what `measure_clip` returned of each clip."""
    members = _members(target, target_names, len(measured))
    return pd.DataFrame([_row(name, rows, measured) for name, rows in members])


def _clips(data: Any) -> Iterator[Any]:
    if isinstance(data, pd.DataFrame):
        return data.itertuples(index=False, name=None) if data.shape[1] > 1 else iter(data.iloc[:, 0])
    return iter(data)


def _members(
    target: NDArray[Any] | None, target_names: ArrayLike | None, n_clips: int
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each class and the rows that belong to it."""
    if target is None:
        yield "all", np.arange(n_clips)
        return
    if len(target) != n_clips:
        raise ValueError(f"there are {n_clips} clips but {len(target)} rows of target; pass one row per clip.")
    if target.ndim == 2:
        names = np.arange(target.shape[1]) if target_names is None else np.asarray(target_names)
        yield from ((str(name), np.flatnonzero(target[:, j])) for j, name in enumerate(names))
    else:
        yield from ((str(name), np.flatnonzero(target == name)) for name in np.unique(target))


def measure_clip(clip: Any, row: int, sample_rate: int | None) -> Measured:
    """Return the duration of a clip in seconds, its sample rate and its number of channels."""
    if isinstance(clip, dict):
        clip = (clip["array"], clip["sampling_rate"])
    if isinstance(clip, tuple) and len(clip) == 2:
        clip, sample_rate = clip
    if isinstance(clip, np.ndarray):
        if sample_rate is None:
            raise ValueError(f"row {row} is an array without a sample rate; pass sample_rate=.")
        return len(clip) / sample_rate, int(sample_rate), 1 if clip.ndim == 1 else clip.shape[1]
    start, end = 0.0, np.inf
    if isinstance(clip, tuple):
        clip, start, end = clip
    info = audio_info(os.fspath(clip) if isinstance(clip, os.PathLike) else clip, row=row)
    duration = info.n_timepoints / info.sample_rate
    return max(0.0, min(end, duration) - start), info.sample_rate, info.n_channels


def _row(name: str, rows: NDArray[np.int64], measured: list[Measured]) -> dict[str, Any]:
    chosen = [measured[row] for row in rows]
    seconds = np.array([duration for duration, _, _ in chosen] or [np.nan])
    return {
        "class": name,
        "n_clips": len(chosen),
        "total_s": float(np.nansum(seconds)),
        "min_s": float(seconds.min()),
        "median_s": float(np.median(seconds)),
        "max_s": float(seconds.max()),
        "sample_rates": tuple(sorted({rate for _, rate, _ in chosen})),
        "channels": tuple(sorted({channels for _, _, channels in chosen})),
    }
