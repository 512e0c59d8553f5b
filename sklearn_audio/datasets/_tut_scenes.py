"""TUT Acoustic Scenes 2017: the scene of a recording."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.datasets._published import hold_out, published_bunch, published_root
from sklearn_audio.exceptions import AudioReadError

_NAME = "TUT-acoustic-scenes-2017"
_N_FOLDS = 4
_DESCR = """TUT Acoustic Scenes 2017: 10 s recordings of fifteen acoustic scenes, binaural, 44.1 kHz. The development
part has four official folds that keep the segments of one original recording together; the evaluation part was the test
of DCASE 2017.
A. Mesaros, T. Heittola and T. Virtanen, "TUT database for acoustic scene classification and sound event detection",
EUSIPCO 2016; https://doi.org/10.5281/zenodo.400515 and https://doi.org/10.5281/zenodo.1040168. Non-commercial use."""


def load_tut_scenes_2017(
    path: str | os.PathLike[str], *, part: Literal["development", "evaluation", "all"] = "development"
) -> Bunch:
    r"""Load TUT Acoustic Scenes 2017 from a folder, with the official folds as groups.

    It has 20 GB, is for non-commercial use, and is not downloaded. The layout is that of its archives: folders
    ``TUT-acoustic-scenes-2017-development`` and ``TUT-acoustic-scenes-2017-evaluation``, each with ``meta.txt``,
    ``audio`` and ``evaluation_setup``.

    Parameters
    ----------
    path : str or path-like
        The folder that holds both; for one part, also the folder of that part.
    part : {"development", "evaluation", "all"}, default="development"
        4680 recordings for development, 1620 for evaluation, or both.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, the
        scenes; ``target_names`` : ndarray of str; ``groups`` : ndarray of str, for development the fold ``"1"`` to
        ``"4"`` that tests the recording, for evaluation ``"evaluation"``; ``official_split`` : ndarray of
        str, the part; ``splits`` : PredefinedSplit, for development the four folds, for "all" one fold, which trains on
        development and tests on evaluation (absent for evaluation alone); ``frame`` : DataFrame of path, label, fold,
        official_split; ``DESCR`` : str.

    Raises
    ------
    AudioReadError
        If a folder or recordings are missing, or a development recording is in no fold.
    ValueError
        If `part` has another value.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import load_tut_scenes_2017
    >>> scenes = ["beach", "bus", "office", "train"]
    >>> with (
    ...     TemporaryDirectory() as folder
    ... ):  # four empty files in the layout of the archive, one for each fold
    ...     root = Path(folder, "TUT-acoustic-scenes-2017-development")
    ...     for name in ("audio", "evaluation_setup"):
    ...         (root / name).mkdir(parents=True)
    ...     rows = [f"audio/{scene}.wav\t{scene}" for scene in scenes]
    ...     _ = (root / "meta.txt").write_text("\n".join(rows))
    ...     for fold, (scene, row) in enumerate(zip(scenes, rows), start=1):
    ...         (root / "audio" / f"{scene}.wav").touch()
    ...         _ = (
    ...             root / "evaluation_setup" / f"fold{fold}_evaluate.txt"
    ...         ).write_text(row)
    ...     clips = load_tut_scenes_2017(folder)
    >>> dict(zip(clips.target.tolist(), clips.groups.tolist()))
    {'beach': '1', 'bus': '2', 'office': '3', 'train': '4'}
    >>> clips.splits.get_n_splits()
    4
    """
    if part not in ("development", "evaluation", "all"):
        raise ValueError(f"part={part!r} must be 'development', 'evaluation' or 'all'.")
    parts = ("development", "evaluation") if part == "all" else (part,)
    frame = pd.concat([_read(path, name, alone=part != "all") for name in parts], ignore_index=True)
    return published_bunch(frame, group="fold", description=_DESCR, splits=_splits(frame, part))


def _splits(frame: pd.DataFrame, part: str) -> PredefinedSplit | None:
    if part == "evaluation":
        return None  # nothing to train on
    if part == "all":
        return hold_out(frame["official_split"].to_numpy() == "evaluation")
    return PredefinedSplit(frame["fold"].astype(np.int64))


def _read(path: str | os.PathLike[str], part: str, *, alone: bool) -> pd.DataFrame:
    name = f"{_NAME}-{part}"
    inside = Path(local_path(path)) / name
    # unzipping tools may nest the folder of the archive in another of the same name
    root = published_root(path if alone else inside, "evaluation_setup", (name,) if alone else (name, "."), name=name)
    listed = "meta.txt" if (root / "meta.txt").exists() else "evaluation_setup/evaluate.txt"
    labels = _lines(root / listed)
    folds = _folds(root) if part == "development" else dict.fromkeys((row[0] for row in labels), part)
    without = [row[0] for row in labels if row[0] not in folds]
    if without:
        raise AudioReadError(
            f"{len(without)} recording(s) of {str(root / listed)!r} are in no fold of 'evaluation_setup', the first "
            f"{without[0]!r}. Unpack the whole archive."
        )
    rows = [
        {"path": str(root / row[0]), "label": row[1], "fold": folds[row[0]], "official_split": part} for row in labels
    ]
    return pd.DataFrame(rows)


def _folds(root: Path) -> dict[str, str]:
    """Read the fold in which each recording is tested."""
    folds = {}
    for fold in range(1, _N_FOLDS + 1):
        for row in _lines(root / "evaluation_setup" / f"fold{fold}_evaluate.txt"):
            folds[row[0]] = str(fold)
    return folds


def _lines(file: Path) -> list[list[str]]:
    if not file.is_file():
        raise AudioReadError(f"{str(file)!r} is missing. Unpack the whole archive.")
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.strip().split("\t") for line in lines if line.strip()]
