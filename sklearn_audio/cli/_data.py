"""Labelled recordings from a folder or a table, as the command line names them."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sklearn_audio.datasets import load_audio_folder, load_audio_table

__all__ = ["is_multilabel", "labelled", "shows_progress"]


def labelled(options: Namespace) -> Bunch:
    """Load what FOLDER_OR_TABLE names.

    Parameters
    ----------
    options : argparse.Namespace
        With data, label, groups and group_pattern.

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
    if path.is_dir() or not path.suffix:
        refused = [name for name in ("label", "groups") if getattr(options, name)]
        if refused:
            raise ValueError(f"--{refused[0]} names a column of a table, and {options.data} is a folder.")
        return load_audio_folder(path, group_pattern=options.group_pattern)
    if options.group_pattern:
        raise ValueError(f"--group-pattern is for folders, and {options.data} is a table; use --groups COLUMN.")
    label = options.label.split(",") if options.label and "," in options.label else options.label
    return load_audio_table(path, label=label, group=options.groups)


def is_multilabel(bunch: Bunch) -> bool:
    """Whether the target is an indicator matrix."""
    return np.ndim(bunch.target) == 2


def shows_progress(options: Namespace) -> int:
    """Progress bars are for people: 1 on a terminal, 0 where the output goes to a file or a pipe."""
    return int(not options.quiet and sys.stderr.isatty())
