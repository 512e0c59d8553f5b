"""Where a data set that others publish lies, and what its loaders return."""

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

__all__ = ["hold_out", "published_bunch", "published_root"]


def published_root(path: str | os.PathLike[str], marker: str, folders: Sequence[str], *, name: str) -> Path:
    """Find the folder of a data set: `path`, or one of the usual names in it.

    Parameters
    ----------
    path : str or path-like
        What the user named.
    marker : str
        A file or folder that the data set has.
    folders : sequence of str
        Names that its archives unpack to.
    name : str
        Of the data set, for the error.

    Returns
    -------
    Path
        The folder that holds `marker`.

    Raises
    ------
    AudioReadError
        If no such folder is there.

    Examples
    --------
    >>> from sklearn_audio.datasets._published import published_root
    >>> published_root(".", ".", ["ESC-50-master"], name="ESC-50").name
    ''
    """
    given = Path(local_path(path))
    for folder in (given, *(given / name for name in folders)):
        if (folder / marker).exists():
            return folder
    raise AudioReadError(
        f"{str(given)!r} does not hold {name}: there is no {marker!r} in it, nor in {' or '.join(map(repr, folders))} "
        "below it. Pass the folder that the archive was unpacked to."
    )


def hold_out(is_test: NDArray[np.bool_]) -> PredefinedSplit:
    """Make the split that tests on some clips and trains on all others.

    Parameters
    ----------
    is_test : ndarray of bool, shape (n_clips,)
        Which clips are for test.

    Returns
    -------
    PredefinedSplit
        Of one fold; what ``cv=`` of scikit-learn takes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.datasets._published import hold_out
    >>> [[part.tolist() for part in split] for split in hold_out(np.array([False, True, False])).split()]
    [[[0, 2], [1]]]
    """
    return PredefinedSplit(np.where(is_test, 0, -1))


def published_bunch(
    frame: pd.DataFrame, *, group: str, description: str, splits: PredefinedSplit | None = None
) -> Bunch:
    """Return a data set whose table has paths, labels, groups and perhaps official parts.

    Parameters
    ----------
    frame : DataFrame
        With columns path and label.
    group : str
        Column of the groups.
    description : str
        What, from whom and under which licence.
    splits : PredefinedSplit, default=None
        The official split; None leaves it out.

    Returns
    -------
    Bunch
        As of `load_audio_table`; with a column official_split also that, as an array.

    Raises
    ------
    AudioReadError
        If recordings are missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from sklearn_audio.datasets._published import published_bunch
    >>> with TemporaryDirectory() as folder:
    ...     files = [Path(folder, name) for name in ("cat.wav", "dog.wav")]
    ...     for file in files:
    ...         file.touch()
    ...     table = pd.DataFrame({"path": files, "label": ["cat", "dog"], "fold": [1, 2]})
    ...     clips = published_bunch(table, group="fold", description="Two animals.")
    >>> print(clips.DESCR)
    2 recordings of 2 classes.
    Two animals.
    """
    clips = load_audio_table(frame, label="label", group=group)
    if "official_split" in frame:
        clips.official_split = frame["official_split"].to_numpy(dtype=np.str_)
    if splits is not None:
        clips.splits = splits
    clips.DESCR = f"{len(frame)} recordings of {len(clips.target_names)} classes.\n{description}"
    return clips
