"""Number and duration of the clips of each class, from file headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sklearn_audio._progress import progress_bar
from sklearn_audio._threads import ordered_map
from sklearn_audio.validation import AudioClips, check_audio, check_labels

# Duration in seconds, sample rate in Hz, number of channels.
Measured = tuple[float, int, int]
# A rate for check_audio; unused, as nothing is decoded.
_ANY_RATE = 16000


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

    Only file headers are read. A clip with several labels counts for each of them, one without labels for none.

    Parameters
    ----------
    data : Bunch or sequence of clips
        The result of a loader, or clips in any form that estimators accept as X.
    target : array-like of shape (n_clips,) or (n_clips, n_labels), default=None
        Labels, or an indicator matrix. None: those of the Bunch; without labels there is one row, ``all``.
    target_names : array-like of str, default=None
        Names of the columns of an indicator matrix. None: those of the Bunch, else column numbers.
    sample_rate : int, default=None
        Rate of bare arrays in Hz. None: that of the Bunch.
    n_jobs : int, default=None
        Number of threads that read headers.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DataFrame
        One row per class, with the columns ``class``, ``n_clips``, ``total_s``, ``min_s``, ``median_s``, ``max_s``
        (seconds; NaN without clips), ``sample_rates`` and ``channels`` (sorted tuples).

    Raises
    ------
    TypeError, ValueError
        If `data` has no clips, `data` and `target` differ in length, a label is missing, or bare arrays have no rate.
    AudioReadError
        If a header cannot be read.

    Examples
    --------
    >>> from sklearn_audio.datasets import make_sound_events, summarize_clips
    >>> summary = summarize_clips(
    ...     make_sound_events(20, duration=0.5, random_state=0)
    ... )
    >>> summary[["class", "n_clips", "total_s", "sample_rates"]]
          class  n_clips  total_s sample_rates
    0     chirp        4      2.0     (16000,)
    1     click        4      2.0     (16000,)
    2  harmonic        4      2.0     (16000,)
    3     noise        4      2.0     (16000,)
    4      tone        4      2.0     (16000,)
    """
    if isinstance(data, dict) and "data" in data:
        bunch = data
        target = bunch.get("target") if target is None else target
        target_names = bunch.get("target_names") if target_names is None else target_names
        sample_rate = bunch.get("sample_rate") if sample_rate is None else sample_rate
        data = bunch["data"]
    clips = check_audio(data, _ANY_RATE, bare_rate=sample_rate)
    n_clips = len(clips)
    members = list(_members(check_labels(target), target_names, n_clips))
    # threads: reading headers releases the GIL
    results = ordered_map(lambda row: _measured(clips, row), range(n_clips), n_jobs)
    measured = list(progress_bar(results, total=n_clips, unit="clip", shown=verbose))
    return pd.DataFrame([_row(name, rows, measured) for name, rows in members])


def summarize_measured(
    measured: list[Measured], target: NDArray[Any], target_names: ArrayLike | None = None
) -> pd.DataFrame:
    """Summarize clips measured by `measure_clip`."""
    members = _members(target, target_names, len(measured))
    return pd.DataFrame([_row(name, rows, measured) for name, rows in members])


def _members(
    target: NDArray[Any] | None, target_names: ArrayLike | None, n_clips: int
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each class and its rows."""
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


def measure_clip(clip: Any) -> Measured:
    """Return the duration of a clip in seconds, its sample rate and its number of channels."""
    return _measured(check_audio([clip], _ANY_RATE), 0)


def _measured(clips: AudioClips, row: int) -> Measured:
    seconds, rate, n_channels = clips.measure(row)
    return seconds, int(rate), n_channels


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
