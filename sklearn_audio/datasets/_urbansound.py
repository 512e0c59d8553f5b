"""UrbanSound8K: sounds of the city."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import Bunch

from sklearn_audio.datasets._published import published_bunch, published_root

__all__ = ["load_urbansound8k"]

_TABLE = "metadata/UrbanSound8K.csv"
_DESCR = """UrbanSound8K: field recordings of up to 4 s of ten sounds of the city, in ten official folds that keep the
clips of one original recording together. Scores are comparable only over these folds, one left out at a time.
J. Salamon, C. Jacoby and J. P. Bello, "A dataset and taxonomy for urban sound research", ACM Multimedia 2014,
https://urbansounddataset.weebly.com, CC BY-NC 3.0."""


def load_urbansound8k(path: str | os.PathLike[str]) -> Bunch:
    """Load UrbanSound8K from a folder, with the ten official folds as groups.

    Its authors ask for a form to be filled in, so it is not downloaded here. The layout is that of its archive:
    ``metadata/UrbanSound8K.csv`` and ``audio/fold1`` to ``audio/fold10``.

    Parameters
    ----------
    path : str or path-like
        The folder with ``metadata`` and ``audio``, or one that holds it as ``UrbanSound8K``.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, the
        classes; ``target_names`` : ndarray of str; ``groups`` : ndarray of str, the folds ``"1"`` to ``"10"``;
        ``splits`` : PredefinedSplit that tests each fold in turn; ``frame`` : DataFrame of path, label, fold, source
        (the original recording at freesound.org), source_start and source_end (seconds within that) and salience (1:
        foreground, 2: background); ``DESCR`` : str.

    Raises
    ------
    AudioReadError
        If the folder is not that of UrbanSound8K, or recordings are missing.

    Examples
    --------
    >>> from sklearn_audio.datasets import load_urbansound8k
    >>> from sklearn_audio.exceptions import AudioReadError
    >>> try:
    ...     print(len(load_urbansound8k("UrbanSound8K").data))
    ... except AudioReadError:  # not on this machine
    ...     print(8732)
    8732
    """
    root = published_root(path, _TABLE, ("UrbanSound8K",), name="UrbanSound8K")
    table = pd.read_csv(root / _TABLE, dtype=str)
    places = zip(table["fold"], table["slice_file_name"], strict=True)
    frame = pd.DataFrame(
        {
            "path": [str(root / "audio" / f"fold{fold}" / name) for fold, name in places],
            "label": table["class"],
            "fold": table["fold"],
            "source": table["fsID"],
            # the times are those within the original recording, not within the file
            "source_start": table["start"].astype(float),
            "source_end": table["end"].astype(float),
            "salience": table["salience"].astype(int),
        }
    )
    # the first fold is tested first
    splits = PredefinedSplit(frame["fold"].astype(np.int64))
    return published_bunch(frame, group="fold", description=_DESCR, splits=splits)
