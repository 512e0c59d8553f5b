"""ESC-50 and ESC-10: environmental sounds."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import Bunch

from sklearn_audio.datasets._published import published_bunch, published_root

_TABLE = "meta/esc50.csv"
_DESCR = """{name}: environmental recordings of 5 s, 40 per class, 44.1 kHz, in five official folds that keep the clips
of one original recording together.
K. J. Piczak, "ESC: Dataset for environmental sound classification", ACM Multimedia 2015,
https://github.com/karolpiczak/ESC-50, CC BY-NC (ESC-10: CC BY)."""


def load_esc50(path: str | os.PathLike[str], *, subset: Literal["esc10"] | None = None) -> Bunch:
    r"""Load ESC-50, or the ten classes ESC-10, from a folder, with the official folds as groups.

    There is no release with a fixed hash, hence no download. The layout is that of the repository: ``meta/esc50.csv``
    and ``audio/*.wav``.

    Parameters
    ----------
    path : str or path-like
        The folder with ``meta`` and ``audio``, or its parent (subfolder ``ESC-50-master`` or ``ESC-50``).
    subset : {"esc10"}, default=None
        The ten classes of ESC-10; None: all fifty.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, the
        categories; ``target_names`` : ndarray of str; ``groups`` : ndarray of str, the folds ``"1"`` to ``"5"``;
        ``splits`` : PredefinedSplit that tests each fold in turn; ``frame`` : DataFrame of path, label, fold, source
        (the original recording) and take; ``DESCR`` : str.

    Raises
    ------
    AudioReadError
        If the folder does not hold ESC-50, or recordings are missing.
    ValueError
        If `subset` has another value.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import load_esc50
    >>> rows = [
    ...     "filename,fold,target,category,esc10,src_file,take",
    ...     "1-100032-A-0.wav,1,0,dog,True,100032,A",
    ...     "2-100648-A-43.wav,2,43,car_horn,False,100648,A",
    ...     "2-102435-A-10.wav,2,10,rain,True,102435,A",
    ... ]
    >>> with (
    ...     TemporaryDirectory() as folder
    ... ):  # three empty files in the layout of the repository
    ...     root = Path(folder)
    ...     for name in ("meta", "audio"):
    ...         (root / name).mkdir()
    ...     _ = (root / "meta" / "esc50.csv").write_text("\n".join(rows))
    ...     for row in rows[1:]:
    ...         (root / "audio" / row.split(",")[0]).touch()
    ...     everything, ten = load_esc50(root), load_esc50(root, subset="esc10")
    >>> everything.target.tolist(), everything.groups.tolist()
    (['dog', 'car_horn', 'rain'], ['1', '2', '2'])
    >>> ten.target.tolist()
    ['dog', 'rain']
    """
    if subset not in (None, "esc10"):
        raise ValueError(f"subset={subset!r} must be 'esc10' or None.")
    root = published_root(path, _TABLE, ("ESC-50-master", "ESC-50"), name="ESC-50")
    table = pd.read_csv(root / _TABLE, dtype=str)
    if subset == "esc10":
        table = table[table["esc10"].str.lower() == "true"].reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "path": [str(root / "audio" / name) for name in table["filename"]],
            "label": table["category"],
            "fold": table["fold"],
            "source": table["src_file"],
            "take": table["take"],
        }
    )
    name = "ESC-10" if subset else "ESC-50"
    # the first fold is tested first
    splits = PredefinedSplit(frame["fold"].astype(np.int64))
    return published_bunch(frame, group="fold", description=_DESCR.format(name=name), splits=splits)
