"""UrbanSound8K: urban sounds."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import Bunch

from sklearn_audio.datasets._published import published_bunch, published_root

_TABLE = "metadata/UrbanSound8K.csv"
_DESCR = """UrbanSound8K: field recordings of up to 4 s of ten urban sounds, in ten official folds that keep the clips
of one original recording together. Scores are comparable only with cross-validation over these folds.
J. Salamon, C. Jacoby and J. P. Bello, "A dataset and taxonomy for urban sound research", ACM Multimedia 2014,
https://urbansounddataset.weebly.com, CC BY-NC 3.0."""


def load_urbansound8k(path: str | os.PathLike[str]) -> Bunch:
    r"""Load UrbanSound8K from a folder, with the ten official folds as groups.

    Its authors require a form, hence no download. The layout is that of the archive: ``metadata/UrbanSound8K.csv`` and
    ``audio/fold1`` to ``audio/fold10``.

    Parameters
    ----------
    path : str or path-like
        The folder with ``metadata`` and ``audio``, or its parent (subfolder ``UrbanSound8K``).

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
        If the folder does not hold UrbanSound8K, or recordings are missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import load_urbansound8k
    >>> rows = [
    ...     "slice_file_name,fsID,start,end,salience,fold,classID,class",
    ...     "100032-3-0-0.wav,100032,0.0,0.317551,1,1,3,dog_bark",
    ...     "118558-8-0-0.wav,118558,0.3,4.3,2,10,8,siren",
    ... ]
    >>> with (
    ...     TemporaryDirectory() as folder
    ... ):  # two empty files in the layout of the archive
    ...     root = Path(folder)
    ...     for name in ("metadata", "audio/fold1", "audio/fold10"):
    ...         (root / name).mkdir(parents=True)
    ...     _ = (root / "metadata" / "UrbanSound8K.csv").write_text(
    ...         "\n".join(rows)
    ...     )
    ...     for name in ("fold1/100032-3-0-0.wav", "fold10/118558-8-0-0.wav"):
    ...         (root / "audio" / name).touch()
    ...     clips = load_urbansound8k(root)
    >>> clips.frame[["label", "fold", "source_end", "salience"]]
          label fold  source_end  salience
    0  dog_bark    1    0.317551         1
    1     siren   10    4.300000         2
    """
    root = published_root(path, _TABLE, ("UrbanSound8K",), name="UrbanSound8K")
    table = pd.read_csv(root / _TABLE, dtype=str)
    clips = zip(table["fold"], table["slice_file_name"], strict=True)
    frame = pd.DataFrame(
        {
            "path": [str(root / "audio" / f"fold{fold}" / name) for fold, name in clips],
            "label": table["class"],
            "fold": table["fold"],
            "source": table["fsID"],
            # times within the original recording, not within the file
            "source_start": table["start"].astype(float),
            "source_end": table["end"].astype(float),
            "salience": table["salience"].astype(int),
        }
    )
    # the first fold is tested first
    splits = PredefinedSplit(frame["fold"].astype(np.int64))
    return published_bunch(frame, group="fold", description=_DESCR, splits=splits)
