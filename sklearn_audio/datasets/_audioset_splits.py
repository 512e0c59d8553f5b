"""Splits of AudioSet that no video leaks through."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from sklearn_audio._random_state import own_random_state
from sklearn_audio.datasets._audioset import check_segments
from sklearn_audio.datasets._audioset_targets import label_matrix
from sklearn_audio.model_selection import MultilabelStratifiedShuffleSplit

__all__ = ["shared_videos", "split_audioset"]


def split_audioset(
    segments: pd.DataFrame,
    *,
    validation_size: float = 0.1,
    stratify: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split segments into training and validation: all segments of a video lie on one side.

    Parameters
    ----------
    segments : DataFrame
        As `read_audioset_segments` returns; or the ``frame`` of `load_audioset`, so that only clips that are there
        are split.
    validation_size : float, default=0.1
        Share of the videos for validation, above 0 and below 1.
    stratify : bool, default=True
        Whether every label keeps its share on both sides as far as can be (`MultilabelStratifiedShuffleSplit`);
        otherwise videos are drawn by chance alone.
    random_state : int, RandomState or None, default=None
        An int makes the split the same every time.

    Returns
    -------
    train, validation : DataFrame
        Rows of `segments`, in their order and with their index.

    Raises
    ------
    ValueError
        If the segments lack a column or have no rows, or if a side would be empty.

    See Also
    --------
    shared_videos : Check that two tables share no video.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.datasets import shared_videos, split_audioset
    >>> rows = [(f"video{i // 2:06}", 10.0 * i, 10.0 * i + 10, ("/m/09x0r",)) for i in range(20)]
    >>> segments = pd.DataFrame(rows, columns=["ytid", "start", "end", "labels"])
    >>> train, validation = split_audioset(segments, validation_size=0.2, random_state=0)
    >>> len(train), len(validation), shared_videos(train, validation)
    (16, 4, [])
    """
    table = check_segments(segments)
    kind = MultilabelStratifiedShuffleSplit if stratify else GroupShuffleSplit
    splitter = kind(n_splits=1, test_size=float(validation_size), random_state=own_random_state(random_state))
    occurring = dict.fromkeys(label for labels in table["labels"] for label in labels)
    target = label_matrix(table["labels"], list(occurring), {}, None) if stratify else None
    train, validation = next(splitter.split(np.zeros(len(table)), target, groups=table["ytid"].to_numpy()))
    return segments.iloc[np.sort(train)], segments.iloc[np.sort(validation)]


def shared_videos(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """Return the videos that two tables of segments have in common.

    Parameters
    ----------
    first, second : DataFrame
        As `read_audioset_segments` returns.

    Returns
    -------
    list of str
        The ids of the videos, sorted; empty where nothing leaks from one table into the other.

    Raises
    ------
    ValueError
        If a table lacks a column or has no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.datasets import shared_videos
    >>> segments = pd.DataFrame({"ytid": ["-0123456789"], "start": [0.0], "end": [10.0], "labels": [("/m/09x0r",)]})
    >>> shared_videos(segments, segments)
    ['-0123456789']
    """
    return sorted(set(check_segments(first)["ytid"]) & set(check_segments(second)["ytid"]))
