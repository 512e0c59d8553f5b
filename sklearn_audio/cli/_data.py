"""Labelled recordings from a folder or a table, as the command line names them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.cli._messages import in_words
from sklearn_audio.datasets import load_audio_folder, load_audio_table
from sklearn_audio.datasets._summary import Measured, summarize_measured

__all__ = ["described", "is_multilabel", "labelled", "likely_group"]

# A table of more classes than fit on a screen is left out.
_N_SHOWN = 50
_ALL = "\nall"  # no class is called so
_COLUMNS = {"n_clips": "recordings", "total_s": "total", "min_s": "shortest", "median_s": "median", "max_s": "longest"}
_LAYOUTS = {1: "mono", 2: "stereo"}
# Columns of what recordings share and new recordings will not.
_GROUP_NAMES = ("group", "speaker", "site", "session", "recordist", "recorder", "individual", "location", "station")
_FOR_TABLES = {"label": "--label", "path": "--path", "root": "--root", "groups": "--groups"}


def labelled(options: Namespace) -> Bunch:
    """Load what FOLDER_OR_TABLE names."""
    if not options.data:
        raise ValueError("the folder or table is an empty text; name one. Is a variable not set?")
    path = Path(local_path(options.data))
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
    """Whether the target is an indicator matrix."""
    return np.ndim(bunch.target) == 2


def likely_group(clips: Bunch) -> str | None:
    """Name a column of the table that may say which recordings belong together."""
    columns = {str(column).strip().lower(): column for column in clips.frame.columns}
    for name in _GROUP_NAMES:
        if name in columns and 1 < clips.frame[columns[name]].nunique() < len(clips.frame):
            return str(columns[name])
    return None


def described(clips: Bunch, measured: list[Measured]) -> str:
    """Say how many recordings there are and how long they are, in all and per class."""
    table = _summary(clips, measured)
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


def _summary(clips: Bunch, measured: list[Measured]) -> pd.DataFrame:
    """Summarise each class, and all recordings as one more, so that every header is read once."""
    members = clips.target if is_multilabel(clips) else clips.target[:, None] == clips.target_names
    members = np.column_stack([members, np.ones(len(clips.data), dtype=bool)])
    return summarize_measured(measured, members, [*clips.target_names, _ALL]).set_index("class").rename_axis(None)
