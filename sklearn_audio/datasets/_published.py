"""Published data sets in their own layout: find the folder, and build the result of a loader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.datasets._table import load_audio_table
from sklearn_audio.exceptions import AudioReadError


def published_root(path: str | os.PathLike[str], marker: str, folders: Sequence[str], *, name: str) -> Path:
    """Find the folder of a data set: `path`, or a usual subfolder of it."""
    given = Path(local_path(path))
    for folder in (given, *(given / name for name in folders)):
        if (folder / marker).exists():
            return folder
    raise AudioReadError(
        f"{str(given)!r} does not hold {name}: there is no {marker!r} in it, nor in {' or '.join(map(repr, folders))} "
        "below it. Pass the folder that the archive was unpacked to."
    )


def hold_out(is_test: NDArray[np.bool_]) -> PredefinedSplit:
    """Make the split that tests on the marked clips and trains on all others."""
    return PredefinedSplit(np.where(is_test, 0, -1))


def published_bunch(
    frame: pd.DataFrame, *, group: str, description: str, splits: PredefinedSplit | None = None
) -> Bunch:
    """Build the result of a loader from a table of paths, labels, groups and optional official parts."""
    clips = load_audio_table(frame, label="label", group=group)
    if "official_split" in frame:
        clips.official_split = frame["official_split"].to_numpy(dtype=np.str_)
    if splits is not None:
        clips.splits = splits
    clips.DESCR = f"{len(frame)} recordings of {len(clips.target_names)} classes.\n{description}"
    return clips
