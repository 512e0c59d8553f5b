"""Labelled recordings from a folder or a table, as the command line names them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio.cli._messages import in_words
from sklearn_audio.datasets import load_audio_folder, load_audio_table, summarize_clips

__all__ = ["described", "is_multilabel", "labelled"]

# A table of more classes than fit on a screen is left out.
_N_SHOWN = 50
_ALL = "\nall"  # no class is called so
_COLUMNS = {"n_clips": "recordings", "total_s": "total", "min_s": "shortest", "median_s": "median", "max_s": "longest"}
_LAYOUTS = {1: "mono", 2: "stereo"}
_FOR_TABLES = {"label": "--label", "path": "--path", "root": "--root", "groups": "--groups"}


def labelled(options: Namespace) -> Bunch:
    """Load what FOLDER_OR_TABLE names.

    Parameters
    ----------
    options : argparse.Namespace
        With data, path, root, label, groups and group_pattern.

    Returns
    -------
    Bunch
        data, target, target_names, groups.

    Raises
    ------
    ValueError, OSError
        If there is nothing usable; see the loaders.
    """
    path = Path(options.data)
    if path.is_dir() or not (path.suffix or path.is_file()):
        refused = [flag for name, flag in _FOR_TABLES.items() if getattr(options, name) is not None]
        if refused:
            raise ValueError(f"{refused[0]} is about a table, and {options.data!r} is a folder or missing.")
        return load_audio_folder(path, group_pattern=options.group_pattern)
    if options.group_pattern is not None:
        raise ValueError(f"--group-pattern is for folders, and {options.data!r} is a table; use --groups COLUMN.")
    label = options.label.split(",") if options.label and "," in options.label else options.label
    return load_audio_table(path, path=options.path, root=options.root, label=label, group=options.groups)


def is_multilabel(bunch: Bunch) -> bool:
    """Whether the target is an indicator matrix.

    Parameters
    ----------
    bunch : Bunch
        What `labelled` returned.

    Returns
    -------
    bool
        False where every recording has one label.
    """
    return np.ndim(bunch.target) == 2


def described(clips: Bunch, n_jobs: int) -> str:
    """Say how many recordings there are and how long they are, in all and per class.

    Parameters
    ----------
    clips : Bunch
        What `labelled` returned. Only the headers of the files are read.
    n_jobs : int
        Threads that read.

    Returns
    -------
    str
        One line, and a table unless there are very many classes.

    Raises
    ------
    AudioReadError
        If a header cannot be read.
    """
    table = _summary(clips, n_jobs)
    everything: Any = table.loc[_ALL]
    kind = "labels" if is_multilabel(clips) else "classes"
    rates = " and ".join(map(str, everything["sample_rates"]))
    layouts = " and ".join(_LAYOUTS.get(n, f"{n} channels") for n in everything["channels"])
    head = (
        f"{everything['n_clips']} recordings, {in_words(everything['total_s'])} in all, {rates} Hz, {layouts}; "
        f"{len(clips.target_names)} {kind}"
    )
    if len(clips.target_names) > _N_SHOWN:
        return f"{head} (sklearn_audio.datasets.summarize_clips lists them)"
    shown = table.drop(index=_ALL)[list(_COLUMNS)].rename(columns=_COLUMNS)
    return f"{head}\n\n{shown.to_string(formatters=dict.fromkeys(shown.columns[1:], in_words))}\n"


def _summary(clips: Bunch, n_jobs: int) -> pd.DataFrame:
    """Summarise each class, and all recordings as one more, so that every header is read once."""
    members = clips.target if is_multilabel(clips) else clips.target[:, None] == clips.target_names
    members = np.column_stack([members, np.ones(len(clips.data), dtype=bool)])
    table = summarize_clips(clips.data, members, target_names=[*clips.target_names, _ALL], n_jobs=n_jobs)
    return table.set_index("class").rename_axis(None)
